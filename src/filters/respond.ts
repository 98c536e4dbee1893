import type { Filter } from '../core/filter.ts';
import { visibleText } from '../wire/visible-text.ts';
import { textAnswer } from './plain-answer.ts';

/** Answers every request with this response. */
export function respondFilter(status: number, contentType: string, body: string): Filter {
  const withBody = textAnswer(status, visibleText(contentType, bodyTypeMax), body, []);
  // RFC 9110 §6.4.1: these never have a body, whatever the configuration says.
  const answer = status === 204 || status === 304 ? { status, headers: [], body: withBody.body } : withBody;
  return { name: 'respond', onRequestHead: () => answer };
}

const bodyTypeMax = 256;
