import { exitExplains, nextStepAfterExit, specOf, specOfCause } from '../../core/explain.ts';
import { failureTable } from '../../core/failure-table.ts';
import type { Cause, Failure } from '../../core/failure.ts';
import type { ExchangeRecord } from '../../core/record.ts';

type RecordedCause = Pick<ExchangeRecord, 'attempts' | 'cause'>;

/** Null for a cause that this version does not know: the log may be a newer one's. */
export function specOfRecord({ attempts, cause }: RecordedCause): ReturnType<typeof specOf> | null {
  if (cause === null || !Object.hasOwn(failureTable, cause)) return null;
  const last = attempts.at(-1);
  const hasEvidence = last?.cause === cause && last.evidence !== null;
  return hasEvidence
    ? specOf({ cause, stage: last.stage, evidence: last.evidence } as Failure)
    : specOfCause(cause as Cause);
}

/** Where the instance is known to have ended, what it left behind says more than any usual cause. */
export function stepAfterExit({ attempts, cause }: RecordedCause): string | null {
  const last = attempts.at(-1);
  if (last === undefined || last.exit === null || !exitExplains(last.cause, cause)) return null;
  return nextStepAfterExit({ code: last.exit.code, signal: last.exit.signal, outOfMemory: last.exit.oom });
}
