import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { logsWithSameBeginning } from './copied-lines.ts';
import { clockOf } from './log-clock.ts';
import { LogExplainer } from './log-explainer.ts';
import { Summary } from './summary.ts';

type Log = readonly string[];

/** Failures and lines about failures that were counted already, of logs that are read together line by line. */
function counted(logs: readonly Log[], order: 'together' | 'one after another'): readonly number[] {
  const same = logsWithSameBeginning(logs.map((lines) => `${lines.join('\n')}\n`));
  const sameLogs = new Map([...same].map(([index, number]) => [`log ${index}`, number]));
  const summary = new Summary({ clock: clockOf([logs.flat().join('\n')], null), sameLogs });
  const readers = logs.map((_, index) => ({ explainer: new LogExplainer(), file: summary.open(`log ${index}`) }));
  const add = (index: number, line: string | undefined): void => {
    const reader = readers[index];
    if (reader !== undefined && line !== undefined) summary.add(reader.explainer.read(line), line, reader.file);
  };
  if (order === 'one after another')
    for (const [index, lines] of logs.entries()) for (const line of lines) add(index, line);
  else
    for (let at = 0; at < Math.max(...logs.map(({ length }) => length)); at++)
      for (const index of logs.keys()) add(index, logs[index]?.[at]);
  const { failures, unclear, repeats } = summary.report();
  return [failures, unclear, repeats];
}

const seconds = [0, 1, 2, 3, 4, 5];
const errors = seconds.map(
  (s) =>
    `2026/11/21 10:10:0${s} [error] 8#8: *${s} connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.${s}, server: a.example, request: "GET / HTTP/1.1", upstream: "http://10.0.0.1:80/", host: "a.example"`,
);
const access = seconds.map(
  (s) => `203.0.113.${s} - - [21/Nov/2026:10:10:0${s} +0000] "GET / HTTP/1.1" 502 157 "-" "curl/8.5.0"`,
);
const unavailable = seconds.map(
  (s) => `203.0.113.${s} - - [21/Nov/2026:10:10:0${s} +0000] "GET / HTTP/1.1" 503 299 "-" "curl/8.5.0"`,
);
const apache = seconds.flatMap((s) => [
  `[Sat Nov 21 10:10:0${s}.000001 2026] [proxy:error] [pid 7:tid 140] (111)Connection refused: AH00957: HTTP: attempt to connect to 127.0.0.1:3000 (127.0.0.1) failed`,
  `[Sat Nov 21 10:10:0${s}.000002 2026] [proxy_http:error] [pid 7:tid 140] [client 203.0.113.${s}:5000] AH01114: HTTP: failed to make connection to backend: 127.0.0.1`,
]);
const withPrefix = (prefix: string, lines: Log): Log => lines.map((line) => `${prefix}${line}`);
const dockerOf = (lines: Log): Log =>
  lines.map((line) => JSON.stringify({ log: `${line}\n`, stream: 'stderr', time: '2026-11-21T10:10:09.1Z' }));
const docker = dockerOf(errors);
const check = seconds.map(() => '10.0.0.9 - - [21/Nov/2026:10:10:00 +0000] "GET /health HTTP/1.1" 502 157 "-" "ELB"');
const ownHits = (name: string): Log =>
  ['1', '2', '3', '4', '5'].map(
    (n) => `203.0.113.${n} - - [21/Nov/2026:10:09:59 +0000] "GET /${name} HTTP/1.1" 200 5 "-" "x"`,
  );

const rows: readonly (readonly [why: string, logs: readonly Log[], counts: readonly number[]])[] = [
  ['the same error log twice', [errors, errors], [6, 0, 6]],
  ['an error log and the part of it that was rotated', [errors, errors.slice(3)], [6, 0, 3]],
  ['an error log and the journal', [errors, withPrefix('Nov 21 10:10:00 edge1 nginx[812]: ', errors)], [6, 0, 6]],
  ['an error log and what Docker kept of it', [errors, docker], [6, 0, 6]],
  [
    'an error log and what Kubernetes kept of it',
    [errors, withPrefix('2026-11-21T10:10:00.123456789Z stderr F ', errors)],
    [6, 0, 6],
  ],
  ['an error log twice, and the access log', [errors, errors, access], [6, 0, 12]],
  ['the same access log twice', [access, access], [0, 6, 6]],
  ['an access log and what Docker kept of it', [access, dockerOf(access)], [0, 6, 6]],
  ['what Docker kept of an access log, and the log', [dockerOf(access), access], [0, 6, 6]],
  [
    'the error logs of two gateways',
    [errors, errors.map((line) => line.replaceAll('203.0.113', '198.51.100'))],
    [12, 0, 0],
  ],
  [
    'equal lines in two logs of different gateways',
    [
      [...ownHits('a'), ...check],
      [...ownHits('b'), ...check],
    ],
    [0, 12, 0],
  ],
  ['equal lines in one log', [[...errors, ...errors], ['x']], [12, 0, 0]],
  ['the error log and the access log of Apache', [apache, unavailable], [6, 0, 12]],
  ['the access log and the error log of Apache', [unavailable, apache], [6, 0, 12]],
  [
    'the access log of several sites and the error log of Apache',
    [withPrefix('a.example:443 ', unavailable), apache],
    [6, 0, 12],
  ],
  [
    'the error log of Apache, and another program’s 500s',
    [apache, unavailable.map((line) => line.replace(' 503 ', ' 500 '))],
    [6, 6, 6],
  ],
];

describe('a failure that several logs report is counted once', () => {
  for (const [why, logs, counts] of rows)
    for (const order of ['together', 'one after another'] as const)
      it(`${why}, read ${order}`, () => assert.deepEqual(counted(logs, order), counts));
});

const beginnings: readonly (readonly [
  why: string,
  texts: readonly Log[],
  same: readonly (readonly [number, number])[],
])[] = [
  [
    'equal lines',
    [access, ['a', 'b', 'c', 'd', 'e'], access],
    [
      [0, 0],
      [2, 0],
    ],
  ],
  [
    'a copy with a prefix',
    [access, withPrefix('Nov 21 10:10:00 edge1 nginx[812]: ', access)],
    [
      [0, 0],
      [1, 0],
    ],
  ],
  [
    'a shorter copy',
    [access, access.slice(0, 5)],
    [
      [0, 0],
      [1, 0],
    ],
  ],
  ['too few lines', [access.slice(0, 4), access.slice(0, 4)], []],
  ['a different line', [access, access.with(2, 'x')], []],
];

describe('logs are the same if they begin with the same lines', () => {
  for (const [why, texts, same] of beginnings)
    it(why, () => assert.deepEqual([...logsWithSameBeginning(texts.map((lines) => `${lines.join('\n')}\n`))], same));
});
