import type { JudgedEvent } from '../core/release.ts';

/** Times as likely as in the other arm, or as before: the alternatives, equally likely. */
export const oddsRatios = [2, 4, 8, 16, 50, 200] as const;

/** `error`: a failure or a server error. */
export type EvidenceKind = 'error' | JudgedEvent;

export const evidenceKinds: readonly EvidenceKind[] = ['error', 'failure', 'server_error', 'late'];

/** Parts of the whole evidence, fixed in advance; their sum is 1. Those of `routes` are shared among all routes. */
export interface EvidenceWeights {
  readonly overall: Readonly<Record<EvidenceKind, number>>;
  readonly routes: Readonly<Record<EvidenceKind, number>>;
}

/**
 * Nearly everything lies on errors of all routes. A small weight makes the evidence wait for its logarithm alone: what has a single route, or lateness,
 * speaks for itself soon after, but a tenfold share of rare failures in half of the requests is found in time by no other weights (`bench/release-judge.ts`).
 */
export const usualWeights: EvidenceWeights = {
  overall: { error: 0.86, failure: 0.015, server_error: 0.015, late: 0.03 },
  routes: { error: 0.04, failure: 0.005, server_error: 0.005, late: 0.03 },
};

/**
 * Late responses are not independent: all that are in flight while an instance collects garbage are late. A second says no more than so
 * many of them, and makes the evidence at most e^1.5 times as much, so that one stall of some seconds is no finding.
 */
const lateInSecondMax = 5;
const lateGainMax = 1.5;

const largest = Math.log(1e15);

/** The likelihood ratio of "so many times as likely" and of a null, averaged over the alternatives (a mixture, Robbins 1970). */
export class MixtureEvidence {
  readonly #isClumped: boolean;
  readonly #settled: number[];
  /** Of the newest second. */
  readonly #gains: number[] = oddsRatios.map(() => 0);
  #second = -Infinity;
  #events = 0;
  /** Null: it is not computed yet. */
  #log: number | null = null;

  constructor(isClumped: boolean, settled: readonly number[] = oddsRatios.map(() => 0)) {
    this.#isClumped = isClumped;
    this.#settled = [...settled];
  }

  /** Natural logarithms, one for each alternative. */
  get logs(): readonly number[] {
    return this.#settled.map((settled, at) => settled + this.#gain(at));
  }

  /** The logarithm of the average. */
  get log(): number {
    if (this.#log !== null) return this.#log;
    const { logs } = this;
    const most = Math.max(...logs);
    return (this.#log = most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / logs.length));
  }

  /** The same, as far as it can be added up. */
  get bounded(): number {
    return Math.min(largest, this.log);
  }

  add(second: number, events: number, gains: readonly number[]): void {
    if (second !== this.#second) {
      for (const [at, log] of this.logs.entries()) this.#settled[at] = log;
      this.#gains.fill(0);
      this.#events = 0;
      this.#second = second;
    }
    this.#events += events;
    for (let at = 0; at < gains.length; at++) (this.#gains[at] as number) += gains[at] as number;
    this.#log = null;
  }

  /** A power of at most 1, and a bound from above, keep what is expected under the null at 1 or less. */
  #gain(at: number): number {
    const gain = this.#gains[at] as number;
    return this.#isClumped ? Math.min(lateGainMax, gain * Math.min(1, lateInSecondMax / this.#events || 1)) : gain;
  }
}

export interface SavedStream {
  readonly route: string | null;
  readonly kind: EvidenceKind;
  /** For each null. */
  readonly logs: readonly (readonly number[])[];
}

interface Stream {
  readonly route: string | null;
  readonly kind: EvidenceKind;
  readonly weight: number;
  readonly mixtures: readonly MixtureEvidence[];
}

/** Routes of one application that are told apart. */
const routesMax = 1000;

/**
 * Evidence against several nulls at once, of each kind of event, of all requests and of each route. The sum of all, each by its weight, is evidence too: it
 * exceeds n with a chance of at most 1/n where the null holds, however often somebody looks.
 */
export class EvidenceStreams {
  readonly #weights: EvidenceWeights;
  readonly #nulls: number;
  /** The part of each route. Of those that were not known in advance, the nth has 1/n(n+1) of one more part. */
  readonly #routes: Map<string, number>;
  readonly #part: number;
  #unknownRoutes = 0;
  readonly #streams = new Map<string, Stream>();

  constructor(weights: EvidenceWeights, routes: readonly string[], nulls: number) {
    this.#weights = weights;
    this.#nulls = nulls;
    this.#part = 1 / (routes.length + 1);
    this.#routes = new Map(routes.map((route) => [route, this.#part]));
  }

  /** `gains`: for each null, the logarithms for each alternative. */
  add(route: string | null, kind: EvidenceKind, second: number, events: number, gains: Gains): void {
    const stream = this.#streamOf(route, kind);
    for (const [at, mixture] of stream?.mixtures.entries() ?? [])
      mixture.add(second, events, gains[at] as Gains[number]);
  }

  #streamOf(route: string | null, kind: EvidenceKind, saved?: SavedStream['logs']): Stream | null {
    const key = `${kind} ${route ?? ''}`;
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const weight = route === null ? this.#weights.overall[kind] : this.#weights.routes[kind] * this.#partOf(route);
    if (weight === 0) return null;
    const mixtures = Array.from({ length: this.#nulls }, (_, at) => new MixtureEvidence(kind === 'late', saved?.[at]));
    const added = { route, kind, weight, mixtures };
    this.#streams.set(key, added);
    return added;
  }

  #partOf(route: string): number {
    const known = this.#routes.get(route);
    if (known !== undefined) return known;
    if (this.#routes.size >= routesMax) return 0;
    const number = ++this.#unknownRoutes;
    const part = this.#part / (number * (number + 1));
    this.#routes.set(route, part);
    return part;
  }

  /** Against one of the nulls. */
  evidence(at: number): number {
    // What has seen no event yet is worth its weight.
    let sum = 1;
    for (const { weight, mixtures } of this.#streams.values())
      sum += weight * (Math.exp((mixtures[at] as MixtureEvidence).bounded) - 1);
    return Math.max(0, sum);
  }

  /** The one that speaks the loudest; a route rather than all of them. Null: none says anything. */
  strongest(): (Pick<Stream, 'route' | 'kind'> & { readonly log: number }) | null {
    let most: Stream | null = null;
    for (const stream of this.#streams.values()) {
      const isRoute = stream.route !== null && most?.route === null;
      const difference = logOf(stream) - (most === null ? notableLog : logOf(most));
      if (difference > 1e-9 || (isRoute && difference > -1e-9)) most = stream;
    }
    return most === null ? null : { route: most.route, kind: most.kind, log: logOf(most) };
  }

  saved(): readonly SavedStream[] {
    return [...this.#streams.values()].map(({ route, kind, mixtures }) => ({
      ...{ route, kind, logs: mixtures.map(({ logs }) => logs) },
    }));
  }

  restore(saved: readonly SavedStream[]): void {
    for (const { route, kind, logs } of saved) this.#streamOf(route, kind, logs);
  }
}

export type Gains = readonly (readonly number[])[];

/** Less is chance. */
const notableLog = Math.log(3);

const logOf = ({ mixtures }: Stream): number => (mixtures[0] as MixtureEvidence).log;
