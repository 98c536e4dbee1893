import type { Account } from './account.ts';
import { adviseOnResending, retryAdvice } from './advice.ts';
import { reasonPhrase } from '../wire/reason-phrases.ts';

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
