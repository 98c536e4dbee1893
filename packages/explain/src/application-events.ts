import type { ApplicationEvent, Finding, FindingClass } from './finding.ts';
import { exampleOf, type LineReference } from './line-times.ts';
import { truncateFix, truncateText } from './report-texts.ts';
import type { Example, TimelineInterval, TimelineReport } from './summary-report.ts';

/** Lengths of an interval in milliseconds. Each is a multiple of the one before, so that counts can be added up. */
const lengths = [1, 2, 10, 30, 60, 120, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400].map((s) => s * 1000);

/** The largest number of intervals in a report. */
const intervalsMax = 120;

interface Counts {
  lines: number;
  failures: number;
  unclear: number;
  denials: number;
  appErrors: number;
  clientAborts: number;
}

const countOf: Readonly<Record<FindingClass, Exclude<keyof Counts, 'lines'> | null>> = {
  failure: 'failures',
  unclear: 'unclear',
  denial: 'denials',
  app_error: 'appErrors',
  client_abort: 'clientAborts',
  none: null,
};

/** Counts by time, in intervals that grow with the span of the log. */
export class Timeline {
  #intervalMs = lengths[0] as number;
  #intervals = new Map<number, Counts>();
  /** The interval of the last line, which is nearly always that of the next line. */
  #index = Number.NaN;
  #counts: Counts = emptyCounts();
  #lowest = Number.POSITIVE_INFINITY;
  #highest = Number.NEGATIVE_INFINITY;
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  #undated = 0;

  addLine(atMs: number | null): void {
    if (atMs === null) this.#undated += 1;
    else this.#at(atMs).lines += 1;
  }

  /** With −1 it removes a fault but not its line, since another line of the same failure knows more. */
  addFault(atMs: number | null, found: FindingClass, step: 1 | -1): void {
    if (atMs === null) return;
    const counts = this.#at(atMs);
    const key = countOf[found];
    if (key !== null) counts[key] += step;
  }

  #at(atMs: number): Counts {
    if (atMs < this.#firstMs) this.#firstMs = atMs;
    if (atMs > this.#lastMs) this.#lastMs = atMs;
    const index = Math.floor(atMs / this.#intervalMs);
    if (index === this.#index) return this.#counts;
    if (index < this.#lowest) this.#lowest = index;
    if (index > this.#highest) this.#highest = index;
    if (this.#highest - this.#lowest >= intervalsMax) {
      this.#widen();
      return this.#at(atMs);
    }
    this.#index = index;
    this.#counts = countsOf(this.#intervals, index);
    return this.#counts;
  }

  #widen(): void {
    const before = this.#intervalMs;
    do this.#intervalMs = lengths.find((length) => length > this.#intervalMs) ?? this.#intervalMs * 2;
    while (Math.floor(this.#lastMs / this.#intervalMs) - Math.floor(this.#firstMs / this.#intervalMs) >= intervalsMax);
    const wider = new Map<number, Counts>();
    for (const [index, counts] of this.#intervals) {
      const into = countsOf(wider, Math.floor((index * before) / this.#intervalMs));
      into.lines += counts.lines;
      into.failures += counts.failures;
      into.unclear += counts.unclear;
      into.denials += counts.denials;
      into.appErrors += counts.appErrors;
      into.clientAborts += counts.clientAborts;
    }
    this.#intervals = wider;
    this.#index = Number.NaN;
    this.#lowest = Math.floor(this.#firstMs / this.#intervalMs);
    this.#highest = Math.floor(this.#lastMs / this.#intervalMs);
  }

  report(): TimelineReport {
    const intervals: TimelineInterval[] = [];
    for (let index = this.#lowest; index <= this.#highest; index++) {
      const counts = this.#intervals.get(index) ?? emptyCounts();
      intervals.push({ startMs: index * this.#intervalMs, ...counts });
    }
    return {
      firstMs: intervals.length === 0 ? null : this.#firstMs,
      lastMs: intervals.length === 0 ? null : this.#lastMs,
      intervalMs: this.#intervalMs,
      intervals,
      undated: this.#undated,
    };
  }
}

function countsOf(intervals: Map<number, Counts>, index: number): Counts {
  let counts = intervals.get(index);
  if (counts === undefined) {
    counts = emptyCounts();
    intervals.set(index, counts);
  }
  return counts;
}

function emptyCounts(): Counts {
  return { lines: 0, failures: 0, unclear: 0, denials: 0, appErrors: 0, clientAborts: 0 };
}

/** Events that are remembered. Of a kind that repeats (all workers busy), the first and the latest matter. */
const rememberedMax = 4000;

/** Addresses at which applications listen. More are not on one machine. */
const listenersMax = 200;

/** Processes that their server has ended for a timeout, and that may be killed after it. */
const timedOutMax = 1000;

/** A server kills a process that did not end by itself within this time. */
const killedWithinMs = 120_000;

/** One event of the application's side, as it is related to incidents. */
export interface TimedEvent {
  readonly source: Finding['gateway'];
  readonly event: ApplicationEvent;
  readonly atMs: number;
  readonly sentence: string;
  readonly fix: Finding['fix'];
  readonly example: Example;
  /** Where the application listens, if a log shows it. */
  readonly addresses: readonly string[];
}

interface Listener {
  readonly log: string;
  readonly names: readonly string[];
  readonly address: string;
}

/** The events of the application's side that have a time. Its memory is bounded: the oldest are forgotten. */
export class ApplicationEvents {
  #events: TimedEvent[] = [];
  #listeners: Listener[] = [];
  readonly #timedOut = new Map<string, number | null>();
  dropped = 0;

  /** Returns what the line says in the light of earlier ones: the kill of a worker whose time has run out is no cause. */
  add(finding: Finding, event: ApplicationEvent, reference: LineReference): Finding {
    const judged = this.#afterTimeout(finding, event, logOf(finding.gateway, reference.file));
    this.#addListener(event, logOf(finding.gateway, reference.file));
    this.#remember(judged, judged.application ?? event, reference);
    return judged;
  }

  #afterTimeout(finding: Finding, event: ApplicationEvent, log: string): Finding {
    if (event.pid === undefined) return finding;
    const key = `${log} ${event.pid}`;
    if (event.kind === 'timeout') {
      if (this.#timedOut.size >= timedOutMax) this.#timedOut.clear();
      this.#timedOut.set(key, finding.atMs);
      return finding;
    }
    const timedOutMs = this.#timedOut.get(key);
    if (timedOutMs === undefined || (event.kind !== 'oom_kill' && event.kind !== 'crash')) return finding;
    if (timedOutMs !== null && finding.atMs !== null && finding.atMs - timedOutMs > killedWithinMs) return finding;
    const sentence = `The worker with pid ${event.pid} was killed, since its time had run out.`;
    return { ...finding, sentence, fix: null, application: { ...event, kind: null } };
  }

  #addListener({ listens, names }: ApplicationEvent, log: string): void {
    if (listens === undefined || this.#listeners.length >= listenersMax) return;
    if (!this.#listeners.some((one) => one.address === listens && one.log === log))
      this.#listeners.push({ log, names, address: listens });
  }

  #remember({ atMs, gateway, sentence, fix }: Finding, event: ApplicationEvent, reference: LineReference): void {
    if (atMs === null || event.kind === null || event.kind === 'dependency') return;
    this.#events.push({
      source: gateway,
      event,
      atMs,
      sentence: truncateText(sentence),
      fix: truncateFix(fix),
      example: exampleOf(reference),
      addresses: [],
    });
    if (this.#events.length < rememberedMax * 2) return;
    this.dropped += rememberedMax;
    this.#events = this.#events.slice(rememberedMax);
  }

  /** In the order of their times. */
  get all(): readonly TimedEvent[] {
    const all = this.#events
      .toSorted((a, b) => a.atMs - b.atMs)
      .map((one) => ({ ...one, addresses: addressesOf(one, this.#listeners) }));
    return withAddressesOfProcess(all);
  }
}

/** What the kernel tells of a process that the log of the application names, too, concerns that application. */
function withAddressesOfProcess(events: readonly TimedEvent[]): readonly TimedEvent[] {
  const known = new Map<string, TimedEvent>();
  for (const one of events) if (one.event.pid !== undefined && one.addresses.length > 0) known.set(one.event.pid, one);
  if (known.size === 0) return events;
  return events.map((one) => {
    const same = one.addresses.length > 0 ? undefined : known.get(one.event.pid ?? '');
    const isSame = same !== undefined && Math.abs(same.atMs - one.atMs) <= killedWithinMs;
    return isSame ? { ...one, addresses: same.addresses } : one;
  });
}

const logOf = (source: string, file: string | null): string => `${source} ${file ?? ''}`;

/** Addresses in the same log are the application's; those of another log only if it is the only one of that name. */
function addressesOf({ source, event, example }: TimedEvent, listeners: readonly Listener[]): readonly string[] {
  if (event.listens !== undefined) return [event.listens];
  const ofLog = listeners.filter(({ log }) => log === logOf(source, example.file));
  const found = ofLog.length > 0 ? ofLog : listeners.filter(({ names }) => names.some((n) => event.names.includes(n)));
  const addresses = [...new Set(found.map(({ address }) => address))];
  return ofLog.length > 0 || addresses.length === 1 ? addresses : [];
}
