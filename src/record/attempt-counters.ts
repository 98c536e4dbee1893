import {
  type CountedMethod,
  countedMethods,
  type EndpointResponses,
  stageBoundsMs,
  type StageTimes,
  type TimedStage,
  timedStages,
} from '../core/attempt-counts.ts';
import type { EndpointRelease } from '../core/endpoint-release.ts';
import { type AttemptFacts, type EndedExchange, upstreamOfAttempt } from '../core/exchange.ts';

/**
 * Endpoints come from the configuration, name servers and applications; those beyond this are counted together, until the counts are taken: then
 * those that were not used since the last time give up their entries.
 */
const endpointsMax = 2000;
const upstreamsMax = 500;
const other = '(other)';

const statusCount = 1000;
const otherMethod = countedMethods.length - 1;
const methodNumbers = new Map<string, number>(countedMethods.map((method, number) => [method, number]));

/**
 * Counts in a worker the attempts of exchanges by endpoint, method and exact status, and the times of their stages by upstream. An ordinary exchange costs
 * one look at the endpoint that was used last, and some steps in arrays.
 */
export class AttemptCounters {
  readonly #endpoints = new Map<string, EndpointCells>();
  readonly #upstreams = new Map<string, UpstreamStages>();
  #lastEndpoint: EndpointCells | null = null;
  #lastUpstream: UpstreamStages | null = null;

  count(exchange: EndedExchange): void {
    const { attempts } = exchange;
    if (attempts.length === 0) return;
    const method = methodNumbers.get(exchange.method) ?? otherMethod;
    for (let index = 0; index < attempts.length; index++) {
      const attempt = attempts[index] as AttemptFacts;
      const upstream = upstreamOfAttempt(exchange, attempt);
      const cells = this.#endpoint(upstream, attempt.endpoint);
      cells.count(method, attempt.status);
      if (cells.endpoint !== other) cells.release = attempt.release ?? null;
      noteStages(this.#stagesOf(upstream), attempt, exchange, index);
    }
  }

  /** The counts since the last call. */
  takeResponses(): EndpointResponses[] {
    const taken: EndpointResponses[] = [];
    const isFull = this.#endpoints.size >= endpointsMax;
    for (const [name, endpoint] of this.#endpoints)
      if (!endpoint.takeInto(taken) && isFull) this.#endpoints.delete(name);
    if (isFull) this.#lastEndpoint = null;
    return taken;
  }

  takeStages(): StageTimes[] {
    const taken: StageTimes[] = [];
    const isFull = this.#upstreams.size >= upstreamsMax;
    for (const [name, upstream] of this.#upstreams)
      if (!upstream.takeInto(taken) && isFull) this.#upstreams.delete(name);
    if (isFull) this.#lastUpstream = null;
    return taken;
  }

  #endpoint(upstream: string, endpoint: string): EndpointCells {
    const last = this.#lastEndpoint;
    if (last !== null && last.endpoint === endpoint) return last;
    let cells = this.#endpoints.get(endpoint);
    if (cells === undefined) {
      const isOther = this.#endpoints.size >= endpointsMax;
      cells =
        (isOther ? this.#endpoints.get(other) : undefined) ??
        new EndpointCells(isOther ? other : upstream, isOther ? other : endpoint);
      this.#endpoints.set(cells.endpoint, cells);
    }
    if (cells.endpoint === endpoint) this.#lastEndpoint = cells;
    return cells;
  }

  #stagesOf(upstream: string): UpstreamStages {
    const last = this.#lastUpstream;
    if (last !== null && last.upstream === upstream) return last;
    let stages = this.#upstreams.get(upstream);
    if (stages === undefined) {
      const isOther = this.#upstreams.size >= upstreamsMax;
      stages = (isOther ? this.#upstreams.get(other) : undefined) ?? new UpstreamStages(isOther ? other : upstream);
      this.#upstreams.set(stages.upstream, stages);
    }
    if (stages.upstream === upstream) this.#lastUpstream = stages;
    return stages;
  }
}

/** Stages that were not reached have a time of −1, and what came before them counts as the begin of the next one. */
function noteStages(stages: UpstreamStages, attempt: AttemptFacts, exchange: EndedExchange, index: number): void {
  const { startedMs, queuedMs = -1, dnsMs, connectedMs, tlsMs, sentMs, headMs, endedMs } = attempt;
  const waitedMs = index === 0 ? atLeast0(exchange.waitedMs) + atLeast0(exchange.turnMs) : 0;
  if (queuedMs >= 0 || waitedMs > 0) stages.note(0, waitedMs + (queuedMs >= 0 ? queuedMs - startedMs : 0), exchange);
  let from = queuedMs >= 0 ? queuedMs : startedMs;
  if (dnsMs >= 0) stages.note(1, dnsMs - from, exchange);
  if (dnsMs >= 0) from = dnsMs;
  if (connectedMs >= 0) stages.note(2, connectedMs - from, exchange);
  if (connectedMs >= 0) from = connectedMs;
  if (tlsMs >= 0) stages.note(3, tlsMs - from, exchange);
  if (tlsMs >= 0) from = tlsMs;
  if (sentMs >= 0) stages.note(4, sentMs - from, exchange);
  if (headMs < 0) return;
  // A response may begin before the request is sent whole.
  if (sentMs >= 0) stages.note(5, headMs - sentMs, exchange);
  stages.note(6, endedMs - headMs, exchange);
  stages.note(7, headMs, exchange);
}

function atLeast0(ms: number | undefined): number {
  return ms !== undefined && ms > 0 ? ms : 0;
}

class EndpointCells {
  readonly upstream: string;
  readonly endpoint: string;
  /** Null until its application is deployed for the first time; then it stays the same. */
  release: EndpointRelease | null = null;
  /** By method, each with a cell for each status. */
  readonly #methods: (Uint32Array | null)[] = countedMethods.map(() => null);
  /** Cells with counts since the last batch: the method's number times 1000, and the status. */
  #touched: number[] = [];

  constructor(upstream: string, endpoint: string) {
    this.upstream = upstream;
    this.endpoint = endpoint;
  }

  count(method: number, status: number): void {
    const statuses = (this.#methods[method] ??= new Uint32Array(statusCount));
    const cell = status >= 100 && status < statusCount ? status : 0;
    const before = statuses[cell] as number;
    if (before === 0) this.#touched.push(method * 1000 + cell);
    statuses[cell] = before + 1;
  }

  /** Returns whether there were any. */
  takeInto(taken: EndpointResponses[]): boolean {
    if (this.#touched.length === 0) return false;
    const { upstream, endpoint, release } = this;
    const named = release === null ? {} : { release: release.name };
    for (const key of this.#touched) {
      const number = Math.floor(key / 1000);
      const status = key % 1000;
      const statuses = this.#methods[number] as Uint32Array;
      const method = countedMethods[number] as CountedMethod;
      taken.push({ upstream, endpoint, ...named, method, status, count: statuses[status] as number });
      statuses[status] = 0;
    }
    this.#touched = [];
    return true;
  }
}

class UpstreamStages {
  readonly upstream: string;
  readonly #stages: (StageTimes | null)[] = timedStages.map(() => null);

  constructor(upstream: string) {
    this.upstream = upstream;
  }

  note(stage: number, ms: number, exchange: EndedExchange): void {
    const times = (this.#stages[stage] ??= emptyStage(this.upstream, timedStages[stage] as TimedStage));
    const spentMs = ms > 0 ? ms : 0;
    let cell = 0;
    while (cell < stageBoundsMs.length && spentMs > (stageBoundsMs[cell] as number)) cell += 1;
    times.sumMs += spentMs;
    times.cells[cell] = (times.cells[cell] as number) + 1;
    if (times.exemplars[cell] === null) {
      const { traceId, id: requestId, startedWall: at } = exchange;
      times.exemplars[cell] = { traceId, requestId, ms: spentMs, at };
    }
  }

  /** Returns whether there were any. */
  takeInto(taken: StageTimes[]): boolean {
    const before = taken.length;
    for (const [index, stage] of this.#stages.entries()) {
      if (stage === null) continue;
      taken.push(stage);
      this.#stages[index] = null;
    }
    return taken.length > before;
  }
}

export function emptyStage(upstream: string, stage: TimedStage): StageTimes {
  return {
    upstream,
    stage,
    sumMs: 0,
    cells: new Array<number>(stageBoundsMs.length + 1).fill(0),
    exemplars: new Array<null>(stageBoundsMs.length + 1).fill(null),
  };
}
