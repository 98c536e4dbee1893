import type { CallFailure } from './call-failure.ts';
import type { CallSubject } from './client-hooks.ts';
import type { RetryWhy } from './gateway-error.ts';

/** One sentence for people: what happened to which call, and whether it may have been executed. */
export function failureMessage(
  { method, url }: CallSubject,
  { writer, gateway, status, shape, cause, mayHaveBeenExecuted }: CallFailure,
  attempts: number,
  reason: RetryWhy,
): string {
  const author =
    writer === 'service' ? writer : writer === 'gateway' ? (gateway ?? writer) : 'the service or a gateway';
  const answered = status === null ? 'no answer' : `${author} answered ${status}`;
  const what = [shape, cause].filter(Boolean).join(': ');
  return `${method} ${url}: ${answered}${what && ` (${what})`}; attempts: ${attempts}, then ${reason}; ${mayHaveBeenExecuted ? 'may have been' : 'was not'} executed`;
}
