import type { ApplicationEvent, Finding, GatewayProduct } from './finding.ts';
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

/**
 * How the times of logs are understood. Some logs write local time without a zone, some leave the year out. Another log of
 * the same machine may show both.
 */
export interface LogClock {
  /** East of UTC; 0 if no log shows it. */
  readonly zoneMs: number;
  /** Whether a log shows the zone. If not, local times count as UTC. */
  readonly isZoneKnown: boolean;
  /** A time near that of the logs, which decides about years that are left out; null if unknown. */
  readonly nearMs: number | null;
}

export const utcClock: LogClock = { zoneMs: 0, isZoneKnown: false, nearMs: null };

const zoned = /\b\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d (?<zone>[+-]\d{4})\b/;
const isoZoned = /\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})? ?(?<zone>[+-]\d\d:?\d\d)\b/;
const dated =
  /\b(\d{4})[-/](\d\d)[-/](\d\d)[T ]|\b(\d\d)[/-]([A-Z][a-z]{2})[/-](\d{4})[: ]|\b[A-Z][a-z]{2} ([A-Z][a-z]{2}) {1,2}(\d{1,2}) [\d:]{8}(?:\.\d{1,9})? (\d{4})\b/;

/** What the beginnings of some logs show about their clocks. `nowMs` decides about years if no log has a date. */
export function clockOf(samples: readonly string[], nowMs: number | null): LogClock {
  let zone: string | undefined;
  let nearMs: number | null = null;
  for (const sample of samples) {
    // A zone of zero is usual for logs that are written in UTC on purpose, so any other zone decides.
    const found = (zoned.exec(sample) ?? isoZoned.exec(sample))?.groups?.['zone'];
    if (found !== undefined && (zone === undefined || /^[+-]00:?00$/.test(zone))) zone = found;
    nearMs ??= dateIn(sample);
  }
  return { zoneMs: zone === undefined ? 0 : zoneMsOf(zone), isZoneKnown: zone !== undefined, nearMs: nearMs ?? nowMs };
}

function zoneMsOf(zone: string): number {
  const digits = zone.replace(/\D/g, '');
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

function dateIn(sample: string): number | null {
  const [found, year, month, day, day2, name2, year2, name3, day3, year3] = dated.exec(sample) ?? [];
  if (found === undefined) return null;
  const ms =
    year !== undefined
      ? Date.UTC(Number(year), Number(month) - 1, Number(day))
      : Date.parse(`${day2 ?? day3} ${name2 ?? name3} ${year2 ?? year3} UTC`);
  return Number.isNaN(ms) ? null : ms;
}

/** The year that stands for a missing one; it has a 29 February. */
export const yearOfYearless = 1972;

/** Moves a time of the year 1972 into the year in which it is nearest to the other logs. */
function withYear(timeMs: number, nearMs: number): number {
  const near = new Date(nearMs).getUTCFullYear();
  const at = new Date(timeMs);
  const candidates = [near - 1, near, near + 1].map(
    (year) => Date.UTC(year, at.getUTCMonth(), at.getUTCDate(), 0, 0, 0, 0) + (timeMs % 86_400_000),
  );
  return candidates.reduce((best, one) => (Math.abs(one - nearMs) < Math.abs(best - nearMs) ? one : best));
}

/** nginx and Apache write local time into their error logs, HAProxy into all of its logs. */
export function hasNoZone(gateway: GatewayProduct, format: string): boolean {
  return gateway === 'haproxy' || format.endsWith(' error log');
}

/** The time of a finding in UTC, as far as the clock of its log is known. */
export function timeOf(finding: Finding, clock: LogClock): number | null {
  const { application, atMs } = finding;
  if (application !== undefined) return timeOfEvent(application, clock);
  if (atMs === null || clock.zoneMs === 0) return atMs;
  return hasNoZone(finding.gateway, finding.format) ? atMs - clock.zoneMs : atMs;
}

/** The time that a line has as far as it says one: without a zone, without a year, or complete. */
export function timeOfEvent(
  { timeMs, clock: kind }: Pick<ApplicationEvent, 'timeMs' | 'clock'>,
  clock: LogClock,
): number | null {
  if (timeMs === null || kind === 'none') return null;
  if (kind === 'full') return timeMs;
  if (kind === 'no_zone') return timeMs - clock.zoneMs;
  return clock.nearMs === null ? null : withYear(timeMs, clock.nearMs + clock.zoneMs) - clock.zoneMs;
}
