import * as fc from '../../../test/properties.ts';
import { type Dialect, dialect } from './dialect.ts';
import type { Finding } from './finding.ts';
import { commonLogTimeMs } from './line-text.ts';
import { type Verdict, harmlessVerdict } from './verdict.ts';

/** A finding of a gateway that could not connect, unless `changes` say otherwise. */
export function failure(changes: Partial<Finding> = {}): Finding {
  return {
    gateway: 'nginx',
    format: 'test',
    kind: 'error',
    confidence: 'certain',
    atMs: 0,
    shape: 'unreachable',
    type: 'connection_refused',
    stage: 'connect',
    born: 'reverse-proxy',
    whose: 'application',
    status: 502,
    upstream: '10.0.0.1:8080',
    request: 'GET /',
    durationMs: 1,
    evidence: ['(111: Connection refused)'],
    sentence: 'The application refused the connection.',
    fix: { text: 'Start it.', snippet: null },
    joins: null,
    isConsequence: false,
    ...changes,
  };
}

export function harmlessFinding(changes: Partial<Finding> = {}): Finding {
  return failure({ ...harmlessVerdict, kind: 'access', evidence: [], upstream: null, status: 200, ...changes });
}

const access = /^\S+ - \S+ \[([^\]]+)\] "([^"]*)" (\d{3}) \d+(.*)$/;

/** Reads the forms that the fast path knows, and is as strict as a dialect may be: every status and every word counts. */
export const accessDialect: Dialect = dialect(
  'nginx',
  'test access log',
  (line) => (access.test(line) ? 1 : 0),
  (line) => {
    const match = access.exec(line);
    if (match === null) return null;
    const status = Number(match[3]);
    const upstreams = (/ us="?([\d, ]+)/.exec(match[4] ?? '')?.[1] ?? '').split(', ').map(Number);
    const atMs = commonLogTimeMs(match[1] ?? '');
    if (status === 499) return failure({ kind: 'access', atMs, shape: 'client_abort', type: null, sentence: 'Left.' });
    if (status < 500 && upstreams.every((one) => one < 500))
      return harmlessFinding({ format: 'test access log', atMs, status });
    return failure({ kind: 'access', format: 'test access log', atMs, shape: 'unknown', type: null, status });
  },
);

/** Joins lines, as a dialect with memory does. */
const countingDialect: Dialect = {
  gateway: 'apache',
  format: 'test error log',
  recognise: (line) => (line.startsWith('ERR ') ? 2 : 0),
  open: () => {
    let count = 0;
    return {
      read: (line) => {
        count += 1;
        const verdict: Partial<Verdict> = count % 3 === 0 ? { shape: 'reset', type: 'connection_terminated' } : {};
        const atMs = Number(line.slice(4, 20)) || null;
        return failure({ gateway: 'apache', upstream: `10.0.0.${count % 7}:80`, atMs, ...verdict });
      },
    };
  },
};

export const testDialects: readonly Dialect[] = [accessDialect, countingDialect];

const pick = <T>(...values: readonly T[]) => fc.constantFrom(...values);

const two = (max: number) => fc.integer({ min: 0, max }).map((value) => String(value).padStart(2, '0'));

const time = fc
  .tuple(
    pick('21', '22', '30', '31'),
    pick('Nov', 'Nov', 'Dec', 'Feb'),
    two(24),
    two(60),
    two(60),
    pick('+0000', '+0100'),
  )
  .map(([day, month, hour, minute, second, zone]) => `${day}/${month}/2026:${hour}:${minute}:${second} ${zone}`);

const status = pick('200', '200', '200', '204', '301', '304', '404', '400', '499', '500', '502', '503', '999', '099');

const text = pick(
  '-',
  'curl/8.5.0',
  'Mozilla/5.0 (X11; Linux x86_64)',
  '',
  '502',
  'a "b',
  'caf\u00e9',
  '\\x22',
  'https://a.example/',
);

const seconds = pick('0.004', '60.001', '0.000', '5', '-', '512', '0.001, 0.002');

const upstreamStatus = pick('200', '200', '404', '502', '504', '502, 200', '-', '304');

/** The text after the size: nothing, combined, and formats with the upstream's fields. */
const tail = fc.oneof(
  fc.constant(''),
  fc.tuple(text, text).map(([a, b]) => ` "${a}" "${b}"`),
  fc
    .tuple(text, text, seconds, upstreamStatus, seconds)
    .map(([a, b, rt, us, urt]) => ` "${a}" "${b}" rt=${rt} us="${us}" urt="${urt}"`),
  fc
    .tuple(text, text, upstreamStatus, seconds)
    .map(([a, b, us, urt]) => ` "${a}" "${b}" 10.0.0.1:8080 us=${us} ${urt} 0123456789abcdef0123`),
  fc.tuple(upstreamStatus, seconds).map(([us, urt]) => ` us="${us}" "${urt}"`),
);

const address = pick('203.0.113.9', '2001:db8::1', 'host.example', '-', 'unix:');
const request = pick(
  'GET /status?status=502&us=502 HTTP/1.1',
  'GET /?q=(111:%20Connection%20refused) HTTP/1.1',
  'GET /[error]/AH00957:upstream_status=504 HTTP/1.1',
  'GET / HTTP/1.1',
  'POST /a?b=c HTTP/2.0',
  '-',
  '',
  'GET /a b HTTP/1.1',
  'GET http://a/ HTTP/1.1',
  '\\x16\\x03',
);

export const accessLine = fc
  .tuple(
    address,
    pick('-', '-', 'anna', 'a b', 'status=502', 'us:502'),
    time,
    request,
    status,
    pick('0', '612', '18446744073709551615', '-'),
    tail,
  )
  .map(([from, user, at, asked, code, size, rest]) => `${from} - ${user} [${at}] "${asked}" ${code} ${size}${rest}`);

/** Formats of the gateways that are built on nginx. */
export const kinLine = fc.oneof(
  fc
    .tuple(time, status, upstreamStatus, fc.integer({ min: 0, max: 9999 }))
    .map(
      ([at, code, us, size]) =>
        `10.1.0.9 - - [${at}] "GET /${size} HTTP/2.0" ${code} ${size} "-" "curl/8.5.0" 312 0.004 [shop-web-80] [] 10.0.0.7:8080 ${size} 0.004 ${us} 0f3c5a7e9b1d2f4a6c8e0b1d3f5a7c9e`,
    ),
  fc
    .tuple(time, status, fc.integer({ min: 0, max: 9999 }))
    .map(
      ([at, code, size]) =>
        `10.1.0.9 - - [${at}] "GET /${size} HTTP/1.1" ${code} ${size} "-" "curl/8.5.0" kong_request_id: "0f3c5a7e9b1d2f4a6c8e0b1d3f5a7c9e"`,
    ),
  fc
    .tuple(time, status, upstreamStatus, fc.integer({ min: 0, max: 9999 }))
    .map(
      ([at, code, us, size]) =>
        `10.1.0.9 - - [${at}] "GET /${size} HTTP/1.1" ${code} ${size} "-" "curl/8.5.0" upstream_addr=10.0.0.7:8080 upstream_status=${us} upstream_response_time=0.0${size}`,
    ),
);

/** Lines that are mostly of one form, as in a log. */
export const plainLine = fc
  .tuple(time, pick('200', '404'), fc.integer({ min: 0, max: 9999 }))
  .map(([at, code, size]) => `203.0.113.9 - - [${at}] "GET /${size} HTTP/1.1" ${code} ${size} "-" "curl/8.5.0"`);

/** Splits bytes at random positions. */
export function chunksOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b);
  return places.slice(1).map((place, i) => bytes.slice(places[i], place));
}
