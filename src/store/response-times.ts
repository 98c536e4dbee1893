import type { ResponseTimes, TroubledTime } from '../core/response-times.ts';
import { isFields, readyMs, type RecordFields } from '../core/record-defaults.ts';

/** What is known of a row without its record. */
export interface TimedRow {
  readonly at: number;
  readonly durationMs: number;
  readonly standsFor: number;
  readonly template: number;
  /** JSON of its own values; null: none. */
  readonly rest: string | null;
}

interface Sample {
  readonly ms: number;
  readonly standsFor: number;
}

interface RouteSums {
  readonly samples: Sample[];
  readonly lastHour: Sample[];
  readonly wellHours: Set<number>;
  /** In which a request ended by a timeout, and those beside them. */
  readonly troubledHours: Set<number>;
  isTroubled: boolean;
  since: number;
  timedOut: number;
}

/** What the template of a row says. */
interface Sharing {
  readonly route: string;
  /** Null: it says nothing of a usual response head. */
  readonly kind: 'answered' | 'too_slow' | 'head_timeout' | null;
  readonly attempt: RecordFields;
}

const hourMs = 3_600_000;
const hourOf = (at: number): number => Math.floor(at / hourMs);

/** Sums up the times of response heads by route, first `addFailure`, then `add`. Each stored exchange counts as many as it stands for. */
export class ResponseTimesSum {
  readonly #incidents: readonly TroubledTime[];
  readonly #now: number;
  readonly #routes = new Map<string, RouteSums>();
  /** By number of the file, and of the template. */
  readonly #files = new Map<number, Map<number, Sharing | null>>();
  #sharing = new Map<number, Sharing | null>();
  #templateOf: (number: number) => string = () => '{}';
  readonly #hoursOfIncidents = new Map<number, boolean>();
  #lastFailureAt = Infinity;
  #knownSince = -Infinity;

  constructor(incidents: readonly TroubledTime[], now: number) {
    this.#incidents = incidents;
    this.#now = now;
  }

  /** The next rows are of another file. */
  begin(file: number, templateOf: (number: number) => string): void {
    this.#templateOf = templateOf;
    this.#sharing = this.#files.get(file) ?? new Map();
    this.#files.set(file, this.#sharing);
  }

  /** One that may have ended by a timeout, the newest first. */
  addFailure({ at, template }: Pick<TimedRow, 'at' | 'template'>): void {
    this.#lastFailureAt = at;
    const sharing = this.#sharingOf(template);
    if (sharing === null || (sharing.kind !== 'too_slow' && sharing.kind !== 'head_timeout')) return;
    const sums = this.#sumsOf(sharing.route);
    const hour = hourOf(at);
    for (const troubled of [hour - 1, hour, hour + 1]) sums.troubledHours.add(troubled);
    sums.isTroubled ||= this.#now - at <= hourMs;
    if (sharing.kind === 'head_timeout' && !this.#isOfIncident(hour)) sums.timedOut += 1;
  }

  /** Not all failures were looked at: before the last of those that were, nothing is known to be well. */
  forgetEarlier(): void {
    this.#knownSince = this.#lastFailureAt;
  }

  add({ at, durationMs, standsFor, template, rest }: TimedRow): void {
    const sharing = this.#sharingOf(template);
    if (sharing?.kind !== 'answered') return;
    const sums = this.#sumsOf(sharing.route);
    const hour = hourOf(at);
    const isWell = hourOf(this.#knownSince) + 1 < hour && !sums.troubledHours.has(hour) && !this.#isOfIncident(hour);
    const isLast = this.#now - at <= hourMs;
    if (!isWell && !isLast) return;
    const sample = { ms: headMsOf(sharing.attempt, rest, durationMs), standsFor };
    if (isLast) sums.lastHour.push(sample);
    if (!isWell) return;
    sums.since = Math.min(sums.since, at);
    sums.wellHours.add(hour);
    sums.samples.push(sample);
  }

  result(): readonly ResponseTimes[] {
    return [...this.#routes].map(([route, { samples, lastHour, wellHours, since, timedOut, isTroubled }]) => {
      const answered = weightOf(samples);
      const p999Ms = weightedQuantile(samples, answered * 0.999);
      const longestMs = samples.reduce((longest, { ms }) => Math.max(longest, ms), 0);
      const lastHourP99Ms = lastHour.length === 0 ? null : weightedQuantile(lastHour, weightOf(lastHour) * 0.99);
      const figures = { p999Ms, longestMs, samples: samples.length, timedOut, wellHours: wellHours.size };
      return { route, answered, since: Math.min(since, this.#now), ...figures, isTroubled, lastHourP99Ms };
    });
  }

  /** Whether there was an incident in the hour, or in the one before or after it. */
  #isOfIncident(hour: number): boolean {
    let known = this.#hoursOfIncidents.get(hour);
    if (known === undefined) {
      const [start, end] = [(hour - 1) * hourMs, (hour + 2) * hourMs];
      known = this.#incidents.some(({ from, until }) => from < end && until >= start);
      this.#hoursOfIncidents.set(hour, known);
    }
    return known;
  }

  #sharingOf(template: number): Sharing | null {
    let known = this.#sharing.get(template);
    if (known === undefined) {
      known = sharingOf(JSON.parse(this.#templateOf(template)) as RecordFields);
      this.#sharing.set(template, known);
    }
    return known;
  }

  #sumsOf(route: string): RouteSums {
    let sums = this.#routes.get(route);
    if (sums === undefined) {
      const [wellHours, troubledHours] = [new Set<number>(), new Set<number>()];
      sums = { samples: [], lastHour: [], wellHours, troubledHours, isTroubled: false, since: Infinity, timedOut: 0 };
      this.#routes.set(route, sums);
    }
    return sums;
  }
}

/** The times of about so many slices of so many rows are summed up: reading them takes less than the time of a search. */
const rowsPerSlice = 256;
const slicesMax = 300;

/** Some rows of a file that follow each other: those after `after`, up to `last`. */
interface RowSlice {
  readonly file: number;
  readonly after: number;
  readonly last: number;
}

/**
 * All rows of files, or slices that are spread evenly over them: that of the newest rows first, in an order of which each beginning is
 * spread evenly too. `rows`: how many each file has, the oldest file first.
 */
export function slicesOf(rows: readonly number[]): readonly RowSlice[] {
  const all = rows.reduce((sum, count) => sum + count, 0);
  const distance = Math.max(rowsPerSlice, Math.ceil(all / slicesMax));
  const slices = rows.flatMap((count, file) =>
    Array.from({ length: Math.ceil(count / distance) }, (_, index): RowSlice => {
      const last = count - index * distance;
      return { file, after: Math.max(0, last - rowsPerSlice), last };
    }).reverse(),
  );
  const { length } = slices;
  let step = Math.max(1, Math.round(length * 0.618));
  while (greatestDivisor(step, length) > 1) step += 1;
  return slices.map((_, turn) => slices[(length - 1 + turn * step) % length] as RowSlice);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

/** Null: it is not known of which route the row is. Only rows with one attempt have it in their template, and say how long it took. */
function sharingOf({ route, upstream, attempt, cause, shape, status, end }: RecordFields): Sharing | null {
  const shared = isFields(attempt) ? attempt : {};
  const { endpoint } = shared;
  const named = route ?? upstream ?? (typeof endpoint === 'string' ? endpoint.split('/')[0] : null);
  if (typeof named !== 'string') return null;
  const isAnswered = isFields(attempt) && cause === undefined && end === undefined && status !== null;
  const isHeadTimeout = cause === 'response_head_timeout';
  const kind = isAnswered ? 'answered' : isHeadTimeout ? 'head_timeout' : shape === 'too_slow' ? 'too_slow' : null;
  return { route: named, kind, attempt: shared };
}

const weightOf = (samples: readonly Sample[]): number => samples.reduce((all, { standsFor }) => all + standsFor, 0);

/** From when the request was sent until the response head came; the defaults are those of `core/record-defaults.ts`. */
function headMsOf(shared: RecordFields, rest: string | null, durationMs: number): number {
  const own = rest === null ? {} : ((JSON.parse(rest) as RecordFields)['attempt'] ?? {});
  const attempt = { ...shared, ...(own as RecordFields) };
  const head = attempt['head_ms'] ?? attempt['ended_ms'] ?? durationMs;
  const sent = attempt['sent_ms'] ?? readyMs(attempt) ?? 0;
  return Math.max(0, Number(head) - Number(sent));
}

/** The smallest time that exchanges of this weight have not exceeded; 0 without a sample. */
function weightedQuantile(samples: readonly Sample[], weight: number): number {
  let passed = 0;
  for (const { ms, standsFor } of samples.toSorted((a, b) => a.ms - b.ms)) {
    passed += standsFor;
    if (passed >= weight) return ms;
  }
  return 0;
}
