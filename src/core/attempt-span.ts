/**
 * The id of the span of an attempt, by the number of the attempt in the order of their begin, the first being 0. It follows from the span of
 * the exchange, so that no attempt keeps one: the worker writes it into the request, and the exporter finds it again.
 */
export function attemptSpanId(exchangeSpanId: string, attempt: number): string {
  const low = (Number.parseInt(exchangeSpanId.slice(8), 16) + attempt + 1) % 0x1_0000_0000;
  return exchangeSpanId.slice(0, 8) + low.toString(16).padStart(8, '0');
}
