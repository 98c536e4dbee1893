import type { Failure } from '../failure.ts';
import type { TextRedactor } from './text-redactor.ts';

/** More than any evidence is long. */
const evidenceCharactersMax = 4096;

/**
 * The failure without secrets in its evidence. Sentences are to be made of it rather than redacted afterwards: in them bytes
 * may be written out, and texts cut, in ways that hide what they hold.
 */
export function failureWithoutSecrets(failure: Failure, redactor: TextRedactor, max = evidenceCharactersMax): Failure {
  const { cause, stage, evidence } = failure;
  return { cause, stage, evidence: redactor.redactAll(evidence, max) } as Failure;
}
