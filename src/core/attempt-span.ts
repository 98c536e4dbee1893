/**
 * The id of the span of an attempt, by the number of the attempt in the order of their begin, the first being 0. It follows from the span of
 * the exchange, so that no attempt keeps one: the worker writes it into the request, and the exporter finds it again. They differ in the last
 * byte alone: an exchange has fewer than 255 attempts.
 */
export function attemptSpanId(exchangeSpanId: string, attempt: number): string {
  const byte = attemptSpanByte(exchangeSpanId, attempt);
  return exchangeSpanId.slice(0, lastByteAt) + byte.toString(16).padStart(2, '0');
}

/** The last byte of that id. */
export function attemptSpanByte(exchangeSpanId: string, attempt: number): number {
  const byte =
    hexValue(exchangeSpanId.charCodeAt(lastByteAt)) * 16 + hexValue(exchangeSpanId.charCodeAt(lastByteAt + 1));
  return (byte + attempt + 1) & 0xff;
}

const lastByteAt = 14;

/** Of a lowercase hexadecimal digit. */
export function hexValue(code: number): number {
  return code <= 0x39 ? code - 0x30 : code - 0x57;
}
