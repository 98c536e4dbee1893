import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteLog } from './byte-log.ts';
import { Summary } from './summary.ts';
import type { SummaryReport } from './summary-report.ts';

interface Line {
  readonly second?: number;
  readonly client?: string;
  readonly request?: string;
}

interface ErrorLine extends Line {
  readonly words?: string;
  readonly upstream?: string;
  readonly connection?: number;
}

const two = (second: number): string =>
  `${String(10 + Math.floor(second / 60))}:${String(second % 60).padStart(2, '0')}`;

const refused = 'connect() failed (111: Connection refused) while connecting to upstream';

function failed({ second = 0, client = '203.0.113.9', request = 'GET /cart?x=1', ...more }: ErrorLine = {}): string {
  const { words = refused, upstream = '10.0.0.1:80', connection = 7 } = more;
  return `2026/11/21 10:${two(second)} [error] 8#8: *${connection} ${words}, client: ${client}, server: a.example, request: "${request} HTTP/1.1", upstream: "http://${upstream}/cart", host: "a.example"`;
}

function answered({ second = 0, client = '203.0.113.9', request = 'GET /cart?x=1' }: Line = {}, status = 200): string {
  return `${client} - - [21/Nov/2026:10:${two(second)} +0000] "${request} HTTP/1.1" ${status} 157 "-" "curl/8.5.0"`;
}

const inDocker = (line: string): string =>
  JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: '2026-11-21T10:10:09.1Z' });

/** Other requests, so that the fast path knows the form of the lines. */
const others = ['198.51.100.1', '198.51.100.2', '198.51.100.3'].flatMap((client) => [
  answered({ client }),
  answered({ client, request: 'GET /b' }, 404),
]);

type Logs = readonly (readonly string[])[];

/** Reads each log at once, as files are read in slices. */
function reportOf(logs: Logs, isEachLineRead: boolean): SummaryReport {
  const summary = new Summary(logs.length > 1 ? { sameLogs: new Map() } : {});
  for (const [index, lines] of logs.entries()) {
    const onLine = isEachLineRead ? { onLine: () => {} } : {};
    const log = new ByteLog({ summary, name: `log ${index}`, ...onLine });
    log.push(Buffer.from(`${lines.join('\n')}\n`));
    log.end();
  }
  return summary.report();
}

/** Failures, unclear ones, and failed attempts whose request was answered. */
const rows: readonly (readonly [why: string, logs: Logs, failures: number, unclear: number, retried: number])[] = [
  ['the request is answered', [[failed()], [answered()]], 0, 0, 1],
  ['as Docker keeps it', [[failed()].map(inDocker), [answered()].map(inDocker)], 0, 0, 1],
  ['as Docker keeps it, in one log', [[failed(), answered()].map(inDocker)], 0, 0, 1],
  ['in the journal', [[failed()], [`Nov 21 10:10:00 edge1 nginx[8]: ${answered()}`]], 0, 0, 1],
  ['a part of the requests is answered', [[failed(), failed({ client: '203.0.113.8' })], [answered()]], 1, 0, 1],
  ['nine seconds later', [[failed()], [answered({ second: 9 })]], 0, 0, 1],
  ['with a redirect', [[failed()], [answered({}, 302)]], 0, 0, 1],
  ['the application does not have the page', [[failed()], [answered({}, 404)]], 0, 0, 1],
  ['two servers refuse, and a third answers', [[failed(), failed({ upstream: '10.0.0.2:80' })], [answered()]], 0, 0, 1],
  ['in one log', [[failed(), answered()]], 0, 0, 1],
  [
    'the first server is too slow',
    [
      [failed({ words: 'upstream timed out (110: Connection timed out) while reading response header from upstream' })],
      [answered()],
    ],
    0,
    0,
    1,
  ],
  ['the client gets an error', [[failed()], [answered({}, 502)]], 1, 0, 0],
  ['the client gets an error, and asks again', [[failed()], [answered({}, 502), answered()]], 1, 0, 0],
  ['an earlier request of that second was answered', [[failed()], [answered(), answered({}, 502)]], 1, 0, 0],
  ['the answer is that of an earlier request', [[failed({ second: 5 })], [answered({ second: 4 })]], 1, 0, 0],
  ['a minute later', [[failed()], [answered({ second: 60 })]], 1, 0, 0],
  ['another client', [[failed()], [answered({ client: '203.0.113.8' })]], 1, 0, 0],
  ['another request', [[failed()], [answered({ request: 'GET /pay' })]], 1, 0, 0],
  ['another method', [[failed()], [answered({ request: 'POST /cart' })]], 1, 0, 0],
  [
    'three attempts of three requests, and two answers',
    [[1, 2, 3].map((connection) => failed({ connection })), [answered(), answered()]],
    1,
    0,
    2,
  ],
  [
    'the response had begun',
    [[failed({ words: 'upstream prematurely closed connection while reading upstream' })], [answered()]],
    1,
    0,
    0,
  ],
];

describe('a failed attempt is a failure unless its request was answered', () => {
  for (const [why, logs, failures, unclear, retried] of rows)
    for (const [order, read] of [
      ['the error log first', logs],
      ['the access log first', logs.toReversed()],
    ] as const)
      for (const isEachLineRead of [false, true])
        it(`${why}; ${order}${isEachLineRead ? ', with a listener' : ''}`, () => {
          const withOthers = read.map((lines) =>
            lines.some((line) => line.includes(' - - ')) ? [...others, ...lines] : lines,
          );
          const report = reportOf(withOthers, isEachLineRead);
          assert.deepEqual([report.failures, report.unclear, report.retried], [failures, unclear, retried]);
          const shown = report.byShape.reduce((sum, { count }) => sum + count, 0);
          const drawn = report.timeline.intervals.reduce((sum, one) => sum + one.failures, 0);
          assert.deepEqual([shown, drawn], [failures, failures]);
          assert.equal(report.incidents.length, 0);
        });
});

describe('a report tells failed attempts apart from failures', () => {
  const lines = Array.from({ length: 8 }, (_, connection) => failed({ second: connection, connection }));
  const answers = Array.from({ length: 8 }, (_, second) => answered({ second }));

  it('by their cause and upstream, with a line', () => {
    const { retries, incidents, suspects, upstreams, paths, clients } = reportOf([lines, answers], false);
    const [total] = retries;
    assert.equal(retries.length, 1);
    assert.deepEqual(
      [total?.upstream, total?.shape, total?.type, total?.count, total?.example?.line],
      ['10.0.0.1:80', 'unreachable', 'connection_refused', 8, 1],
    );
    assert.deepEqual(
      [total?.firstMs, total?.lastMs],
      [Date.UTC(2026, 10, 21, 10, 10), Date.UTC(2026, 10, 21, 10, 10, 7)],
    );
    assert.deepEqual([incidents, suspects, upstreams, paths, clients], [[], [], [], [], []]);
  });

  it('and an incident has only those that clients saw', () => {
    const seen = lines.map((line) => line.replaceAll('203.0.113.9', '203.0.113.8'));
    const { incidents, retried } = reportOf([[...lines, ...seen], answers], false);
    assert.equal(retried, 8);
    assert.deepEqual(
      incidents.map(({ count, parts }) => [count, parts[0]?.count]),
      [[8, 8]],
    );
  });
});
