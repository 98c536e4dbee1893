import type { FilterAnswer } from '../core/filter.ts';

export const plainText = 'text/plain; charset=utf-8';

type Header = readonly [name: string, value: string];

/** An answer with a body of text. */
export function textAnswer(
  status: number,
  contentType: string,
  text: string,
  headers: readonly Header[],
): FilterAnswer {
  return { status, headers: [['Content-Type', contentType], ...headers], body: utf8.encode(text) };
}

const utf8 = new TextEncoder();
