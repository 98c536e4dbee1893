import type { EndpointResponses } from '../core/attempt-counts.ts';
import type { ExchangeCount } from '../core/counters.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { Whose } from '#failures/shape.ts';
import type { CountedCause, FailureFamily } from '../core/live-incident.ts';
import { clientNetwork, type RouteTraffic } from '../core/route-traffic.ts';
import { familyOf, familyOfCause, isNotHttp, isWithoutFailure, isWithoutConnection } from './failure-family.ts';
import { FailedRequests } from './failed-requests.ts';
import { FamilyWindow, SlidingSeconds } from './family-window.ts';
import { RequestSeconds } from './request-seconds.ts';
import { RouteAnswers } from './route-answers.ts';
import { RouteLatencies } from './route-latencies.ts';
import { RouteRates } from './route-rates.ts';
import { ComparedRequests } from './compared-requests.ts';
import { ConnectTimes } from './connect-times.ts';
import { MovedPaths } from './moved-paths.ts';
import { LastChange } from './what-is-over.ts';
import { type PartBeginning, PathParts } from './path-parts.ts';
import { IdleConnections } from './idle-connections.ts';
import { TopCounts } from './top-counts.ts';
import { SlowBodies } from './slow-bodies.ts';
import { UsualDurations } from './usual-durations.ts';
import { ErrorWaits, type WaitedRoutes } from './error-waits.ts';

export type CountedFailure = CountedCause['cause'];

/** Requests that the gateway has refused in one second. */
export interface RefusedSecond {
  readonly second: number;
  /** No earlier than the configuration. */
  readonly firstMs: number;
  readonly count: number;
  /** Who has sent them all; null: several have. */
  readonly client: string | null;
}

/** What one second has added. */
export interface FailureDelta {
  readonly second: number;
  readonly family: FailureFamily;
  readonly kind: CountedFailure;
  readonly route: string;
  /** As records say it; null: of attempts, which have none. */
  readonly whose: Whose | null;
  /** When the first of them came, on the time axis of the seconds: workers report it somewhat later. */
  firstMs: number;
  /** When the earliest of the requests began, in milliseconds since the Unix epoch; Infinity: not known. */
  startedWall: number;
  failed: number;
  attemptsFailed: number;
  /** Of requests; absent: not known. */
  clients?: TopCounts;
  /** Of requests; absent: not known. */
  requests?: FailedRequests;
}

/** What one second has added, or a part of one: before or since its first failure, or between responses that were no valid HTTP. */
export interface AttemptDelta {
  readonly second: number;
  readonly endpoint: string;
  /** No failure had come in this second. */
  readonly isBeforeFailure: boolean;
  attempts: number;
  failed: number;
  /** Responses that began late. */
  late: number;
  /** Responses that are none of what the route usually answers. */
  changed: number;
  /** Responses in HTTP, with any status. */
  answered: number;
  /** Responses that were no HTTP. */
  notHttp: number;
  /** Responses that were no valid HTTP, with those. */
  invalid: number;
}

/** More kinds, routes or endpoints in a minute are not told apart. */
const deltasMax = 4000;
const apartMax = deltasMax / 4;

const noRequests: ReadonlyMap<string, number> = new Map();

/** What fails seldom may have begun minutes before it is an incident. */
const failuresKeptS = 300;

/** Lists of the last minute are shortened when they have become this much longer. */
const forgottenLateS = 10;

/** Fewer answered attempts say little of how long one takes. */
const heldMin = 3;

/** How attempts use the connections of an upstream. */
export interface HeldConnections {
  readonly meanMs: number;
  /** Answered ones. */
  readonly perS: number;
}

/** Requests of one method: when the first one came, and how many have failed since. */
interface MethodCount {
  readonly firstMs: number;
  failed: number;
}

/** What happens at one upstream: counts of its last minute, and what is usual there. */
export class UpstreamFailures {
  readonly upstream: string;
  readonly requests: RequestSeconds;
  readonly attempts = new SlidingSeconds();
  /** Attempts that were answered, and for how many milliseconds these had a connection. */
  readonly #answered = new SlidingSeconds();
  readonly #heldMs = new SlidingSeconds();
  readonly families = new Map<FailureFamily, FamilyWindow>();
  readonly rates = new RouteRates();
  readonly latencies = new RouteLatencies();
  readonly parts: PathParts;
  readonly bodies = new SlowBodies();
  /** Of all upstreams: a route may get another one. */
  readonly #answers: RouteAnswers;
  readonly #errorWaits = new ErrorWaits();
  readonly idleConnections = new IdleConnections();
  readonly connectTimes = new ConnectTimes();
  readonly durations = new UsualDurations();
  readonly compared = new ComparedRequests();
  /** Requests of each route in the last seconds, while an incident goes on; by second. */
  readonly #routes = new Map<number, Map<string, number>>();
  #countsRoutes = false;
  /** By method, of which there are few (`countedMethods`). */
  readonly methods = new Map<string, MethodCount>();
  failures: FailureDelta[] = [];
  endpointDeltas: AttemptDelta[] = [];
  readonly firstSecond: number;
  /** Requests of a second that were counted before its first failure, by seconds with failures. */
  readonly #before = new Map<number, number>();

  constructor(
    upstream: string,
    second: number,
    answers = new RouteAnswers(),
    moved = new MovedPaths(),
    lastChange = new LastChange(),
  ) {
    this.upstream = upstream;
    this.parts = new PathParts(moved, lastChange);
    this.#answers = answers;
    this.firstSecond = second;
    this.requests = new RequestSeconds(second);
  }

  /** `firstMs`: when the first of them ended. */
  addExchanges(counted: ExchangeCount, second: number, firstMs = second * 1000): void {
    const { cause, shape, route, count } = counted;
    if (counted.isLongLived !== true) this.compared.add(counted, second);
    if (shape === 'client_abort') {
      if (counted.statusClass === 'none' || counted.statusClass === '2xx') this.#addAbandoned(counted, second, firstMs);
      return;
    }
    // A deadline that is shorter than what the route usually takes is as if the client had left.
    if (counted.isClientDeadline === true && !this.latencies.tookLonger(counted))
      return this.#addAbandoned(counted, second, firstMs);
    this.requests.add(second, count);
    this.rates.add(route, second, count, counted.clientRetries);
    if (this.#countsRoutes) this.#addRoute(second, route, count);
    const family = familyOf(cause, shape);
    if (family === null) {
      if (counted.client !== undefined && counted.client !== '') {
        const client = clientNetwork(counted.client);
        this.rates.addAnswered(route, client);
        this.latencies.addAnswered(counted, client, second);
      }
      const late = counted.shape === 'none' ? this.bodies.add(counted, second) : 0;
      if (late > 0) this.#addUnusual('slower', route, late, second, firstMs);
      // A tunnel lasts as long as both sides keep it, and a stream as long as it has something to say.
      if (counted.statusClass !== '1xx' && counted.isLongLived !== true) this.durations.add(counted, second);
      return;
    }
    this.rates.addFailed(route, second, family, count, counted.clients);
    if (family === 'slow') this.durations.addSlow(counted);
    if (family === 'application') this.#errorWaits.add(counted, second);
    this.#window(family).failed.add(second, count);
    const kind = cause === 'none' ? 'app_error' : cause;
    const startedWall = counted.firstStartedAt ?? Infinity;
    const delta = this.#failure({ second, family, kind, route, whose: counted.whose ?? null, firstMs, startedWall });
    delta.failed += count;
    if (counted.requests !== undefined) (delta.requests ??= new FailedRequests()).add(counted);
    if (counted.clients === undefined) return;
    delta.clients ??= new TopCounts();
    for (const { client, count: failed } of counted.clients) delta.clients.add(client, failed);
  }

  addRoute(counted: RouteTraffic, second: number, firstMs: number): void {
    const part = this.parts.add(counted, second);
    const { late: lateOfRoute, telling: tellingLate } = this.latencies.add(counted, second);
    this.bodies.addLateHeads(counted, second);
    const late = Math.max(lateOfRoute, part.late);
    // One that was late while it was awaited tells something only when it comes.
    if (late > 0 || tellingLate > 0) {
      this.#addUnusual('slower', counted.route, late, second, firstMs, tellingLate);
      this.#endpointDelta(second, counted.endpoint, false).late += late;
    }
    const { unusual: unusualOfRoute, telling } = this.#answers.add(counted, second);
    const unusual = Math.max(unusualOfRoute, part.unusual);
    if (unusual === 0) return;
    this.#addUnusual('changed', counted.route, unusual, second, firstMs, telling);
    this.#endpointDelta(second, counted.endpoint, false).changed += unusual;
  }

  /**
   * Requests that their clients have abandoned: they are no failures, and show how long a client waited. One that had got the head of its response did
   * not wait for it: downloads are aborted at any time, and only those that are aborted after one time tell something.
   */
  #addAbandoned(counted: ExchangeCount, second: number, firstMs: number): void {
    if (counted.isLongLived === true) return;
    const { late, telling } = this.latencies.addAbandoned(counted, second);
    if (late === 0 && telling === 0) return;
    this.rates.add(counted.route, second, counted.count, counted.clientRetries);
    this.#addUnusual('slower', counted.route, late, second, firstMs, telling);
  }

  /** `telling`: of them, those that may open an incident although few of the route's requests are so. */
  #addUnusual(
    family: 'slower' | 'changed',
    route: string,
    count: number,
    second: number,
    firstMs: number,
    telling = 0,
  ): void {
    this.rates.addFailed(route, second, family, count, [], telling);
    const kind = family === 'slower' ? 'late_response' : 'changed_response';
    this.#failure({ second, family, kind, route, whose: null, firstMs, startedWall: Infinity }).failed += count;
  }

  /** What has come at paths that an incident is about from now on. */
  addPart({ family, route, counts }: PartBeginning): void {
    for (const { second, count } of counts) {
      // Of these the route may have counted some, or all.
      const known = this.failures.filter(
        (one) => one.second === second && one.family === family && one.route === route,
      );
      const more = count - known.reduce((sum, { failed }) => sum + failed, 0);
      if (more > 0) this.#addUnusual(family, route, more, second, second * 1000, 0);
    }
  }

  /** Requests that the gateway itself has refused, as an open incident is about. */
  addRefused(
    of: Pick<FailureDelta, 'kind' | 'family' | 'route'>,
    { second, firstMs, count, client }: RefusedSecond,
  ): void {
    const { kind, family, route } = of;
    // Those that are refused for no failure are counted already.
    if (isWithoutFailure(family)) this.rates.addFailed(route, second, family, count, [], 0);
    else this.addBeside(second, count, route);
    const delta = this.#failure({ second, family, kind, route, whose: null, firstMs, startedWall: Infinity });
    delta.failed += count;
    if (client !== null) (delta.clients ??= new TopCounts()).add(client, count);
  }

  addBeside(second: number, count: number, route = ''): void {
    this.requests.add(second, count);
    this.rates.add(route, second, count);
  }

  addResponses({ method, status, count }: EndpointResponses, ms: number): void {
    if (status >= 500) this.#errorWaits.addStatus(status, Math.floor(ms / 1000), count);
    const known = this.methods.get(method) ?? { firstMs: ms, failed: 0 };
    this.methods.set(method, known);
    if (status === 0 || status >= 500) known.failed += count;
  }

  /** With which status the application answers, where it mostly answers with errors of its own; null: with different ones, or that is not known. */
  errorStatus(second: number): number | null {
    return this.#errorWaits.status(second);
  }

  /** Where the application's own errors on these routes have come after one time; null: they have not. */
  waited(routes: readonly string[], second: number): WaitedRoutes | null {
    return this.#errorWaits.of(routes, second, this.rates, this.latencies);
  }

  /** Call this before what came with a failure is added. */
  noteFailure(second: number): void {
    if (!this.#before.has(second)) this.#before.set(second, this.requests.at(second));
  }

  /** Requests of a second since its first failure; all of them where none failed. */
  requestsSinceFailure(second: number): number {
    return this.requests.at(second) - (this.#before.get(second) ?? 0);
  }

  #addRoute(second: number, route: string, count: number): void {
    let counts = this.#routes.get(second);
    if (counts === undefined) this.#routes.set(second, (counts = new Map()));
    if (counts.has(route) || counts.size < deltasMax) counts.set(route, (counts.get(route) ?? 0) + count);
  }

  /** Empty while there is no incident. */
  routeRequests(second: number): ReadonlyMap<string, number> {
    return this.#routes.get(second) ?? noRequests;
  }

  /** `firstMs`: when the first failure among them came. */
  addOutcomes(outcomes: EndpointOutcomes, second: number, firstMs = second * 1000): void {
    const { endpoint, successes, serverErrors, causes, firstStartedAt: startedWall = Infinity } = outcomes;
    this.idleConnections.add(outcomes, second);
    this.connectTimes.add(outcomes, second);
    if (outcomes.heldMs !== undefined && successes > 0) {
      this.#answered.add(second, successes);
      this.#heldMs.add(second, Math.round(outcomes.heldMs));
    }
    let failed = serverErrors;
    let attempts = successes;
    let notHttp = 0;
    let invalid = 0;
    let withoutConnection = 0;
    if (serverErrors > 0)
      this.#addAttempts({ second, family: 'application', kind: 'app_error', firstMs, startedWall }, serverErrors);
    for (const { cause, count, byClient } of causes) {
      const family = familyOfCause(cause);
      if (family === null) continue;
      attempts += count;
      if (isWithoutConnection(cause)) withoutConnection += count;
      failed += count;
      if (isNotHttp(cause)) notHttp += count;
      if (family === 'garbage') invalid += count;
      this.#addAttempts({ second, family, kind: cause, firstMs, startedWall }, count, byClient === true);
    }
    if (attempts === 0) return;
    this.attempts.add(second, attempts);
    if (attempts === withoutConnection) return;
    const delta = this.#endpointDelta(second, endpoint, invalid > 0);
    delta.attempts += attempts - withoutConnection;
    delta.failed += failed - withoutConnection;
    delta.answered += successes;
    delta.notHttp += notHttp;
    delta.invalid += invalid;
  }

  /** Answered attempts of the `widthS` seconds that end with `second`: how many each second, and how long one had a connection. Null: there are too few. */
  held(second: number, widthS: number): HeldConnections | null {
    const answered = this.#answered.sum(second, widthS);
    if (answered < heldMin) return null;
    return { meanMs: this.#heldMs.sum(second, widthS) / answered, perS: answered / widthS };
  }

  /** `isOfRequests`: its requests alone tell whether there is an incident. */
  #addAttempts(
    of: Omit<FailureDelta, 'route' | 'whose' | 'failed' | 'attemptsFailed'>,
    count: number,
    isOfRequests = false,
  ): void {
    if (!isOfRequests) this.#window(of.family).attemptsFailed.add(of.second, count);
    this.#failure({ ...of, route: '', whose: null }).attemptsFailed += count;
  }

  /** Once a second. `isUsual`: there is no incident. */
  forget(second: number, isUsual: boolean): void {
    this.durations.settle(second, isUsual);
    this.requests.forget(second);
    this.#countsRoutes = !isUsual;
    for (const one of this.#routes.keys()) if (one < second - 60 || isUsual) this.#routes.delete(one);
    const oldest = second - 60;
    for (const one of this.#before.keys()) if (one < oldest) this.#before.delete(one);
    if ((this.failures[0]?.second ?? second) < oldest) {
      this.failures = this.failures.filter(
        (one) => one.second >= (isWithoutFailure(one.family) ? oldest : second - failuresKeptS),
      );
    }
    if ((this.endpointDeltas[0]?.second ?? second) < oldest - forgottenLateS) {
      this.endpointDeltas = this.endpointDeltas.filter((one) => one.second >= oldest);
    }
  }

  /** It has had no request for five minutes. */
  get isSilent(): boolean {
    return this.requests.isSilent && this.failures.length === 0;
  }

  #window(family: FailureFamily): FamilyWindow {
    const known = this.families.get(family);
    if (known !== undefined) return known;
    const window = new FamilyWindow(family);
    this.families.set(family, window);
    return window;
  }

  #failure(of: Omit<FailureDelta, 'failed' | 'attemptsFailed'>): FailureDelta {
    for (let index = this.failures.length - 1; index >= 0; index--) {
      const one = this.failures[index] as FailureDelta;
      if (one.second !== of.second) break;
      if (one.kind !== of.kind || one.route !== of.route || one.whose !== of.whose) continue;
      one.firstMs = Math.min(one.firstMs, of.firstMs);
      one.startedWall = Math.min(one.startedWall, of.startedWall);
      return one;
    }
    const delta = { ...of, failed: 0, attemptsFailed: 0 };
    // Late responses and 4xx are always there: they leave room for failures.
    const most = isWithoutFailure(of.family) ? deltasMax / 2 : deltasMax;
    if (this.failures.length < most) this.failures.push(delta);
    return delta;
  }

  /** `isApart`: what came before and after it is told apart within the second, while there are not too many. */
  #endpointDelta(second: number, endpoint: string, isApart: boolean): AttemptDelta {
    const isBeforeFailure = !this.#before.has(second);
    for (let index = this.endpointDeltas.length - 1; index >= 0; index--) {
      const one = this.endpointDeltas[index] as AttemptDelta;
      if (one.second !== second || one.isBeforeFailure !== isBeforeFailure) break;
      if (one.endpoint !== endpoint) continue;
      if ((isApart || one.invalid > 0) && this.endpointDeltas.length < apartMax) break;
      return one;
    }
    const delta = {
      second,
      endpoint,
      isBeforeFailure,
      attempts: 0,
      failed: 0,
      late: 0,
      changed: 0,
      answered: 0,
      notHttp: 0,
      invalid: 0,
    };
    if (this.endpointDeltas.length < deltasMax) this.endpointDeltas.push(delta);
    return delta;
  }
}
