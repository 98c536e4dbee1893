import { excerptSources, type IncidentExcerpt } from '../core/live-incident.ts';
import type { ErrorBody } from '../core/route-traffic.ts';
import { boundedLines } from '../redact/first-lines.ts';

type Excerpt = Omit<IncidentExcerpt, 'isFirst'>;

/** A line of an application's log that says something, without secrets. */
export interface PrintedLine {
  /** The instance, or the file of the log. */
  readonly where: string;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly text: string;
}

const logLinesMax = 3;

const ofOne = (lines: readonly PrintedLine[], where: string): readonly PrintedLine[] =>
  lines.filter((line) => line.where === where);

/** What the application of an incident has said itself: of each source the first stays, and the newest replaces the one before. */
export class ApplicationWords {
  readonly #first = new Map<Excerpt['source'], Excerpt>();
  readonly #newest = new Map<Excerpt['source'], Excerpt>();

  add(excerpt: Excerpt): void {
    const { source, at } = excerpt;
    if (at < (this.#first.get(source)?.at ?? Infinity)) this.#first.set(source, excerpt);
    if (at > (this.#newest.get(source)?.at ?? -Infinity)) this.#newest.set(source, excerpt);
  }

  /** What it has printed, the oldest first: the first lines, and the newest ones. */
  addPrinted(lines: readonly PrintedLine[]): void {
    const [first, last] = [lines[0], lines.at(-1)];
    if (first === undefined || last === undefined) return;
    this.#addLog(first, ofOne(lines, first.where).slice(0, logLinesMax));
    if (last.at > first.at) this.#addLog(last, ofOne(lines, last.where).slice(-logLinesMax));
  }

  #addLog({ at, where }: PrintedLine, lines: readonly PrintedLine[]): void {
    const texts = boundedLines(lines.map(({ text }) => text));
    this.add({ source: 'log', at, where, route: null, status: null, lines: texts });
  }

  get all(): readonly IncidentExcerpt[] {
    return excerptSources.flatMap((source) => {
      const [first, newest] = [this.#first.get(source), this.#newest.get(source)];
      if (first === undefined) return [];
      const own = { ...first, isFirst: true };
      return newest === undefined || newest.at === first.at ? [own] : [own, { ...newest, isFirst: false }];
    });
  }
}

/** An incident opens within so long a time, mostly. */
const keptMs = 120_000;
/** Each has a few hundred characters. */
const keptMax = 200;

/** The workers' counts of a failure may say that it came a moment later. */
const beforeMs = 1000;

interface IncidentOfWords {
  readonly words: ApplicationWords;
  readonly upstreams: readonly string[];
  readonly routeNames: readonly string[];
}

/** 5xx of applications of the last minutes: an incident that opens began with some of them. */
export class RecentErrorBodies {
  #all: readonly ErrorBody[] = [];

  add(bodies: readonly ErrorBody[], wallMs: number): void {
    if (bodies.length === 0 && this.#all.length === 0) return;
    this.#all = [...this.#all, ...bodies].filter(({ at }) => wallMs - at <= keptMs).slice(-keptMax);
  }

  /** Those of an incident, from `sinceMs` of the wall clock on. */
  addTo({ words, upstreams, routeNames }: IncidentOfWords, sinceMs: number): void {
    for (const { upstream, route, endpoint, status, at, lines } of this.#all)
      if (at >= sinceMs - beforeMs && upstreams.includes(upstream) && routeNames.includes(route))
        words.add({ source: 'response', at, where: endpoint, route, status, lines });
  }
}
