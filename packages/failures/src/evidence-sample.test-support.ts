import type { Cause, Evidence } from './failure.ts';

type RequiredKeyOf<T> = { [K in keyof T]-?: object extends Pick<T, K> ? never : K }[keyof T];
type Key = { [C in Cause]: RequiredKeyOf<Evidence[C]> }[Cause];
type ValueOf<K extends Key> = { [C in Cause]: K extends keyof Evidence[C] ? Evidence[C][K] : never }[Cause];
/** Keys that may have any text. */
type TextKey = { [K in Key]: string extends ValueOf<K> ? K : never }[Key];
type NumberKey = { [K in Key]: number extends ValueOf<K> ? K : never }[Key];

/** Texts of the world. */
export const sampleTexts: Readonly<Record<TextKey, string>> = {
  address: '10.0.0.7:3000',
  alertMessage: 'handshake_failure',
  application: 'web',
  because: 'the list has it',
  challenge: 'Basic realm="Internal"',
  fault: 'it has expired',
  key: 'address',
  lacks: 'the group admin',
  policy: 'login',
  rate: '5 each minute',
  rateLimit: '"login";r=0;t=12',
  rateLimitPolicy: '"login";q=5;w=60',
  scheme: 'a password',
  service: 'auth',
  user: 'ada',
  at: '',
  bound: 'route /api',
  code: 'CODE',
  coding: 'br',
  errno: 'ECONNRESET',
  file: '/protected/report.pdf',
  firstBytes: 'SSH-2.0',
  header: 'X-Accel-Redirect',
  host: 'www.example.org',
  invariant: 'it ends once',
  issuer: 'CN=Our Authority',
  longest: 'Set-Cookie',
  message: '',
  name: 'app',
  names: 'app.internal',
  notAfter: '2026-03-01T00:00:00.000Z',
  notBefore: '2026-01-01T00:00:00.000Z',
  path: '/a',
  paused: 'route shop',
  rcode: 'NXDOMAIN',
  reason: 'so.',
  root: '/srv/www',
  route: 'shop',
  rule: 'header-value',
  script: '/x.php',
  subject: 'CN=app.internal',
  upstream: 'web',
  value: '1.1 edge',
  version: 'HTTP/9',
  what: 'it',
};

export const sampleNumbers: Readonly<Record<NumberKey, number>> = {
  alertId: 40,
  bytes: 8000,
  bytesExpected: 5000,
  bytesMax: 262_144,
  bytesPerS: 12,
  bytesPerSMin: 200,
  bytesRead: 700,
  bytesReceived: 1200,
  bytesSent: 2048,
  endpoints: 2,
  headersMax: 64,
  hops: 20,
  idleMs: 4200,
  leftMs: 800,
  limit: 100,
  limitMs: 5000,
  overMs: 10_400,
  passage: 2,
  queueMax: 64,
  received: 200,
  responses: 101,
  retryAfterS: 5,
  sinceMs: 3400,
  status: 400,
  waitMs: 2600,
  waitedMs: 2004,
  waiting: 40,
};

/** What is one of a few values. */
const sampleWords: { readonly [K in Exclude<Key, TextKey | NumberKey>]: ValueOf<K> } = {
  absence: 'missing',
  by: 'network',
  change: 'truncated',
  frame: 'RST_STREAM',
  guess: 'ssh',
  how: 'closed',
  isPrivate: false,
  operation: 'read',
  prohibition: 'metadata',
  reused: true,
  why: 'missing',
};

/** Evidence with a value for every key that a cause must have, so that every sentence can be created. The compiler names a key that is missing here. */
export const evidenceSample = { ...sampleTexts, ...sampleNumbers, ...sampleWords };
