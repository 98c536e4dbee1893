import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  countFigure,
  rateFigure,
  rateFigures,
  shareFigure,
  timeTextMs,
  zoneText,
  shownOutput,
  errorsByLine,
} from './shown-figures.ts';
import { noContextJson } from '../core/request-context.ts';
import type { StatusJson } from './model.ts';
import type { ContextLineJson } from '../core/schemas/output.ts';

test('a share that is not zero is never shown as zero', () => {
  const rows: readonly (readonly [number | null, string])[] = [
    [null, '–'],
    [0, '0 %'],
    [0.000_01, '< 0.1 %'],
    [0.0123, '1.2 %'],
    [0.5, '50 %'],
    [1, '100 %'],
  ];
  for (const [share, text] of rows) assert.equal(shareFigure(share), text);
});

test('counts are short', () => {
  const rows: readonly (readonly [number, string])[] = [
    [0, '0'],
    [999, '999'],
    [1284, '1\u2009284'],
    [12_345, '12.3\u2009k'],
    [1_500_000, '1.50\u2009M'],
  ];
  for (const [count, text] of rows) assert.equal(countFigure(count), text);
  assert.equal(rateFigure(0.25), '0.3');
});

test('a rate that has just doubled, and requests that clients left, stand beside the rate of the minute', () => {
  const minute = {
    requests: 17_000,
    requests_per_s: 284,
    recent_per_s: 290,
    abandoned: 12,
  } as StatusJson['last_minute'];
  assert.deepEqual(rateFigures(minute), [['requests/s', '284']]);
  assert.deepEqual(rateFigures({ ...minute, recent_per_s: 589, abandoned: 9780 }).slice(1), [
    ['in the last 10 s', '589'],
    ['left by clients', '58 %'],
  ]);
});

test('a time has its day where that is not today', () => {
  const at = new Date(2026, 10, 22, 14, 2, 11, 58).getTime();
  assert.equal(timeTextMs(at, at + 1000), '14:02:11.058');
  assert.equal(timeTextMs(at, at + 86_400_000), '11-22 14:02:11.058');
});

test('the zone of the times is said', () => {
  const at = Date.parse('2026-11-22T12:00:00Z');
  const before = process.env['TZ'];
  const shown = ['UTC', 'Asia/Kolkata', 'America/St_Johns'].map((zone) => {
    process.env['TZ'] = zone;
    return zoneText(at);
  });
  if (before === undefined) delete process.env['TZ'];
  else process.env['TZ'] = before;
  assert.deepEqual(shown, ['UTC', 'UTC+05:30', 'UTC-03:30']);
});

const line = (second: number, text: string, more: Partial<ContextLineJson> = {}): ContextLineJson => ({
  kind: 'output',
  at: `2026-11-24T12:00:0${second}.000Z`,
  application: 'shop',
  instance: 'shop/1',
  pid: 7,
  stream: 'stderr',
  path: null,
  text,
  left_out: 0,
  left_out_why: null,
  ...{ has: 'request_id', relation: 'attempt', after_end_ms: 0 },
  ...more,
});

test('lines with an id of the request come first, then those of its trace, then those that may be about another one', () => {
  const context = {
    ...noContextJson,
    lines: [line(1, 'fails', { has: 'trace_id' }), line(3, 'begins')],
    nearby: [line(2, 'garbage collection'), line(4, 'exits')],
  };
  const { ofAttempts, others } = shownOutput(context);
  assert.deepEqual(
    ofAttempts.map(({ line: { text }, about }) => [text, about]),
    [
      ['begins', 'this request'],
      ['fails', 'its trace'],
      ['garbage collection', 'meanwhile'],
      ['exits', 'meanwhile'],
    ],
  );
  assert.deepEqual(others, []);
});

test('lines of applications that had no attempt, and those of another time, stand apart and say when they came', () => {
  const lines = [
    line(1, 'in time'),
    line(2, 'a 404 of the blog', { relation: 'no_attempt', after_end_ms: 66_000 }),
    line(3, 'a mail', { relation: 'other_time', has: 'trace_id', after_end_ms: -9000 }),
  ];
  const { ofAttempts, others } = shownOutput({ ...noContextJson, lines });
  assert.deepEqual(
    ofAttempts.map(({ line: { text } }) => text),
    ['in time'],
  );
  assert.deepEqual(
    others.map(({ about }) => about),
    [
      '9 s before its end, with the id of its trace',
      '66 s after its end, with the id of the request; its application had no attempt',
    ],
  );
});

test('errors are shown at the lines that they name', () => {
  const errors = [
    'candor.yaml:3:5: there is no upstream shpo (did you mean shop?)',
    '/etc/shop:2:1/candor.yaml:3:9: unknown key "a: b"',
    'candor.yaml:12:1: the file is empty',
    'listener http cannot listen at 127.0.0.1:80',
    'candor.yaml: there is no file',
  ];
  assert.deepEqual(
    [...errorsByLine(errors)],
    [
      [3, ['there is no upstream shpo (did you mean shop?)', 'unknown key "a: b"']],
      [12, ['the file is empty']],
    ],
  );
});
