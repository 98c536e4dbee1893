import { explain, shapeOf, specOf } from '#failures/failure-texts.ts';
import type { Failure } from '#failures/failure.ts';
import type { ProbeFailure } from './probe-report.ts';

/** A failure as data for people and programs, in the words of the record. */
export function probeFailure(failure: Failure): ProbeFailure {
  const { whose, usualCauses, nextStep } = specOf(failure);
  const { stage, cause, evidence } = failure;
  return {
    stage,
    shape: shapeOf(failure),
    cause,
    whose,
    sentence: explain(failure),
    usualCauses,
    nextStep,
    evidence: { ...evidence },
  };
}
