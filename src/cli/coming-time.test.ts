import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comingTime } from './coming-time.ts';

const now = Date.parse('2026-03-01T12:00:00Z');

const cases: readonly [text: string, time: string][] = [
  ['30m', '2026-03-01T12:30:00.000Z'],
  ['22:30', '2026-03-01T22:30:00.000Z'],
  ['9:15', '2026-03-02T09:15:00.000Z'],
  ['2026-03-05T08:00+02:00', '2026-03-05T06:00:00.000Z'],
];

for (const [text, time] of cases)
  test(`${text} is a time that is to come`, () => assert.equal(comingTime(text, now, '--until'), time));

const wrong: readonly [text: string, message: RegExp][] = [
  ['tomorrow', /^--until tomorrow is no time: one is a duration \(30m, 2h\)/],
  ['2026-02-05T08:00Z', /^--until 2026-02-05T08:00Z is over: it was 2026-02-05T08:00:00.000Z/],
];

for (const [text, message] of wrong)
  test(`${text} is refused, with what to write`, () =>
    assert.throws(() => comingTime(text, now, '--until'), { message }));
