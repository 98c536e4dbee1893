import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allDialects } from './all-dialects.ts';
import { LogExplainer } from './diagnose.ts';

/** One line of each kind of format, so that a reader gets beyond its beginning. */
const lines: readonly string[] = [
  '2026/03/02 10:14:07 [error] 812#812: *4411 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.4, server: a.example, request: "GET / HTTP/1.1", upstream: "http://10.0.0.5:3000/", host: "a.example"',
  '203.0.113.4 - - [02/Mar/2026:10:14:07 +0000] "GET / HTTP/1.1" 502 157 "-" "curl/8.5.0" rt=0.010 uct="0.000" uht="-" urt="0.010"',
  '{"time_local":"02/Mar/2026:10:14:07 +0000","request":"GET / HTTP/1.1","status":"502","upstream_status":"502"}',
  '[Mon Mar 02 10:14:07.120001 2026] [proxy:error] [pid 812:tid 140100] (111)Connection refused: AH00957: HTTP: attempt to connect to 127.0.0.1:3000 (127.0.0.1:3000) failed',
  '[Mon Mar 02 10:14:07.120001 2026] [proxy:error] [pid 812:tid 140100] AH00959: ap_proxy_connect_backend disabling worker for (127.0.0.1:3000) for 60s',
  'haproxy[812]: 203.0.113.4:51022 [02/Mar/2026:10:14:07.120] web app/s1 0/0/-1/-1/3 503 217 - - SC-- 1/1/0/0/3 0/0 "GET / HTTP/1.1"',
  '[2026-03-02T10:14:07.120Z] "GET / HTTP/1.1" 503 UF 0 91 3 - "-" "curl/8.5.0" "a" "a.example" "10.0.0.5:3000"',
  '{"level":"error","ts":1772446447.12,"logger":"http.log.error","msg":"dial tcp 127.0.0.1:3000: connect: connection refused","request":{"method":"GET","uri":"/"},"status":502}',
  'time="2026-03-02T10:14:07Z" level=debug msg="\'502 Bad Gateway\' caused by: dial tcp 127.0.0.1:3000: connect: connection refused"',
  '203.0.113.4 - - [02/Mar/2026:10:14:07 +0000] "GET / HTTP/1.1" 502 11 "-" "-" 7 "app@docker" "http://10.0.0.5:3000" 2ms',
  'http 2026-03-02T10:14:07.120000Z app/lb/50dc6c495c0c9188 203.0.113.4:51022 10.0.0.5:3000 0.000 -1 -1 502 - 120 277 "GET http://a.example:80/ HTTP/1.1" "curl/8.5.0" - -',
  '2026-03-02T10:14:07.120000+00:00 heroku[router]: at=error code=H12 desc="Request timeout" method=GET path="/" host=a.example fwd="203.0.113.4" dyno=web.1 connect=1ms service=30000ms status=503 bytes=0 protocol=https',
  '[HPM] Error occurred while proxying request a.example/ to http://localhost:3000/ [ECONNREFUSED] (https://nodejs.org/api/errors.html)',
];

const stretches = [' ', '"', '\\"', '[', '(', '{', 'a', 'a=', ', ', ': ', '/', '{"a":'];

/** Longer than the judged part (64 KiB), so that anything quadratic takes seconds. */
const stretchCharacters = 70_000;

/** Milliseconds of this thread's CPU time, some ten times the usual: load from other processes does not count. */
const limitMs = 40;

describe('a very long line', () => {
  for (const part of stretches) {
    it(`made of ${JSON.stringify(part)} is read by every dialect in an instant`, () => {
      for (const line of lines) for (const share of [0.6, 1]) assertQuick(stretch(line, share, part));
    });
  }
});

describe('a very long line of unknown form', () => {
  for (const part of [
    ...stretches,
    '> ',
    '"a":',
    ' 1 ',
    'upstream ',
    '(1: ',
    'AH00957: ',
    '\\"',
    '1/',
    'x=',
    "'",
    '- ',
    '\t',
    '",',
  ]) {
    it(`made of ${JSON.stringify(part)} is read with its prefixes, marks and parts in an instant`, () => {
      for (const line of [
        '',
        '{"log":"',
        '2026-11-21T10:00:00Z ',
        '"a","',
        'web-1 nginx ',
        '> ',
        '503 UF ',
        ...lines.slice(0, 2),
      ])
        for (const length of [16_000, stretchCharacters]) {
          const text = `${line}${part.repeat(length / part.length)}`;
          const measure = (time: number): number => {
            const from = process.threadCpuUsage();
            new LogExplainer().read(`${text}${time}`);
            const { user, system } = process.threadCpuUsage(from);
            return (user + system) / 1000;
          };
          // Once, and again only where something else may have taken the time.
          const firstMs = measure(0);
          const bestMs = firstMs <= explainerLimitMs ? firstMs : Math.min(...[1, 2, 3].map(measure));
          assert.ok(bestMs <= explainerLimitMs, `${Math.round(bestMs)} ms for ${JSON.stringify(text.slice(0, 40))}`);
        }
    });
  }
});

/** All dialects, for the line and for what may be inside. */
const explainerLimitMs = 400;

function stretch(line: string, share: number, part: string): string {
  const at = Math.floor(line.length * share);
  return `${line.slice(0, at)}${part.repeat(stretchCharacters / part.length)}${line.slice(at)}`;
}

function assertQuick(line: string): void {
  for (const dialect of allDialects) {
    // Another end each time: a dialect may remember the line that it read last.
    const measure = (time: number): number => {
      const from = process.threadCpuUsage();
      dialect.recognise(`${line}${time}`);
      dialect.open().read(`${line}${time}`);
      const { user, system } = process.threadCpuUsage(from);
      return (user + system) / 1000;
    };
    // The engine may compile or collect garbage during any one reading. Slow code is slow every time.
    const firstMs = measure(0);
    const bestMs = firstMs <= limitMs ? firstMs : Math.min(...[1, 2, 3].map(measure));
    assert.ok(bestMs <= limitMs, `${dialect.format}: ${Math.round(bestMs)} ms for ${line.length} characters`);
  }
}
