import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LogExplainer } from './log-explainer.ts';
import { Summary } from './summary.ts';

const at = Date.UTC(2026, 10, 21, 10, 9, 58);
const nearMs = at + 1000;
const clock = { zoneMs: 0, isZoneKnown: true, nearMs };
const trace = ['    throw new Error("boom")', '    ^', '', 'Error: boom', '    at emit (node:events:519:28)', ''];
const down =
  'Server app/s1 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms. 0 active and 0 backup servers left. 0 sessions active, 0 requeued, 0 remaining in queue.';

/** The last line of each text has this time. */
const rows: readonly (readonly [why: string, lines: readonly string[], atMs: number | null])[] = [
  ['an event of HAProxy in the system’s log', [`Nov 21 10:09:58 lb1 haproxy[77]: ${down}`], at],
  ['a unit that was stopped', ['Nov 21 10:09:58 edge1 systemd[1]: Stopped shop.service - Shop.'], at],
  ['the end of a stack trace of Node.js', ['2026-11-21T10:09:58Z request failed', ...trace, 'Node.js v22.11.0'], at],
  [
    'an error of Java after the line of a logger',
    [
      '2026-11-21 10:09:58.000 ERROR 1 --- [nio-8080-exec-3] o.a.c : failed',
      'java.lang.OutOfMemoryError: Java heap space',
    ],
    at,
  ],
  [
    'a worker of uWSGI after its timeout',
    [
      'Sat Nov 21 10:09:58 2026 - *** HARAKIRI ON WORKER 1 (pid: 42, try: 1) ***',
      'DAMN ! worker 1 (pid: 42) died, killed by signal 9 :( trying respawn ...',
    ],
    at,
  ],
  ['a stack trace without any time', [...trace, 'Node.js v22.11.0'], null],
  [
    'a time long before',
    ['2026-11-21T10:09:58Z started', ...Array.from({ length: 30 }, () => 'some output'), 'Node.js v22.11.0'],
    null,
  ],
];

describe('the time of an event is known', () => {
  for (const [why, lines, atMs] of rows)
    it(`${atMs === null ? 'not from ' : ''}${why}`, () => {
      const summary = new Summary({ clock });
      const file = summary.open('a.log');
      const explainer = new LogExplainer();
      for (const line of lines) summary.add(explainer.read(line), line, file);
      assert.equal(file.lastMs, atMs);
    });
});
