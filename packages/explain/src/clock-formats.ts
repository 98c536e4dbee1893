import type { Finding } from './finding.ts';
import { hasNoZone, type LogClock } from './log-clock.ts';
import type { ClockReport } from './summary-report.ts';

/** Collects which formats leave the zone or the year out of their times. */
export class ClockFormats {
  readonly #withoutZone = new Set<string>();
  readonly #withoutYear = new Set<string>();

  add({ gateway, format, application }: Finding): void {
    const clock = application?.clock;
    if (clock === 'no_year') this.#withoutYear.add(format);
    if (clock === 'no_year' || clock === 'no_zone' || (application === undefined && hasNoZone(gateway, format)))
      this.#withoutZone.add(format);
  }

  report({ zoneMs, isZoneKnown }: LogClock): ClockReport {
    return {
      zone: isZoneKnown ? zoneText(zoneMs) : null,
      withoutZone: [...this.#withoutZone],
      withoutYear: [...this.#withoutYear],
    };
  }
}

/** '+02:00'. */
function zoneText(zoneMs: number): string {
  const minutes = Math.abs(zoneMs) / 60_000;
  const two = (value: number): string => String(Math.trunc(value)).padStart(2, '0');
  return `${zoneMs < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`;
}
