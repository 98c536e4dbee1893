import { Cron } from 'croner';

/** When something is due, by cron's words in a time zone. Times are milliseconds since the Unix epoch. */
export interface CronSchedule {
  /** The first tick later than `wallTime`; null: there is none any more. */
  readonly next: (wallTime: number) => number | null;
}

/** No zone has put its clock back by more, but for a change of the date line. */
const overlapMaxMs = 3 * 3_600_000;

/**
 * Where a zone changes its offset, a tick at a certain hour comes once: one in the hour that does not exist at the change, however many there would
 * be in it, and one in the hour that comes twice the first time. Ticks of every hour (`*` in the field of hours) go by elapsed time. Croner skips some ticks
 * of the hour that does not exist, such as those of `0,20 2 * * *`; so it finds times in UTC here, which are read as those of the zone.
 */
export function scheduleOf(pattern: string, timeZone: string): CronSchedule {
  const cron = new Cron(pattern, { timezone: 'UTC' });
  const zone = new Zone(timeZone);
  const isEveryHour = hoursOf(pattern) === '*';
  /** As a clock on the wall shows it. */
  const nextLocal = (local: number): number | null => cron.nextRun(new Date(local))?.getTime() ?? null;

  const next = (wallTime: number): number | null => {
    let from = wallTime;
    let local = from + zone.offsetAt(from);
    if (!isEveryHour) {
      const back = zone.changeBetween(from - overlapMaxMs, from);
      // What the clock shows for the second time is over.
      if (back !== null) local = Math.max(local, back + zone.offsetAt(back - 1) - 1);
    }
    for (;;) {
      const found = nextLocal(local);
      if (found === null) return null;
      const offset = zone.offsetAt(from);
      const change = zone.changeBetween(from, found - offset);
      if (change === null) return found - offset;
      const offsetAfter = zone.offsetAt(change);
      // One that is due at the change itself belongs to the time after it. Croner looks for later ones only.
      const [shownBefore, shownAfter] = [change + offset, change + offsetAfter];
      if (!isEveryHour && shownAfter > shownBefore) {
        const inGap = nextLocal(shownBefore - 1);
        if (inGap !== null && inGap < shownAfter) return change;
      }
      from = change;
      local = (isEveryHour ? shownAfter : Math.max(shownBefore, shownAfter)) - 1;
    }
  };
  return { next };
}

/** The offset of a time zone from UTC. */
class Zone {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  offsetAt(wallTime: number): number {
    return this.#at(wallTime).offsetNanoseconds / 1_000_000;
  }

  /** The first change of the offset later than `from` and not later than `to`; null: there is none. */
  changeBetween(from: number, to: number): number | null {
    for (let start = from; start < to; ) {
      const change = this.#at(start).getTimeZoneTransition('next')?.epochMilliseconds ?? null;
      if (change === null || change > to) return null;
      if (this.offsetAt(change) !== this.offsetAt(change - 1)) return change;
      start = change;
    }
    return null;
  }

  #at(wallTime: number): Temporal.ZonedDateTime {
    return Temporal.Instant.fromEpochMilliseconds(wallTime).toZonedDateTimeISO(this.#name);
  }
}

function hoursOf(pattern: string): string {
  if (pattern.toLowerCase() === '@hourly') return '*';
  const fields = pattern.trim().split(/\s+/);
  return fields.at(fields.length === 6 ? 2 : 1) ?? '';
}
