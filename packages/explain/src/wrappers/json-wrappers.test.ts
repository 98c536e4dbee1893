import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteLog } from '../byte-log.ts';
import { explain } from '../explain.ts';
import { LogExplainer } from '../log-explainer.ts';

const error = (connection: number, what: string): string =>
  `2026/11/21 14:03:05 [error] 31#31: *${connection} ${what}, client: 192.0.2.7, server: x, request: "GET /a HTTP/1.1", upstream: "http://127.0.0.1:3000/a", host: "x.org"`;
const refused = error(5, 'connect() failed (111: Connection refused) while connecting to upstream');
const slow = error(6, 'upstream timed out (110: Connection timed out) while reading response header from upstream');
const access = (status: number): string =>
  `192.0.2.7 - - [21/Nov/2026:14:03:07 +0200] "GET /b HTTP/1.1" ${status} 9 "-" "curl/8.5.0"`;
const notice = '2026/11/21 14:03:01 [notice] 1#1: signal process started';
const session = (timers: string, status: number, flags: string): string =>
  `haproxy[1]: 10.0.1.2:33317 [21/Nov/2026:12:00:02.655] http-in static/srv1 ${timers} ${status} 2750 - - ${flags} 1/1/1/1/0 0/0 "GET / HTTP/1.1"`;
const loki = (...lines: readonly string[]): string =>
  JSON.stringify({
    streams: [{ stream: { app: 'x' }, values: lines.map((line, i) => [`179526258${i}000000000`, line]) }],
  });
const cloudwatch = (...lines: readonly string[]): string =>
  JSON.stringify({
    logEvents: lines.map((message, i) => ({ id: String(i), timestamp: 1_795_262_581_000 + i, message })),
  });

type Row = readonly [what: string, line: string, shapes: readonly (string | null)[], confidence: 'certain' | 'likely'];

const rows: readonly Row[] = [
  ['two failures', refused + slow, ['unreachable', 'too_slow'], 'likely'],
  ['a truncated failure and another one', refused.slice(0, 60) + slow, ['none', 'too_slow'], 'likely'],
  ['an access and a failure', access(200) + refused, ['none', 'unreachable'], 'likely'],
  ['a notice and a failure', notice + refused, ['none', 'unreachable'], 'likely'],
  ['a failure and an access', refused + access(200), ['unreachable', 'none'], 'likely'],
  ['two accesses', access(200) + access(502), ['none', 'unknown'], 'likely'],
  [
    'two sessions of HAProxy',
    session('10/0/30/69/109', 200, '----') + session('10/0/-1/-1/109', 503, 'SC--'),
    ['none', 'unreachable'],
    'likely',
  ],
  [
    'with the name of a host before them',
    `Nov 21 14:03:05 web nginx: ${refused}${slow}`,
    ['unreachable', 'too_slow'],
    'likely',
  ],
  ['entries of Loki', loki(access(200), refused, slow), ['none', 'unreachable', 'too_slow'], 'certain'],
  ['entries of CloudWatch', cloudwatch(refused, slow), ['unreachable', 'too_slow'], 'certain'],
  [
    'a list of shipped lines',
    JSON.stringify([{ log: refused }, { log: slow }]),
    ['unreachable', 'too_slow'],
    'certain',
  ],
];

describe('several lines in one are read each', () => {
  for (const [what, line, shapes, confidence] of rows)
    it(what, () => {
      const each = new LogExplainer().readEach(line) ?? [];
      assert.deepEqual(
        each
          .map(({ verdict }) => verdict?.shape ?? null)
          .map((shape, i) => (shapes[i] === 'none' && shape === 'unknown' ? 'none' : shape)),
        shapes,
      );
      for (const { verdict } of each) if (verdict !== null) assert.equal(verdict.confidence, confidence);
      const log = new ByteLog();
      log.push(Buffer.from(`${line}\n`));
      const { failures, files } = log.end();
      const failed = shapes.filter((shape) => shape !== null && shape !== 'none' && shape !== 'unknown').length;
      assert.deepEqual([failures, files[0]?.lines], [failed, 1]);
      assert.equal(explain(line).summary.failures, failed);
      if (failed > 0) assert.notEqual(explain(line).lines[0]?.shape, 'none');
    });
});

describe('one line stays one', () => {
  for (const line of [
    refused,
    access(502),
    session('10/0/-1/-1/109', 503, 'SC--'),
    `web-1 | ${refused}`,
    `error.log:12:${refused}`,
    `{"log":${JSON.stringify(refused)}}`,
    loki(refused),
    access(200).replace('curl/8.5.0', refused.replaceAll('"', '\\x22')),
  ])
    it(line.slice(0, 80), () => assert.ok((new LogExplainer().readEach(line)?.length ?? 1) === 1));

  it('and text of a client in quotes is no failure', () => {
    const quoted = access(200).replace('curl/8.5.0', refused.replaceAll('"', '\\x22'));
    assert.notEqual(new LogExplainer().read(quoted)?.shape, 'unreachable');
  });
});

it('JSON is read with blanks between its tokens, too', () => {
  const line =
    '{ "time": "2026-11-21T12:00:00Z", "level": "ERROR", "msg": "Error while proxying", "target": "10.0.0.2:3000", "path": "/", "error": "dial tcp 10.0.0.2:3000: connect: connection refused" }';
  assert.equal(new LogExplainer().read(line)?.type, 'connection_refused');
});
