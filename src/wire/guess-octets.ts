import type { Guess } from '../core/failure.ts';

/** How much is looked at: a stack trace names itself in its first lines. */
const lookedAtMax = 512;

const marks: readonly (readonly [Guess, RegExp])[] = [
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
 * What octets look like that were to be an HTTP response and are none. A guess for people: nothing is decided by it.
 *
 * TLS: a record of alert or handshake, version 3.x (RFC 8446 §5.1). HTTP/2: a server begins with a SETTINGS frame on
 * stream 0 (RFC 9113 §3.4).
 */
export function guessOctets(octets: Uint8Array): Guess {
  if (octets.length === 0) return 'nothing';
  const first = octets[0] as number;
  if ((first === 0x15 || first === 0x16) && octets[1] === 0x03 && (octets[2] ?? 0) <= 4) return 'tls';
  if (isSettingsFrame(octets)) return 'http2';
  if (!isText(octets)) return 'binary';
  const text = String.fromCharCode(...octets.subarray(0, lookedAtMax));
  return marks.find(([, pattern]) => pattern.test(text))?.[0] ?? 'text';
}

function isSettingsFrame(octets: Uint8Array): boolean {
  if (octets.length < 9 || octets[3] !== 0x04) return false;
  const length = ((octets[0] as number) << 16) | ((octets[1] as number) << 8) | (octets[2] as number);
  return length % 6 === 0 && length <= 6 * 64 && octets.subarray(5, 9).every((octet) => octet === 0);
}

/** No control but white space; octets above 127 may be UTF-8. */
function isText(octets: Uint8Array): boolean {
  return octets
    .subarray(0, lookedAtMax)
    .every((octet) => (octet >= 0x20 && octet !== 0x7f) || (octet >= 0x09 && octet <= 0x0d));
}
