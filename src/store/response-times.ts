import type { ResponseTimes } from '../core/response-times.ts';
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

interface RouteSums {
  readonly samples: { readonly ms: number; readonly standsFor: number }[];
  answered: number;
  since: number;
  timedOut: number;
}

/** What the template of a row says. */
type Sharing = {
  readonly route: string;
  readonly kind: 'answered' | 'timed_out';
  readonly attempt: RecordFields;
} | null;

/** Sums up the times of response heads by route. Each stored exchange counts as many as it stands for. */
export class ResponseTimesSum {
  readonly #routes = new Map<string, RouteSums>();
  /** By number of the template. */
  readonly #sharing = new Map<number, Sharing>();
  #templateOf: (number: number) => string = () => '{}';

  /** The next rows are of another file. */
  begin(templateOf: (number: number) => string): void {
    this.#templateOf = templateOf;
    this.#sharing.clear();
  }

  add({ at, durationMs, standsFor, template, rest }: TimedRow): void {
    const sharing = this.#sharingOf(template);
    if (sharing === null) return;
    const sums = this.#sumsOf(sharing.route);
    sums.since = Math.min(sums.since, at);
    if (sharing.kind === 'timed_out') sums.timedOut += standsFor;
    else {
      sums.answered += standsFor;
      sums.samples.push({ ms: headMsOf(sharing.attempt, rest, durationMs), standsFor });
    }
  }

  result(): readonly ResponseTimes[] {
    return [...this.#routes].map(([route, { samples, answered, since, timedOut }]) => {
      const p999Ms = weightedQuantile(samples, answered * 0.999);
      const longestMs = samples.reduce((longest, { ms }) => Math.max(longest, ms), 0);
      return { route, answered, since, p999Ms, longestMs, samples: samples.length, timedOut };
    });
  }

  #sharingOf(template: number): Sharing {
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
      sums = { samples: [], answered: 0, since: Infinity, timedOut: 0 };
      this.#routes.set(route, sums);
    }
    return sums;
  }
}

/** Null: the row says nothing of a response head. Only rows with one attempt have it in their template. */
function sharingOf({ route, upstream, attempt, cause, status, end }: RecordFields): Sharing {
  if (!isFields(attempt)) return null;
  const { endpoint } = attempt;
  const named = route ?? upstream ?? (typeof endpoint === 'string' ? endpoint.split('/')[0] : null);
  if (typeof named !== 'string') return null;
  if (cause === 'response_head_timeout') return { route: named, kind: 'timed_out', attempt };
  const isAnswered = cause === undefined && end === undefined && status !== null;
  return isAnswered ? { route: named, kind: 'answered', attempt } : null;
}

/** From when the request was sent until the response head came; the defaults are those of `core/record-defaults.ts`. */
function headMsOf(shared: RecordFields, rest: string | null, durationMs: number): number {
  const own = rest === null ? {} : ((JSON.parse(rest) as RecordFields)['attempt'] ?? {});
  const attempt = { ...shared, ...(own as RecordFields) };
  const head = attempt['head_ms'] ?? attempt['ended_ms'] ?? durationMs;
  const sent = attempt['sent_ms'] ?? readyMs(attempt) ?? 0;
  return Math.max(0, Number(head) - Number(sent));
}

/** The smallest time that exchanges of this weight have not exceeded; 0 without a sample. */
function weightedQuantile(samples: RouteSums['samples'], weight: number): number {
  let passed = 0;
  for (const { ms, standsFor } of samples.toSorted((a, b) => a.ms - b.ms)) {
    passed += standsFor;
    if (passed >= weight) return ms;
  }
  return 0;
}
