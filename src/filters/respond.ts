import type { Filter } from '../core/filter.ts';
import { type CompiledText, headerValue } from '../core/template.ts';
import { visibleText } from '../wire/visible-text.ts';
import { textAnswer } from './plain-answer.ts';

/** Answers every request with this response. */
export function respondFilter(
  status: number,
  contentType: string,
  body: string,
  headers: readonly (readonly [name: string, value: CompiledText])[] = [],
): Filter {
  const withBody = textAnswer(status, visibleText(contentType, bodyTypeMax), body, []);
  // RFC 9110 §6.4.1: these never have a body, whatever the configuration says.
  const answer = status === 204 || status === 304 ? { status, headers: [], body: withBody.body } : withBody;
  if (headers.length === 0) return { name: 'respond', onRequestHead: () => answer };
  return {
    name: 'respond',
    onRequestHead({ variables }) {
      const filled = headers.map(([name, value]) => [name, headerValue(value, variables)] as const);
      return { ...answer, headers: [...answer.headers, ...filled.filter(([, value]) => value !== '')] };
    },
  };
}

const bodyTypeMax = 256;
