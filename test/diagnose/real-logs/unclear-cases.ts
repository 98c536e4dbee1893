import { failureCases } from './failure-cases.ts';

/**
 * The verdict on an act that a log does not fully show. `unknown`: a failure without a shape. `fine`: a response like
 * any other, or nothing. `shape`: the shape without the type. `either`: unknown, or right by a sign that not every
 * configuration leaves. `else`: what the gateway took the act for, which differs from what the origin did.
 */
export type LogClarity = 'unknown' | 'fine' | 'shape' | 'either' | 'else';

export interface UnclearCases {
  readonly log: string;
  readonly shows: LogClarity;
  readonly cases: readonly string[];
  readonly why: string;
}

const own = ['own-500', 'own-502', 'own-503', 'own-504'];
const handshakes = ['tls-plain-http', 'tls-alert', 'certificate'];
const cutContents = ['short-length-close', 'short-length-reset', 'chunked-cut'];
const cutHeads = ['close-before-head', 'reset-before-head', 'close-mid-head', 'reset-mid-head'];
const slowHeads = ['silent', 'stall-mid-head'];
const unreached = ['refused', 'unanswered'];
const headless = ['binary', 'ssh-banner'];
const badHeads = ['space-in-field-name', 'huge-field-section'];

/** Written before any verdict is computed; `docs/explain/what-logs-cannot-tell.md` has the same list for people. */
export const unclearCases: readonly UnclearCases[] = [
  {
    log: 'nginx access log (combined)',
    shows: 'unknown',
    cases: [...own, ...unreached, ...cutHeads, ...slowHeads, ...badHeads, ...handshakes],
    why: 'it has a status, and nothing of the upstream',
  },
  {
    log: 'nginx access log (combined)',
    shows: 'fine',
    cases: ['stall-mid-content', 'bad-chunk-size', ...cutContents],
    why: 'the status had been sent when the content broke off',
  },
  {
    log: 'nginx access log (combined)',
    shows: 'else',
    cases: headless,
    why: 'nginx takes what has no head for HTTP/0.9 and passes it on, as status 009',
  },
  {
    log: 'nginx access log (with upstream times)',
    shows: 'fine',
    cases: ['stall-mid-content', 'bad-chunk-size', ...cutContents],
    why: 'the head had come, and the status had been sent, when the content broke off',
  },
  {
    log: 'nginx access log (with upstream times)',
    shows: 'unknown',
    cases: ['close-mid-head', 'reset-mid-head', 'space-in-field-name'],
    why: 'bytes came, and no head of them: half a head and a bad one are the same here',
  },
  {
    log: 'nginx access log (with upstream times)',
    shows: 'either',
    cases: ['huge-field-section'],
    why: 'a head that ends where the buffer does is one that did not fit; nginx may have read to another place',
  },
  {
    log: 'nginx access log (with upstream times)',
    shows: 'shape',
    cases: ['refused', ...handshakes],
    why: 'the time of connecting includes the handshake: it is missing for both',
  },
  {
    log: 'nginx access log (with upstream times)',
    shows: 'else',
    cases: headless,
    why: 'nginx takes what has no head for HTTP/0.9 and passes it on, as status 009',
  },
  {
    log: 'HAProxy HTTP log',
    shows: 'shape',
    cases: handshakes,
    why: 'a handshake that failed is SC, as a connection that was refused',
  },
  {
    log: 'HAProxy HTTP log',
    shows: 'else',
    cases: ['bad-chunk-size'],
    why: 'a chunk that is none is SD here, as a content that was cut',
  },
  {
    log: 'Apache error log',
    shows: 'shape',
    cases: ['tls-plain-http', 'tls-alert'],
    why: 'it says that the handshake failed, and not why',
  },
  {
    log: 'Apache error log',
    shows: 'else',
    cases: [...headless, 'bad-chunk-size'],
    why: 'Apache takes what has no head for HTTP/0.9; a chunk that is none is an internal error while reading',
  },
  {
    log: 'Apache error log',
    shows: 'fine',
    cases: ['huge-field-section'],
    why: 'it has no limit that 2 MiB of fields would exceed',
  },
  {
    log: 'Apache access log (combined)',
    shows: 'unknown',
    cases: [...own, ...unreached, ...cutHeads, ...slowHeads, 'space-in-field-name', ...handshakes],
    why: 'it has a status, and nothing of the backend',
  },
  {
    log: 'Apache access log (combined)',
    shows: 'fine',
    cases: ['stall-mid-content', 'bad-chunk-size', ...cutContents, ...headless, 'huge-field-section'],
    why: 'the status had been sent when the content broke off; what has no head is HTTP/0.9 and 200',
  },
  {
    log: 'varnishlog',
    shows: 'else',
    cases: [...headless, 'stall-mid-content'],
    why: 'Varnish waits for the rest of what is no head until its time is over, and counts the bytes that are missing',
  },
  {
    log: 'varnishncsa',
    shows: 'unknown',
    cases: [...own, ...unreached, ...cutHeads, ...slowHeads, ...headless, ...badHeads],
    why: 'it has a status, and nothing of the backend',
  },
  {
    log: 'varnishncsa',
    shows: 'fine',
    cases: ['stall-mid-content', 'bad-chunk-size', ...cutContents],
    why: 'the status had been sent when the content broke off',
  },
  {
    log: 'Caddy log',
    shows: 'either',
    cases: own,
    why: 'an answer of the application and one of Caddy differ by Via only, which Caddy has written since 2.9',
  },
  {
    log: 'Caddy log',
    shows: 'fine',
    cases: badHeads,
    why: 'Caddy 2.6 passes both on',
  },
];

export function clarityOf(log: string, failureCase: string): LogClarity | null {
  return unclearCases.find((one) => one.log === log && one.cases.includes(failureCase))?.shows ?? null;
}

/** Names in the list that are no acts. */
export function strayCases(): string[] {
  const known = new Set(failureCases.map(({ id }) => id));
  return unclearCases.flatMap((one) => one.cases.filter((id) => !known.has(id)));
}
