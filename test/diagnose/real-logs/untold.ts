import { acts } from './acts.ts';

/**
 * What a log says of an act that it cannot tell. `unknown`: that something went wrong, and no more. `fine`: an answer
 * like any other, or nothing at all. `shape`: the shape, and not the type. `either`: unknown, or right by a sign that not
 * every configuration leaves. `else`: what the gateway took it for, which is not what the origin did.
 */
export type Says = 'unknown' | 'fine' | 'shape' | 'either' | 'else';

export interface Untold {
  readonly log: string;
  readonly says: Says;
  readonly acts: readonly string[];
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

/** Known before anything is explained; `docs/explain/what-logs-cannot-tell.md` has the same list for people. */
export const untold: readonly Untold[] = [
  {
    log: 'nginx access log (combined)',
    says: 'unknown',
    acts: [...own, ...unreached, ...cutHeads, ...slowHeads, ...badHeads, ...handshakes],
    why: 'it has a status, and nothing of the upstream',
  },
  {
    log: 'nginx access log (combined)',
    says: 'fine',
    acts: ['stall-mid-content', 'bad-chunk-size', ...cutContents],
    why: 'the status had been sent when the content broke off',
  },
  {
    log: 'nginx access log (combined)',
    says: 'else',
    acts: headless,
    why: 'nginx takes what has no head for HTTP/0.9 and passes it on, as status 009',
  },
  {
    log: 'nginx access log (with upstream times)',
    says: 'fine',
    acts: ['stall-mid-content', 'bad-chunk-size', ...cutContents],
    why: 'the head had come, and the status had been sent, when the content broke off',
  },
  {
    log: 'nginx access log (with upstream times)',
    says: 'unknown',
    acts: ['close-mid-head', 'reset-mid-head', 'space-in-field-name'],
    why: 'octets came, and no head of them: half a head and a bad one are the same here',
  },
  {
    log: 'nginx access log (with upstream times)',
    says: 'either',
    acts: ['huge-field-section'],
    why: 'a head that ends where the buffer does is one that did not fit; nginx may have read to another place',
  },
  {
    log: 'nginx access log (with upstream times)',
    says: 'shape',
    acts: ['refused', ...handshakes],
    why: 'the time of connecting includes the handshake: it is missing for both',
  },
  {
    log: 'nginx access log (with upstream times)',
    says: 'else',
    acts: headless,
    why: 'nginx takes what has no head for HTTP/0.9 and passes it on, as status 009',
  },
  {
    log: 'HAProxy HTTP log',
    says: 'shape',
    acts: handshakes,
    why: 'a handshake that failed is SC, as a connection that was refused',
  },
  {
    log: 'HAProxy HTTP log',
    says: 'else',
    acts: ['bad-chunk-size'],
    why: 'a chunk that is none is SD here, as a content that was cut',
  },
  {
    log: 'Apache error log',
    says: 'shape',
    acts: ['tls-plain-http', 'tls-alert'],
    why: 'it says that the handshake failed, and not why',
  },
  {
    log: 'Apache error log',
    says: 'else',
    acts: [...headless, 'bad-chunk-size'],
    why: 'Apache takes what has no head for HTTP/0.9; a chunk that is none is an internal error while reading',
  },
  {
    log: 'Apache error log',
    says: 'fine',
    acts: ['huge-field-section'],
    why: 'it has no limit that 2 MiB of fields would exceed',
  },
  {
    log: 'Apache access log (combined)',
    says: 'unknown',
    acts: [...own, ...unreached, ...cutHeads, ...slowHeads, 'space-in-field-name', ...handshakes],
    why: 'it has a status, and nothing of the backend',
  },
  {
    log: 'Apache access log (combined)',
    says: 'fine',
    acts: ['stall-mid-content', 'bad-chunk-size', ...cutContents, ...headless, 'huge-field-section'],
    why: 'the status had been sent when the content broke off; what has no head is HTTP/0.9 and 200',
  },
  {
    log: 'varnishlog',
    says: 'else',
    acts: [...headless, 'stall-mid-content'],
    why: 'Varnish waits for the rest of what is no head until its time is over, and counts the octets that are missing',
  },
  {
    log: 'varnishncsa',
    says: 'unknown',
    acts: [...own, ...unreached, ...cutHeads, ...slowHeads, ...headless, ...badHeads],
    why: 'it has a status, and nothing of the backend',
  },
  {
    log: 'varnishncsa',
    says: 'fine',
    acts: ['stall-mid-content', 'bad-chunk-size', ...cutContents],
    why: 'the status had been sent when the content broke off',
  },
  {
    log: 'Caddy log',
    says: 'either',
    acts: own,
    why: 'an answer of the application and one of Caddy differ by Via only, which Caddy has written since 2.9',
  },
  {
    log: 'Caddy log',
    says: 'fine',
    acts: badHeads,
    why: 'Caddy 2.6 passes both on',
  },
];

export function saysOf(log: string, act: string): Says | null {
  return untold.find((one) => one.log === log && one.acts.includes(act))?.says ?? null;
}

/** Acts that are in the list and are none. */
export function strayActs(): string[] {
  const known = new Set(acts.map(({ id }) => id));
  return untold.flatMap((one) => one.acts.filter((id) => !known.has(id)));
}
