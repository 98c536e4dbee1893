/** What the first bytes of a connection show: the ALPN name of its protocol, or that it begins TLS. */
export type PrefaceDecision = 'http/1.1' | 'h2' | 'tls' | 'partial';

/** RFC 9113 §3.4: the client's first bytes, as far as they tell it from any request that HTTP/1 may have. */
const http2Preface = 'PRI * HTTP/2.0\r\n';

const tlsHandshake = 0x16;
const tlsMajorVersion = 0x03;

/**
 * Decides from the first bytes. A TLS ClientHello begins with a handshake record, version 3.x (RFC 8446 §5.1), which is
 * no character of a method; HTTP/2 with its preface. Everything else is left to the HTTP/1 parser, which refuses
 * what is no request.
 */
export function decidePreface(bytes: Uint8Array, start: number, end: number): PrefaceDecision {
  if (start === end) return 'partial';
  if (bytes[start] === tlsHandshake) {
    if (end - start < 2) return 'partial';
    return bytes[start + 1] === tlsMajorVersion ? 'tls' : 'http/1.1';
  }
  const length = Math.min(end - start, http2Preface.length);
  for (let index = 0; index < length; index++) {
    if (bytes[start + index] !== http2Preface.charCodeAt(index)) return 'http/1.1';
  }
  return length === http2Preface.length ? 'h2' : 'partial';
}
