import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scheduleOf } from '../cron-schedule.ts';
import { WindowTimes } from './window-times.ts';

const hour = 3_600_000;

/** Whether it is closed at each of these times, asked in this order. */
function closedAt(schedule: string, zone: string, lengthMs: number, times: readonly string[]): readonly boolean[] {
  const windows = new WindowTimes(scheduleOf(schedule, zone), lengthMs);
  return times.map((time) => {
    const now = Date.parse(time);
    const window = windows.at(now);
    return window !== null && window.begins <= now && now < window.ends;
  });
}

for (const [what, schedule, zone, lengthMs, times, expected] of [
  [
    'is closed from the tick on, until the length is over, each day anew',
    ...['0 3 * * *', 'UTC', hour],
    ['2026-11-28T02:59:59Z', '2026-11-28T03:00Z', '2026-11-28T03:59:59Z', '2026-11-28T04:00Z', '2026-11-29T03:30Z'],
    [false, true, true, false, true],
  ],
  [
    'is closed for one that is asked within a window first',
    ...['0 3 * * *', 'UTC', hour],
    ['2026-11-28T03:30Z', '2026-11-28T04:00Z'],
    [true, false],
  ],
  [
    'goes by the clock of its zone, in summer and winter',
    ...['0 3 * * *', 'Europe/Berlin', hour],
    ['2026-07-01T01:30Z', '2026-07-01T02:30Z', '2026-12-01T01:30Z', '2026-12-01T02:30Z'],
    [true, false, false, true],
  ],
  [
    'passes midnight',
    ...['30 23 * * FRI', 'UTC', 2 * hour],
    ['2026-11-27T23:29Z', '2026-11-28T01:29Z', '2026-11-28T01:30Z'],
    [false, true, false],
  ],
  [
    'is right after a clock was put back',
    ...['0 3 * * *', 'UTC', hour],
    ['2026-11-28T03:30Z', '2026-11-28T04:30Z', '2026-11-28T03:30Z', '2026-11-27T12:00Z'],
    [true, false, true, false],
  ],
] as const)
  test(`a window ${what}`, () => assert.deepEqual(closedAt(schedule, zone, lengthMs, times), expected));

test('a window is reckoned once until it ends', () => {
  let asked = 0;
  const windows = new WindowTimes({ next: (wall) => (asked++, Math.ceil((wall + 1) / hour) * hour) }, 60_000);
  for (let now = 60_001; now < hour + 60_000; now += 1000) windows.at(now);
  assert.equal(asked, 1);
});
