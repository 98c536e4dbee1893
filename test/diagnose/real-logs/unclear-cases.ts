import { failureCases } from './failure-cases.ts';

/**
 * The verdict on an act that a log does not fully show. `unknown`: a failure without a shape. `fine`: a response like
 * any other, or nothing. `shape`: the shape without the type. `either`: unknown, or right by a sign that not every
 * configuration leaves. `else`: what the gateway took the act for, which differs from what the origin did.
 */
type LogClarity = 'unknown' | 'fine' | 'shape' | 'either' | 'else';

interface UnclearCases {
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
    why: 'the line has a status, and no field of the upstream',
  },
  {
    log: 'nginx access log (combined)',
    shows: 'fine',
    cases: ['stall-mid-content', 'bad-chunk-size', ...cutContents],
    why: 'the status had been sent when the body broke off',
  },
  {
    log: 'nginx access log (combined)',
    shows: 'else',
    cases: headless,
    why: 'nginx takes a response without a head for HTTP/0.9 and passes it on, with status 009',
  },
  {
    log: 'nginx access log (with upstream times)',
    shows: 'fine',
    cases: ['stall-mid-content', 'bad-chunk-size', ...cutContents],
    why: 'the status had been sent when the body broke off',
  },
  {
    log: 'nginx access log (with upstream times)',
    shows: 'unknown',
    cases: ['close-mid-head', 'reset-mid-head', 'space-in-field-name'],
    why: 'bytes came, but no complete head: half a head and an invalid one have the same fields',
  },
  {
    log: 'nginx access log (with upstream times)',
    shows: 'either',
    cases: ['huge-field-section'],
    why: 'a head that exactly fills the buffer did not fit; nginx may have stopped at another position',
  },
  {
    log: 'nginx access log (with upstream times)',
    shows: 'shape',
    cases: ['refused', ...handshakes],
    why: 'the connection time includes the handshake: it is missing for a refusal and for a failed handshake',
  },
  {
    log: 'nginx access log (with upstream times)',
    shows: 'else',
    cases: headless,
    why: 'nginx takes a response without a head for HTTP/0.9 and passes it on, with status 009',
  },
  {
    log: 'HAProxy HTTP log',
    shows: 'shape',
    cases: handshakes,
    why: 'a failed handshake is SC, as a refused connection is',
  },
  {
    log: 'HAProxy HTTP log',
    shows: 'else',
    cases: ['bad-chunk-size'],
    why: 'a malformed chunk is SD, as an incomplete body is',
  },
  {
    log: 'Apache error log',
    shows: 'shape',
    cases: ['tls-plain-http', 'tls-alert'],
    why: 'the line says that the handshake failed, but not why',
  },
  {
    log: 'Apache error log',
    shows: 'else',
    cases: [...headless, 'bad-chunk-size'],
    why: 'Apache takes a response without a head for HTTP/0.9, and logs a malformed chunk as an internal error while reading',
  },
  {
    log: 'Apache error log',
    shows: 'fine',
    cases: ['huge-field-section'],
    why: 'Apache has no limit that 2 MiB of headers would exceed',
  },
  {
    log: 'Apache access log (combined)',
    shows: 'unknown',
    cases: [...own, ...unreached, ...cutHeads, ...slowHeads, 'space-in-field-name', ...handshakes],
    why: 'the line has a status, and no field of the backend',
  },
  {
    log: 'Apache access log (combined)',
    shows: 'fine',
    cases: ['stall-mid-content', 'bad-chunk-size', ...cutContents, ...headless, 'huge-field-section'],
    why: 'the status had been sent when the body broke off; a response without a head counts as HTTP/0.9 with status 200',
  },
  {
    log: 'varnishlog',
    shows: 'else',
    cases: [...headless, 'stall-mid-content'],
    why: 'Varnish waits for the rest of the head until its timeout; for a stalled body it logs the missing bytes',
  },
  {
    log: 'varnishncsa',
    shows: 'unknown',
    cases: [...own, ...unreached, ...cutHeads, ...slowHeads, ...headless, ...badHeads],
    why: 'the line has a status, and no field of the backend',
  },
  {
    log: 'varnishncsa',
    shows: 'fine',
    cases: ['stall-mid-content', 'bad-chunk-size', ...cutContents],
    why: 'the status had been sent when the body broke off',
  },
  {
    log: 'Caddy log',
    shows: 'either',
    cases: own,
    why: 'a response of the application and one of Caddy differ only in Via, which Caddy adds since 2.9',
  },
  {
    log: 'Caddy log',
    shows: 'fine',
    cases: badHeads,
    why: 'Caddy 2.6 passes both responses on',
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
