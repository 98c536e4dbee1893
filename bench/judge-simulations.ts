import { filledAbove, latencyCellOf, latencyCells } from '../src/core/latency-cells.ts';
import type { ReleaseArm } from '../src/core/release.ts';
import { filledCells } from '../src/core/route-traffic.ts';
import type { Instant } from '../src/core/time.ts';
import { ArmSum } from '../src/policy/arm-traffic.ts';
import { BeforeAfterJudge } from '../src/policy/before-after-judge.ts';
import type { EvidenceWeights } from '../src/policy/evidence-streams.ts';
import { lateLimitMs, mayBeLate } from '../src/policy/late-limit.ts';
import { ReleaseJudge } from '../src/policy/release-judge.ts';
import { SeededRandom } from '../src/testing/seeded-random.ts';

/** A release with errors in a share of its requests. */
export interface WorseRelease {
  /** The chance with which a request is drawn to it. */
  readonly share: number;
  readonly oldErrors: number;
  readonly freshErrors: number;
  readonly routes: number;
  /** The first of the routes alone; the others have the errors of the old release. */
  readonly oneRoute?: boolean;
  readonly requestsMax: number;
  readonly weights?: EvidenceWeights;
}

const names = { old: 'r12', fresh: 'r13' };
const noFailures = new Map();

/** After how many requests of the new release it is called bad, looking after each event; Infinity: it is not. */
export function requestsUntilBad(release: WorseRelease, seed: string): number {
  const { share, oldErrors, freshErrors, oneRoute = false, requestsMax, weights } = release;
  const random = new SeededRandom(seed);
  const routes = routeNames(release.routes);
  const judge = new ReleaseJudge({ names, routes, ...(weights === undefined ? {} : { weights }) });
  const now = 0 as Instant;
  for (let requests = 0; requests < requestsMax; ) {
    const arm: ReleaseArm = random.next() < share ? 'fresh' : 'old';
    if (arm === 'fresh') requests++;
    const route = random.integer(routes.length);
    const isWorse = arm === 'fresh' && (!oneRoute || route === 0);
    if (random.next() >= (isWorse ? freshErrors : oldErrors)) continue;
    const counted = { requests: 1, failures: noFailures, serverErrors: 1, late: 0 };
    judge.add({ route: routes[route] as string, arm, ...counted }, share, now);
    if (judge.judge().verdict === 'bad') return requests;
  }
  return Infinity;
}

/** A release that gets all requests after an old one that had so many. */
export interface NextRelease extends Omit<WorseRelease, 'share' | 'weights'> {
  readonly requestsBefore: number;
}

/** After how many requests it is suspicious, looking ten times each second; Infinity: it is not. */
export function requestsUntilSuspicious(release: NextRelease, seed: string): number {
  const { oldErrors, freshErrors, oneRoute = false, requestsBefore, requestsMax } = release;
  const random = new SeededRandom(seed);
  const all = routeNames(release.routes);
  const errorsOf = (count: number, share: number): number => {
    let errors = 0;
    for (let request = 0; request < count; request++) if (random.next() < share) errors++;
    return errors;
  };
  const requests = Math.round(requestsBefore / all.length);
  const sumOf = (): ArmSum =>
    ArmSum.of({ requests, failures: [], serverErrors: errorsOf(requests, oldErrors), late: 0 });
  const judge = new BeforeAfterJudge({ names, routes: new Map(all.map((route) => [route, sumOf()])) });
  // One request of each route at a time.
  for (let round = 0; round * all.length < requestsMax; round++) {
    for (const [at, route] of all.entries()) {
      const serverErrors = errorsOf(1, !oneRoute || at === 0 ? freshErrors : oldErrors);
      judge.add({ route, requests: 1, failures: noFailures, serverErrors, late: 0 }, (round * 100) as Instant);
    }
    if (judge.judge().verdict === 'suspicious') return (round + 1) * all.length;
  }
  return Infinity;
}

/** A release that is like the old one, and what happens while it is rolled out. */
export interface EqualRelease {
  readonly routes: number;
  readonly perS: number;
  /** Shares of the new release, and for how long. */
  readonly steps: readonly { readonly share: number; readonly seconds: number }[];
  /** The first requests of its instances are slower: so many times at first, and with half of that after each second. */
  readonly coldTimes?: number;
  /** From this second on there are twice as many requests, each of which takes half as long again. */
  readonly doublesAtS?: number;
  /** Both fail so often, for so long. */
  readonly outage?: { readonly atS: number; readonly seconds: number; readonly share: number };
  /** A client whose requests fail and that retries four times each second, for a minute. */
  readonly retryingAtS?: number;
  readonly isSticky?: boolean;
  /** Each release's instance stops for 150 ms, once in so many seconds. */
  readonly stallsS?: number;
}

const tickMs = 250;
const clients = 200;
const retryingClient = clients;
const retriesEachTick = 1;
const stallMs = 150;

/** Whether the judge calls it bad. */
export function isCalledBad(release: EqualRelease, seed: string): boolean {
  const simulation = new EqualSimulation(release, seed);
  let second = 0;
  for (const { share, seconds } of release.steps)
    for (const end = second + seconds; second < end; second++)
      for (let tick = 0; tick < 1000 / tickMs; tick++)
        if (simulation.run(second * 1000 + tick * tickMs, share)) return true;
  return false;
}

interface Counted {
  requests: number;
  failures: number;
  serverErrors: number;
  readonly latencies: number[];
  readonly clients: { failure: number[]; server_error: number[] };
}

interface SimulatedRoute {
  readonly name: string;
  readonly weight: number;
  readonly failures: number;
  readonly serverErrors: number;
  readonly ms: number;
  readonly spread: number;
  /** Of the old release, of this minute and the one before. */
  minutes: [number[], number[]];
  lateMs: number | null;
}

class EqualSimulation {
  readonly #release: EqualRelease;
  readonly #random: SeededRandom;
  readonly #routes: readonly SimulatedRoute[];
  readonly #judge: ReleaseJudge;
  readonly #stalls = { old: { from: 0, until: 0 }, fresh: { from: 0, until: 0 } };
  /** For each client, and the one that retries. */
  readonly #drawn: readonly number[];

  constructor(release: EqualRelease, seed: string) {
    this.#release = release;
    this.#random = new SeededRandom(seed);
    this.#drawn = Array.from({ length: clients + 1 }, () => this.#random.next());
    const { isSticky = false } = release;
    this.#judge = new ReleaseJudge({ names, isSticky, routes: routeNames(release.routes) });
    let weights = 0;
    const routes = routeNames(release.routes).map((name, at) => {
      weights += 1 / (at + 1);
      return { ...{ name, weight: weights }, ...this.#rates() };
    });
    this.#routes = routes.map((route) => ({ ...route, weight: route.weight / weights }));
  }

  #rates(): Omit<SimulatedRoute, 'name' | 'weight'> {
    const random = this.#random;
    return {
      failures: random.next() < 0.5 ? 0 : 0.01 * random.next() ** 2,
      serverErrors: random.next() < 0.3 ? 0 : 0.03 * random.next() ** 2,
      ms: 5 * 20 ** random.next(),
      spread: 0.3 + 0.7 * random.next(),
      minutes: [emptyCells(), emptyCells()],
      lateMs: null,
    };
  }

  /** A quarter of a second. True: the release is called bad. */
  run(ms: number, share: number): boolean {
    const { perS, doublesAtS = Infinity, retryingAtS = Infinity } = this.#release;
    if (ms % 60_000 === 0) for (const route of this.#routes) route.minutes = [route.minutes[1], emptyCells()];
    if (ms % 1000 === 0) this.#setLimits();
    this.#stall(ms);
    const counted = new Map<string, Counted>();
    const isDouble = ms >= doublesAtS * 1000;
    const requests = this.#count((perS * (isDouble ? 2 : 1) * tickMs) / 1000);
    for (let request = 0; request < requests; request++) this.#ask(counted, ms, share, isDouble, null);
    if (ms >= retryingAtS * 1000 && ms < (retryingAtS + 60) * 1000)
      for (let retry = 0; retry < retriesEachTick; retry++) this.#ask(counted, ms, share, isDouble, retryingClient);
    return this.#tell(counted, ms, share);
  }

  /** Of a Poisson distribution. */
  #count(mean: number): number {
    let count = -1;
    for (let left = mean; left > 0; count++) left += Math.log(1 - this.#random.next());
    return Math.max(0, count);
  }

  #ask(counted: Map<string, Counted>, ms: number, share: number, isDouble: boolean, retrying: number | null): void {
    const random = this.#random;
    const client = retrying ?? random.integer(clients);
    // A sticky client has been drawn once, and is drawn again only where the shares change.
    const drawn = this.#release.isSticky === true ? (this.#drawn[client] as number) : random.next();
    const arm: ReleaseArm = drawn < share ? 'fresh' : 'old';
    const at = random.next();
    const route = (retrying === null ? this.#routes.find(({ weight }) => at < weight) : undefined) ?? this.#routes[0];
    if (route === undefined) return;
    const key = `${arm} ${route.name}`;
    let sum = counted.get(key);
    if (sum === undefined) counted.set(key, (sum = newCounted()));
    sum.requests++;
    const { outage } = this.#release;
    const isOut = outage !== undefined && ms >= outage.atS * 1000 && ms < (outage.atS + outage.seconds) * 1000;
    const failed = random.next();
    if (retrying !== null || failed < route.failures + (isOut ? outage.share : 0)) {
      sum.failures++;
      sum.clients.failure.push(client);
      return;
    }
    if (random.next() < route.serverErrors) {
      sum.serverErrors++;
      sum.clients.server_error.push(client);
    }
    const cell = latencyCellOf(this.#latency(route, arm, ms, isDouble));
    (sum.latencies[cell] as number) += 1;
    if (arm === 'old') (route.minutes[1][cell] as number) += 1;
  }

  #latency(route: SimulatedRoute, arm: ReleaseArm, ms: number, isDouble: boolean): number {
    const random = this.#random;
    const { coldTimes = 1 } = this.#release;
    const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    const cold = arm === 'fresh' ? 1 + (coldTimes - 1) * 0.5 ** (ms / 1000) : 1;
    const usual = route.ms * Math.exp(route.spread * normal) * cold * (isDouble ? 1.5 : 1);
    const { from, until } = this.#stalls[arm];
    const at = ms + random.next() * tickMs;
    return at >= from && at < until ? usual + until - at : usual;
  }

  #stall(ms: number): void {
    const { stallsS = Infinity } = this.#release;
    for (const arm of ['old', 'fresh'] as const) {
      if (ms < this.#stalls[arm].until || this.#random.next() >= tickMs / 1000 / stallsS) continue;
      const from = ms + this.#random.next() * tickMs;
      this.#stalls[arm] = { from, until: from + stallMs };
    }
  }

  #setLimits(): void {
    for (const route of this.#routes)
      route.lateMs = lateLimitMs(route.minutes[0].map((count, cell) => count + (route.minutes[1][cell] as number)));
  }

  #tell(counted: ReadonlyMap<string, Counted>, ms: number, share: number): boolean {
    const now = ms as Instant;
    for (const route of this.#routes)
      for (const arm of ['old', 'fresh'] as const) {
        const sum = counted.get(`${arm} ${route.name}`);
        if (sum === undefined) continue;
        const filled = filledCells(sum.latencies);
        const isJudged = route.lateMs !== null && mayBeLate(0 as Instant, now);
        const failures = new Map([['response_head_timeout', sum.failures] as const]);
        const late = isJudged ? filledAbove(filled, route.lateMs as number) : 0;
        const { requests, serverErrors } = sum;
        this.#judge.add(
          { ...{ route: route.name, arm, requests, failures, serverErrors, late }, clients: sum.clients },
          share,
          now,
        );
      }
    return this.#judge.judge().verdict === 'bad';
  }
}

const emptyCells = (): number[] => new Array<number>(latencyCells).fill(0);

function newCounted(): Counted {
  return {
    requests: 0,
    failures: 0,
    serverErrors: 0,
    latencies: emptyCells(),
    clients: { failure: [], server_error: [] },
  };
}

const routeNames = (count: number): string[] => Array.from({ length: count }, (_, at) => `route${at + 1}`);
