import type { MissedTicks } from './main-history.ts';
import type { CronSchedule } from '../cron-schedule.ts';

/** A tick that is found later than this is missed: the gateway did not run, the machine slept, or its clock was set. */
export const lateMs = 60_000;

/** More are not counted: each takes a tenth of a millisecond. */
const countedMax = 1000;

/** Times at which a job was due, one after the other. */
export type Ticks = Omit<MissedTicks, 'reason'>;

export const oneTick = (at: number): Ticks => ticks(at, at, 1, false);

/** Ticks after `decidedTo` that have come; null: none has. `earlier`: all but the last. */
export function dueTicks(
  schedule: CronSchedule,
  decidedTo: number,
  now: number,
): { readonly last: number; readonly earlier: Ticks | null; readonly all: Ticks } | null {
  const first = schedule.next(decidedTo);
  if (first === null || first > now) return null;
  let [last, before, count] = [first, first, 1];
  for (;;) {
    const next = schedule.next(last);
    if (next === null || next > now) break;
    if (count === countedMax) {
      // The last one is found from the end.
      [last, before] = lastTwo(schedule, now);
      return { last, earlier: ticks(first, before, count, true), all: ticks(first, last, count, true) };
    }
    [before, last] = [last, next];
    count += 1;
  }
  const earlier = count === 1 ? null : ticks(first, before, count - 1, false);
  return { last, earlier, all: ticks(first, last, count, false) };
}

function lastTwo(schedule: CronSchedule, now: number): [last: number, before: number] {
  const found: number[] = [];
  for (let backMs = lateMs; found.length < 2; backMs *= 2) {
    found.length = 0;
    for (let at = schedule.next(now - backMs); at !== null && at <= now; at = schedule.next(at)) found.push(at);
  }
  return [found.at(-1) as number, found.at(-2) as number];
}

function ticks(first: number, last: number, count: number, isMore: boolean): Ticks {
  return { first, last, count, isMore };
}
