import type { Guess } from '#failures/failure.ts';

/** How much is looked at: a stack trace names itself in its first lines. */
const lookedAtMax = 512;

const patterns: readonly (readonly [Guess, RegExp])[] = [
  ['ssh', /^SSH-\d/],
  ['html', /^\s*<(?:!doctype|html|head|body|\?xml|[a-z][a-z0-9]*[\s>])/i],
  [
    'stack_trace',
    /^\s*(?:Traceback \(most recent|Exception in thread|panic: |goroutine \d|Uncaught |(?:PHP )?Fatal error)/,
  ],
  ['stack_trace', /(?:Error|Exception)[^\n]*\n\s+at /],
  ['json', /^\s*(?:\{\s*(?:"|\})|\[\s*(?:[[{"\]\d-]|true|false|null))/],
];

/**
 * Guesses what bytes are that should be an HTTP response. For people only: nothing is decided by it.
 *
 * TLS: a record of alert or handshake, version 3.x (RFC 8446 §5.1). HTTP/2: a server begins with a SETTINGS frame on
 * stream 0 (RFC 9113 §3.4).
 */
export function guessBytes(bytes: Uint8Array): Guess {
  if (bytes.length === 0) return 'nothing';
  const first = bytes[0] as number;
  if ((first === 0x15 || first === 0x16) && bytes[1] === 0x03 && (bytes[2] ?? 0) <= 4) return 'tls';
  if (isSettingsFrame(bytes)) return 'http2';
  if (!isText(bytes)) return 'binary';
  const text = String.fromCharCode(...bytes.subarray(0, lookedAtMax));
  return patterns.find(([, pattern]) => pattern.test(text))?.[0] ?? 'text';
}

function isSettingsFrame(bytes: Uint8Array): boolean {
  if (bytes.length < 9 || bytes[3] !== 0x04) return false;
  const length = ((bytes[0] as number) << 16) | ((bytes[1] as number) << 8) | (bytes[2] as number);
  return length % 6 === 0 && length <= 6 * 64 && bytes.subarray(5, 9).every((byte) => byte === 0);
}

/** No control but white space; bytes above 127 may be UTF-8. */
function isText(bytes: Uint8Array): boolean {
  return bytes
    .subarray(0, lookedAtMax)
    .every((byte) => (byte >= 0x20 && byte !== 0x7f) || (byte >= 0x09 && byte <= 0x0d));
}
