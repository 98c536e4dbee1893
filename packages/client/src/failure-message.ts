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
  const name = gateway === null ? '' : ` (${gateway})`;
  const author = {
    gateway: `the service's gateway${name}`,
    service: 'the service',
    client: '',
    unknown: 'the service or a gateway',
  };
  const answered = status === null ? 'no answer' : `${author[writer]} answered ${status}`;
  const what = [...new Set([shape?.replaceAll('_', ' '), cause])].filter((word) => word != null).join(', ');
  const executed = mayHaveBeenExecuted ? 'it may have been executed' : 'it was not executed';
  return `${method} ${url}: ${answered}${what === '' ? '' : ` (${what})`}; attempts: ${attempts}, no further one: ${reason}; ${executed}`;
}
