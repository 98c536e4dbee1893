import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../../../test/properties.ts';
import { ByteLog } from '../byte-log.ts';
import { accessLine, chunksOf } from '../engine.test-support.ts';
import { Summary } from '../summary.ts';
import { nginxDialects } from './nginx.ts';

const pick = <T>(...values: readonly T[]) => fc.constantFrom(...values);

const usual = {
  time: '2026/11/21 21:59:48',
  level: 'error',
  connection: '4411',
  message: 'connect() failed (111: Connection refused) while connecting to upstream',
  client: '203.0.113.9',
  server: 'example.org',
  request: 'GET / HTTP/1.1',
  upstream: ', upstream: "http://10.0.0.1:8080/"',
  host: ', host: "example.org"',
  end: '',
};

/** What the parts of lines may be instead. */
const others: { readonly [K in keyof typeof usual]: readonly string[] } = {
  time: [
    '2026/11/21 21:59:49',
    '2026/11/21 21:59:58',
    '2026/11/21 21:49:48',
    '2026/12/21 21:59:48',
    '2026/11/21 22:00:50',
    '2026/11/22 00:00:00',
    '2026/02/30 25:61:61',
    '2026/11/21 2x:59:48',
  ],
  level: ['crit', 'warn', 'alert', 'info', 'debug', 'errors'],
  connection: ['4412', '4412', '4413', '04411', '1', '', '12345678901234567', '4411x'],
  message: [
    'upstream timed out (110: Connection timed out) while reading response header from upstream',
    'upstream timed out (110: Connection timed out) while connecting to upstream',
    'recv() failed (104: Connection reset by peer) while reading response header from upstream',
    'no live upstreams while connecting to upstream',
    'upstream prematurely closed connection while reading response header from upstream',
    'upstream sent no valid HTTP/1.0 header while reading response header from upstream',
    'upstream sent too big header while reading response header from upstream',
    'connect() to unix:/run/app.sock failed (2: No such file or directory) while connecting to upstream',
    'connect() failed  (111: Connection refused) while connecting to upstream',
    'client intended to send too large body: 10485761 bytes',
    'open() "/srv/favicon.ico" failed (2: No such file or directory)',
    'limiting requests, excess: 5.040 by zone "one"',
    '[lua] balancer.lua:90: balance(): no peer was returned, balancer: round_robin',
    'failed, client: 10.0.0.9, server: a, request: "GET / HTTP/1.1"',
    'connect() failed (111: Connection refused) while connecting to upstream [error] 1#1: *2 a',
    'a 2026/11/21 21:59:48 [error] 812#812: *4411 connect() failed (111: Connection refused) while connecting to upstream',
    `it failed ${'x'.repeat(500)}`,
  ],
  client: ['203.0.113.10', '203.0.113.9:51234', '2001:db8::1', '2001:DB8::1', 'unix:', '', 'caf\u00e9'],
  server: ['', '_', 'kong', 'kong_proxy', 'example.org, b', '~^(www\\.)?a$'],
  request: [
    'POST /articles?a=b HTTP/2.0',
    'GET /a, client: 10.0.0.7, server: b HTTP/1.1',
    'GET /unix:/a HTTP/1.1',
    'GET /" HTTP/1.1',
    'GET /", upstream: "http://evil:80/", host: "evil HTTP/1.1',
    'GET / [error] HTTP/1.1',
    'GET /[error] HTTP/1.1',
    'GET  /  a  b HTTP/1.1',
    'GET http://a.example/b HTTP/1.1',
    'GET /caf\u00e9 HTTP/1.1',
    `GET /${'x'.repeat(250)} HTTP/1.1`,
    `GET /${'x'.repeat(1000)} HTTP/1.1`,
    '',
    '-',
    '\\x16\\x03',
  ],
  upstream: [
    '',
    ', upstream: "http://10.0.0.2:8080/a"',
    ', upstream: "http://10.0.0.2:8080?a=b"',
    ', upstream: "http://10.0.0.2:8080/unix:/a"',
    ', upstream: "http://[2001:db8::7]:8080/[a]"',
    ', upstream: "https://10.0.0.1:8443/"',
    ', upstream: "fastcgi://127.0.0.1:9000"',
    ', upstream: "fastcgi://unix:/run/php.sock:"',
    ', upstream: "http://unix:/run/app.sock:/"',
    ', upstream: "http://upstream_balancer/"',
    ', upstream: "http://upstream_balancers/"',
    ', upstream: "10.0.0.1:8080"',
    ', upstream: ""',
    `, upstream: "http://10.0.0.1:8080/${'y'.repeat(250)}"`,
    ', subrequest: "/auth", upstream: "http://10.0.0.1:8080/"',
  ],
  host: ['', ', host: ""', ', host: "b.example:8443"', `, host: "${'h'.repeat(300)}"`, ', host: "a b"'],
  end: [
    ', referrer: "https://example.org/list"',
    ', referrer: "https://example.org/a, client: b"',
    ', referrer: ""',
    ', request_id: "0f3c5a7e9b1d2f4a"',
    '\r',
    ' ',
    'x',
  ],
};

const keys = Object.keys(usual) as (keyof typeof usual)[];

const errorLine = fc
  .array(
    fc.constantFrom(...keys).chain((key) => fc.tuple(fc.constant(key), pick(...others[key]))),
    { maxLength: 3 },
  )
  .map((changes) => {
    const { time, level, connection, message, client, server, request, upstream, host, end } = {
      ...usual,
      ...Object.fromEntries(changes),
    };
    const number = connection === '' ? '' : `*${connection} `;
    return `${time} [${level}] 812#812: ${number}${message}, client: ${client}, server: ${server}, request: "${request}"${upstream}${host}${end}`;
  });

const lines = fc.array(fc.oneof({ weight: 9, arbitrary: errorLine }, { weight: 1, arbitrary: accessLine }), {
  maxLength: 60,
  size: 'max',
});

const cuts = fc.array(fc.nat(), { maxLength: 5 });

interface Reading {
  readonly zone: string;
  /** How many copies of the log are read. */
  readonly logs: number;
  readonly isSlow: boolean;
}

function reportOf(chunks: readonly Uint8Array[], { zone, logs, isSlow }: Reading): string {
  const summary = new Summary(logs > 1 ? { sameLogs: new Map() } : {});
  summary.learnClock(`[21/Nov/2026:10:00:00 ${zone}]`);
  for (let index = 0; index < logs; index++) {
    const options = { dialects: nginxDialects, name: `${index}.log`, summary };
    const log = new ByteLog(isSlow ? { ...options, onLine: () => {} } : options);
    for (const chunk of chunks) log.push(chunk);
    log.end();
  }
  return JSON.stringify(summary.report());
}

test('repeated failures of an error log give the same report as when each is judged by itself', () => {
  const sameReport = fc.property(lines, cuts, pick('+0000', '+0200'), pick(1, 1, 2), (texts, at, zone, logs) => {
    const bytes = new TextEncoder().encode(`${texts.join('\n')}\n`);
    const slow = reportOf([bytes], { zone, logs, isSlow: true });
    assert.equal(reportOf([bytes], { zone, logs, isSlow: false }), slow);
    assert.equal(reportOf(chunksOf(bytes, at), { zone, logs, isSlow: false }), slow);
  });
  fc.assert(sameReport, { numRuns: 150 });
});

const lineOf = (number: number, upstream: string) =>
  `2026/11/21 21:59:${10 + (number % 50)} [error] 812#812: *${number + 1} ${others.message[0]}, client: 203.0.113.${number % 250}, server: example.org, request: "GET /${number} HTTP/1.1", upstream: "${upstream}", host: "example.org"\n`;

test('the advice names the module that the upstream is reached by', () => {
  const texts = Array.from({ length: 60 }, (_, number) =>
    lineOf(number, number < 30 ? 'http://10.0.0.1:8080/' : 'fastcgi://10.0.0.2:9000'),
  );
  const { incidents } = JSON.parse(
    reportOf([new TextEncoder().encode(texts.join(''))], { zone: '+0000', logs: 1, isSlow: false }),
  );
  const advice = incidents.map(({ root }: { root: { fix: { text: string } } }) => root.fix.text).join();
  assert.match(advice, /proxy_read_timeout/);
  assert.match(advice, /fastcgi_read_timeout/);
});

test('a repeated failure is not read as text', () => {
  let reads = 0;
  const [dialect] = nginxDialects.map((one) => ({
    ...one,
    open: () => ({ read: (text: string) => count(one.open().read(text)) }),
  }));
  function count<T>(found: T): T {
    reads += 1;
    return found;
  }
  assert.ok(dialect);
  const { read } = dialect.open();
  const log = new ByteLog({ dialects: [{ ...dialect, open: () => ({ read }) }] });
  const texts = Array.from({ length: 60 }, (_, number) => lineOf(number, `http://10.0.0.${number % 5}:8080/${number}`));
  log.push(new TextEncoder().encode(texts.join('')));
  const report = log.end();
  assert.equal(report.failures, 60);
  assert.equal(report.upstreams.length, 5);
  assert.equal(reads, 2);
});
