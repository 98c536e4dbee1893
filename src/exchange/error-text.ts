import type { Account } from './account.ts';
import { reasonPhrase } from '../wire/reason-phrases.ts';

/**
 * One sentence for the client: whether its request may have been executed, and whether to send it again.
 * Null for safe methods (RFC 9110 §9.2.1), and for requests that could not be parsed.
 */
export function adviseOnResending({ method, delivery }: Pick<Account, 'method' | 'delivery'>): string | null {
  if (method === '' || safeMethods.has(method)) return null;
  if (delivery === 'not_sent' || delivery === 'refused_by_peer') {
    return 'What you sent was not passed on to the application, so nothing was done with it. It is safe to send it again.';
  }
  if (idempotentMethods.has(method)) {
    return 'What you sent may have been carried out already. Sending it again does no harm.';
  }
  if (delivery === 'partial') {
    return 'Only part of what you sent reached the application. It was probably not carried out, but that is not certain: check before you send it again.';
  }
  if (delivery === 'sent_unknown') {
    return 'What you sent reached the application, and no answer came back. It may have been carried out: check before you send it again, so that it is not done twice.';
  }
  return 'What you sent reached the application, which had begun to answer. It was probably carried out: check before you send it again, so that it is not done twice.';
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
const idempotentMethods: ReadonlySet<string> = new Set(['PUT', 'DELETE']);

/** Safe methods (RFC 9110 §9.2.1): they change nothing, so that a retry is always right. */
export function isSafe(method: string): boolean {
  return safeMethods.has(method);
}

/** When to retry: the computed time, or a default where retrying makes sense; null where it does not. */
export function retryAdvice({
  retryAfterS,
  temporary,
  whose,
}: Pick<Account, 'retryAfterS' | 'temporary' | 'whose'>): string | null {
  if (retryAfterS !== null && retryAfterS > 0) return `It makes sense to try again in about ${waitText(retryAfterS)}.`;
  return temporary || whose === 'client' ? null : 'Trying again will hardly help until somebody has looked at it.';
}

function waitText(seconds: number): string {
  if (seconds < 90) return seconds === 1 ? 'a second' : `${seconds} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
}

/** A failure in plain text: a few short paragraphs for a terminal or a log. */
export function writeErrorText(account: Account): string {
  const { forOperators } = account;
  const paragraphs = [
    `${account.status} ${reasonPhrase(account.status)}: ${account.title}`,
    account.forClient,
    adviseOnResending(account),
    retryAdvice(account),
    forOperators === null ? null : [forOperators.sentence, `Next step: ${forOperators.nextStep}`].join('\n'),
    `Request id: ${account.requestId}`,
  ];
  return `${paragraphs.filter((paragraph) => paragraph !== null).join('\n\n')}\n`;
}
