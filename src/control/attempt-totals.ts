import { type EndpointResponses, type StageTimes } from '../core/attempt-counts.ts';
import type { Clock } from '../core/time.ts';
import { emptyStage } from '../record/attempt-counters.ts';
import { GoneNames, otherName as other } from '../record/gone-names.ts';

/** Combinations of labels. More burden a metrics store. */
const responsesMax = 10_000;
const stagesMax = 4000;

/** The endpoints that there are, by upstream. */
export type CurrentEndpoints = () => readonly {
  readonly id: string;
  readonly endpoints: readonly { readonly id: string }[];
}[];

interface ResponseTotal extends Omit<EndpointResponses, 'count'> {
  count: number;
}

/** Adds up what workers count of attempts, in the main thread. */
export class AttemptTotals {
  readonly #responses = new Map<string, ResponseTotal>();
  readonly #stages = new Map<string, StageTimes>();
  readonly #current: CurrentEndpoints;
  readonly #endpointsGone: GoneNames;
  readonly #upstreamsGone: GoneNames;

  constructor(clock: Clock, current: CurrentEndpoints) {
    this.#current = current;
    this.#endpointsGone = new GoneNames(clock);
    this.#upstreamsGone = new GoneNames(clock);
  }

  /** Call this several times a minute, also with nothing. */
  add(responses: readonly EndpointResponses[], stages: readonly StageTimes[]): void {
    for (const counted of responses) this.#addResponses(counted);
    for (const counted of stages) this.#addStage(counted);
    const idsOf = (all: readonly { readonly id: string }[]): ReadonlySet<string> => new Set(all.map(({ id }) => id));
    this.#endpointsGone.reviewIfDue(
      this.#responses,
      ({ endpoint }) => endpoint,
      () => idsOf(this.#current().flatMap(({ endpoints }) => endpoints)),
    );
    this.#upstreamsGone.reviewIfDue(
      this.#stages,
      ({ upstream }) => upstream,
      () => idsOf(this.#current()),
    );
  }

  get responses(): readonly EndpointResponses[] {
    return [...this.#responses.values()];
  }

  get stages(): readonly StageTimes[] {
    return [...this.#stages.values()];
  }

  #addResponses(counted: EndpointResponses): void {
    const known = this.#responses.get(responseKey(counted));
    if (known !== undefined) return void (known.count += counted.count);
    const isOther = this.#responses.size >= responsesMax;
    const total: ResponseTotal = isOther ? { ...counted, upstream: other, endpoint: other } : { ...counted };
    const key = responseKey(total);
    const same = this.#responses.get(key);
    if (same === undefined) this.#responses.set(key, total);
    else same.count += counted.count;
  }

  #addStage(counted: StageTimes): void {
    const upstream = this.#stages.size < stagesMax || this.#stages.has(stageKey(counted)) ? counted.upstream : other;
    const key = stageKey({ ...counted, upstream });
    let total = this.#stages.get(key);
    if (total === undefined) {
      total = emptyStage(upstream, counted.stage);
      this.#stages.set(key, total);
    }
    total.sumMs += counted.sumMs;
    for (const [cell, count] of counted.cells.entries()) {
      total.cells[cell] = (total.cells[cell] as number) + count;
      const exemplar = counted.exemplars[cell] ?? null;
      if (exemplar !== null) total.exemplars[cell] = exemplar;
    }
  }
}

/** No label can hold a line feed: names come from the configuration. */
function responseKey({ upstream, endpoint, method, status }: Omit<EndpointResponses, 'count'>): string {
  return [upstream, endpoint, method, status].join('\n');
}

function stageKey({ upstream, stage }: Pick<StageTimes, 'upstream' | 'stage'>): string {
  return `${upstream}\n${stage}`;
}
