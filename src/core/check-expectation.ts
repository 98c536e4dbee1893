import type { ResponseExpectation, StatusRange } from './upstream-spec.ts';

/** What a check has read of a response. */
interface CheckedResponse {
  readonly status: number;
  readonly headers?: ReadonlyMap<string, string>;
}

const success: readonly StatusRange[] = [{ from: 200, to: 299 }];

/** The first thing in which a response is not as a check expects it; null: it is. */
export function unmetExpectation(
  { status, headers }: CheckedResponse,
  { expectStatus = success, expectHeaders = [], expectBody }: ResponseExpectation,
  body: () => string,
): { readonly kind: 'status' | 'body' } | { readonly kind: 'header'; readonly name: string } | null {
  if (!expectStatus.some(({ from, to }) => status >= from && status <= to)) return { kind: 'status' };
  const header = expectHeaders.find(([name, value]) => headers?.get(name) !== value);
  if (header !== undefined) return { kind: 'header', name: header[0] };
  return expectBody === undefined || body().includes(expectBody) ? null : { kind: 'body' };
}
