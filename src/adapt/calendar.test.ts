import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cronOfCalendar, cronOfInterval } from './calendar.ts';
import { durationOf, sizeOf } from './units.ts';

describe('OnCalendar becomes a schedule of cron where both mean the same', () => {
  const said: readonly (readonly [calendar: string, cron: string | null, timeZone?: string])[] = [
    ['daily', '0 0 * * *'],
    ['hourly', '0 * * * *'],
    ['weekly', '0 0 * * 1'],
    ['quarterly', '0 0 1 1,4,7,10 *'],
    ['*-*-* 03:00:00', '0 3 * * *'],
    ['03:00', '0 3 * * *'],
    ['Mon..Fri *-*-* 03:15:00 Europe/Berlin', '15 3 * * 1-5', 'Europe/Berlin'],
    ['Sat,Sun 10:30', '30 10 * * 6,0'],
    ['Sat..Sun 10:30', '30 10 * * 6-7'],
    ['Sunday 00:00 UTC', '0 0 * * 0', 'UTC'],
    ['*:0/15', '*/15 * * * *'],
    ['*-*-01 04:00', '0 4 1 * *'],
    ['*-1,7-01 04:00', '0 4 1 1,7 *'],
    ['*-*-* 8..18:00', '0 8-18 * * *'],
    ['*-*-* 01/6:30:00', '30 1-23/6 * * *'],
    // Seconds, years, the last day of a month, and both kinds of days together.
    ['*-*-* 03:00:30', null],
    ['2026-12-24 18:00', null],
    ['*-*~01 00:00', null],
    ['Fri *-*-25..31 18:00', null],
    ['*-*-* 25:00', null],
    ['tomorrow', null],
    ['', null],
  ];
  for (const [calendar, cron, timeZone = null] of said)
    test(`${calendar} is ${cron ?? 'not said'}`, () =>
      assert.deepEqual(cronOfCalendar(calendar), cron === null ? null : { schedule: cron, timeZone }));
});

describe('a span becomes a schedule of cron where it divides an hour or a day', () => {
  const minute = 60_000;
  const said: readonly (readonly [ms: number, cron: string | null])[] = [
    [minute, '* * * * *'],
    [15 * minute, '*/15 * * * *'],
    [60 * minute, '0 * * * *'],
    [6 * 60 * minute, '0 */6 * * *'],
    [24 * 60 * minute, '0 0 * * *'],
    [7 * minute, null],
    [90 * minute, null],
    [5 * 60 * minute, null],
    [1500, null],
  ];
  for (const [ms, cron] of said)
    test(`${ms} ms is ${cron ?? 'not said'}`, () => assert.equal(cronOfInterval(ms), cron));
});

describe('sizes and times of other programs are written as in a configuration', () => {
  const sizes: readonly (readonly [string, string | null])[] = [
    ['512m', '512MiB'],
    ['1.5GB', '1536MiB'],
    ['536870912', '512MiB'],
    ['1G', '1GiB'],
    ['100', '100B'],
    ['50%', null],
    ['0', null],
    ['', null],
  ];
  for (const [written, size] of sizes) test(`${written} is ${size}`, () => assert.equal(sizeOf(written), size));
  const times: readonly (readonly [string, string | null])[] = [
    ['1min 30s', '1m30s'],
    ['1m30s', '1m30s'],
    ['5', '5s'],
    ['1.5h', '1h30m'],
    ['90', '1m30s'],
    ['infinity', null],
    ['60 days', null],
  ];
  for (const [written, time] of times) test(`${written} is ${time}`, () => assert.equal(durationOf(written), time));
});
