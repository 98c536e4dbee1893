import type { Failure } from '#failures/failure.ts';
import type { TextRedactor } from './text-redactor.ts';

/** Longer than any evidence. */
const evidenceCharactersMax = 4096;

/**
 * The failure without secrets in its evidence. Create sentences from it instead of redacting sentences: they may have bytes
 * in hexadecimal and shortened texts, in which a secret cannot be found.
 */
export function failureWithoutSecrets(failure: Failure, redactor: TextRedactor, max = evidenceCharactersMax): Failure {
  const { cause, stage, evidence } = failure;
  return { cause, stage, evidence: redactor.redactAll(evidence, max) } as Failure;
}
