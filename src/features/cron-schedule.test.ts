import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { Cron } from 'croner';
import { scheduleOf } from './cron-schedule.ts';

/** The ticks later than `from` and not later than `to`. */
function ticksOf(pattern: string, zone: string, from: string, to: string): string[] {
  const { next } = scheduleOf(pattern, zone);
  const found: string[] = [];
  for (let at = next(Date.parse(from)); at !== null && at <= Date.parse(to); at = next(at))
    found.push(new Date(at).toISOString().slice(0, 16));
  return found;
}

// Berlin: on 29 March 02:00 to 03:00 does not exist (01:00 UTC); on 25 October it comes twice (00:00 and 01:00 UTC).
// New York: on 8 March 02:00 to 03:00 (07:00 UTC); on 1 November 01:00 to 02:00 comes twice (05:00 and 06:00 UTC).
// Lord Howe: half an hour; on 4 October 02:00 to 02:30 (15:30 UTC); on 5 April 01:30 to 02:00 comes twice.
// Santiago: at midnight; on 6 September 00:00 to 01:00 (04:00 UTC); on 4 April 23:00 to 24:00 comes twice.
const rows: readonly (readonly [
  promise: string,
  pattern: string,
  zone: string,
  day: readonly [string, string],
  string[],
])[] = [
  [
    'a time in the hour that does not exist comes once after it',
    ...(['30 2 * * *', 'Europe/Berlin', ['2026-03-28T12:00Z', '2026-03-30T12:00Z']] as const),
    ['2026-03-29T01:00', '2026-03-30T00:30'],
  ],
  [
    'several of them come once',
    ...(['0,20,40 2 * * *', 'Europe/Berlin', ['2026-03-28T12:00Z', '2026-03-29T12:00Z']] as const),
    ['2026-03-29T01:00'],
  ],
  [
    'where one is due then anyway, both are one',
    ...(['30 2,3 * * *', 'Europe/Berlin', ['2026-03-28T12:00Z', '2026-03-29T12:00Z']] as const),
    ['2026-03-29T01:00', '2026-03-29T01:30'],
  ],
  [
    'a time at the end of that hour is no time in it',
    ...(['0 3 * * *', 'Europe/Berlin', ['2026-03-28T12:00Z', '2026-03-29T12:00Z']] as const),
    ['2026-03-29T01:00'],
  ],
  [
    'a time in the hour that comes twice comes the first time',
    ...(['30 2 * * *', 'Europe/Berlin', ['2026-10-24T12:00Z', '2026-10-26T12:00Z']] as const),
    ['2026-10-25T00:30', '2026-10-26T01:30'],
  ],
  [
    'also if it is looked for while that hour comes for the second time',
    ...(['30 2 * * *', 'Europe/Berlin', ['2026-10-25T01:10Z', '2026-10-26T12:00Z']] as const),
    ['2026-10-26T01:30'],
  ],
  [
    'what is due every hour goes by elapsed time where an hour comes twice',
    ...(['30 * * * *', 'Europe/Berlin', ['2026-10-24T23:00Z', '2026-10-25T03:00Z']] as const),
    ['2026-10-24T23:30', '2026-10-25T00:30', '2026-10-25T01:30', '2026-10-25T02:30'],
  ],
  [
    'and where one does not exist',
    ...(['*/30 * * * *', 'Europe/Berlin', ['2026-03-29T00:00Z', '2026-03-29T02:00Z']] as const),
    ['2026-03-29T00:30', '2026-03-29T01:00', '2026-03-29T01:30', '2026-03-29T02:00'],
  ],
  [
    'every second hour names hours',
    ...(['0 */2 * * *', 'Europe/Berlin', ['2026-10-24T23:00Z', '2026-10-25T04:00Z']] as const),
    ['2026-10-25T00:00', '2026-10-25T03:00'],
  ],
  [
    'New York: once after the hour that does not exist',
    ...(['30 2 * * *', 'America/New_York', ['2026-03-07T12:00Z', '2026-03-09T12:00Z']] as const),
    ['2026-03-08T07:00', '2026-03-09T06:30'],
  ],
  [
    'New York: once in the hour that comes twice',
    ...(['30 1 * * *', 'America/New_York', ['2026-10-31T12:00Z', '2026-11-02T12:00Z']] as const),
    ['2026-11-01T05:30', '2026-11-02T06:30'],
  ],
  [
    'Lord Howe: a change by half an hour forward',
    ...(['15 2 * * *', 'Australia/Lord_Howe', ['2026-10-03T00:00Z', '2026-10-04T20:00Z']] as const),
    ['2026-10-03T15:30', '2026-10-04T15:15'],
  ],
  [
    'Lord Howe: a change by half an hour back',
    ...(['45 1 * * *', 'Australia/Lord_Howe', ['2026-04-03T20:00Z', '2026-04-05T20:00Z']] as const),
    ['2026-04-04T14:45', '2026-04-05T15:15'],
  ],
  [
    'Santiago: midnight does not exist',
    ...(['0 0 * * *', 'America/Santiago', ['2026-09-05T12:00Z', '2026-09-07T12:00Z']] as const),
    ['2026-09-06T04:00', '2026-09-07T03:00'],
  ],
  [
    'Santiago: the last hour of the day comes twice',
    ...(['30 23 * * *', 'America/Santiago', ['2026-04-04T12:00Z', '2026-04-06T12:00Z']] as const),
    ['2026-04-05T02:30', '2026-04-06T03:30'],
  ],
  [
    'a zone without summer time',
    ...(['30 2 * * *', 'Asia/Tokyo', ['2026-03-28T12:00Z', '2026-03-30T12:00Z']] as const),
    ['2026-03-28T17:30', '2026-03-29T17:30'],
  ],
  [
    'a day of the month or a weekday: either is enough, as cron has it',
    ...(['0 0 13 * 5', 'UTC', ['2026-01-01T00:00Z', '2026-01-14T00:00Z']] as const),
    ['2026-01-02T00:00', '2026-01-09T00:00', '2026-01-13T00:00'],
  ],
  [
    'a day that comes every four years',
    ...(['0 3 29 2 *', 'Europe/Berlin', ['2026-01-01T00:00Z', '2033-01-01T00:00Z']] as const),
    ['2028-02-29T02:00', '2032-02-29T02:00'],
  ],
];

describe('a schedule', () => {
  for (const [promise, pattern, zone, [from, to], expected] of rows)
    test(promise, () => assert.deepEqual(ticksOf(pattern, zone, from, to), expected));
});

test('croner itself leaves several times in the hour that does not exist out: if that has changed, less is needed here', () => {
  const found = new Cron('0,20,40 2 * * *', { timezone: 'Europe/Berlin' }).nextRun(new Date('2026-03-28T12:00Z'));
  assert.equal(found?.toISOString(), '2026-03-30T00:00:00.000Z');
});

const zones = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Africa/Casablanca',
  'UTC',
];
const patterns = ['30 2 * * *', '*/20 1-3 * * *', '15 * * * *', '*/7 * * * *', '0 0 * * 1', '45 1 1 * *', '5 23 * * 0'];

test('which ticks there are does not depend on when they are looked for', () => {
  const start = Date.parse('2026-01-01T00:00Z');
  const at = fc.integer({ min: 0, max: 365 * 24 * 60 });
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.constantFrom(...patterns),
      at,
      fc.integer({ min: 0, max: 3000 }),
      (zone, pattern, from, minutes) => {
        const { next } = scheduleOf(pattern, zone);
        const [early, late] = [start + from * 60_000, start + (from + minutes) * 60_000];
        let last = next(early) as number;
        for (let steps = 0; last <= late && steps < 2000; steps++) last = next(last) as number;
        assert.ok(last > late || minutes > 2000);
        if (last > late) assert.equal(next(late), last);
      },
    ),
    { numRuns: 200 },
  );
});
