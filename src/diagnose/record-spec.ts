import { exitExplains, nextStepAfterExit, specOf, specOfCause } from '#failures/failure-texts.ts';
import { failureTable } from '#failures/failure-table.ts';
import type { Cause, Failure } from '#failures/failure.ts';
import { camelCased } from '#failures/json-case.ts';
import type { AttemptRecord, ExchangeRecord } from '../core/schemas/record.ts';
import { instanceExitOf } from '../core/recorded-exit.ts';

type RecordedCause = Pick<ExchangeRecord, 'attempts' | 'cause'>;
type RecordedFailure = RecordedCause & Pick<ExchangeRecord, 'stage' | 'evidence' | 'application'>;

/** Null for a cause that this version does not know: a newer version may have written the log. */
export function specOfRecord({
  attempts,
  cause,
  stage,
  evidence,
  application,
}: RecordedFailure): ReturnType<typeof specOf> | null {
  if (cause === null || !Object.hasOwn(failureTable, cause)) return null;
  const last = attempts.at(-1);
  const failure = failureOf(last?.cause === cause ? last : { cause, stage, evidence: evidence ?? null });
  return failure === null ? specOfCause(cause as Cause) : specOf(failure, application);
}

/** The failure that an attempt records; null if it did not fail, or if this version does not know its cause. */
export function failureOf({
  cause,
  stage,
  evidence,
}: Pick<AttemptRecord, 'cause' | 'stage' | 'evidence'>): Failure | null {
  if (cause === null || evidence === null || !Object.hasOwn(failureTable, cause)) return null;
  return { cause, stage, evidence: camelCased(evidence) } as Failure;
}

/**
 * If the exit of the instance is known, its last output says more than any usual cause. `printedNothing`: while it had the request, and shortly
 * afterwards; a record alone may have been written before the last line came.
 */
export function stepAfterExit({ attempts, cause }: RecordedCause, printedNothing = false): string | null {
  const last = attempts.at(-1);
  if (last === undefined || last.exit === null || !exitExplains(last.cause, cause)) return null;
  return nextStepAfterExit({ ...instanceExitOf(last.exit), isSilent: printedNothing && last.exit.last_line === null });
}
