import type { FailureFamily } from '../core/live-incident.ts';
import { isWithoutFailure } from './failure-family.ts';
import type { OpenIncident } from './open-incident.ts';
import type { RouteAnswers } from './route-answers.ts';
import type { RouteRates } from './route-rates.ts';
import { isEndpointOf } from './suspect-facts.ts';
import type { FailureDelta, UpstreamFailures } from './upstream-failures.ts';

/** An endpoint that was ejected had so many bad requests, of so many seconds. */
const ejectedMin = 5;
const ejectedWithinS = 60;
const ejectedAgainMs = 120_000;

/** Ejected for the first time: nearly all of its responses were late, in so many seconds in which it answered; a pause answers nothing meanwhile. */
const steadyS = 15;
const afterEjectionS = 4;
const steadySecondsMin = 2;
const steadyLateMin = 6;
const steadyShareMin = 0.75;

/** Failures by which endpoints are out come so shortly before requests that find none. */
const ledWithinS = 10;

/** What began to be unusual at an upstream. */
interface Beginning {
  readonly family: FailureFamily;
  /** When. */
  readonly second: number;
  /** The open incident that is about it from now on; null: none is yet. */
  readonly turned: OpenIncident | null;
}

/** Seconds that are over since the last judgement. `open`: the incidents at the upstream, at that moment; `routes`: of all upstreams. */
interface JudgedSeconds {
  readonly from: number;
  readonly second: number;
  readonly routes: number;
  /** See `WatchedUpstream`. */
  readonly sendsByChance: () => boolean;
  readonly open: () => readonly OpenIncident[];
}

/** Finds where an incident begins. */
export class Beginnings {
  /** Of all upstreams. */
  readonly #answers: RouteAnswers;
  /** Endpoints that were ejected again since the last judgement, those that were for the first time, and when each was ejected last. */
  readonly #ejected = new Set<string>();
  readonly #ejectedFirst = new Map<string, number>();
  readonly #ejectedAt = new Map<string, number>();

  constructor(answers: RouteAnswers) {
    this.#answers = answers;
  }

  /** The first time may be a pause for garbage, which is over when it is seen; one that fails its probation goes on. */
  noteEjection(subject: string, ms: number): void {
    for (const [known, at] of this.#ejectedAt) if (ms - at > ejectedAgainMs) this.#ejectedAt.delete(known);
    if (this.#ejectedAt.has(subject)) this.#ejected.add(subject);
    else this.#ejectedFirst.set(subject, Math.floor(ms / 1000));
    this.#ejectedAt.set(subject, ms);
  }

  /** After all upstreams have been judged. */
  forgetEjections(): void {
    this.#ejected.clear();
  }

  /** Whether one begins depends on those that are open: open each before you ask for the next. */
  *at(failures: UpstreamFailures, judged: JudgedSeconds): Generator<Beginning> {
    yield* ofUpstream(failures, judged);
    yield* ofRoutes(failures, judged, this.#answers);
    yield* this.#unusual(failures, judged);
    yield* this.#ofEjected(failures, judged);
  }

  /** Responses of a route begin much later than before, or are others, and nothing else is wrong. */
  *#unusual(failures: UpstreamFailures, { second, open, sendsByChance }: JudgedSeconds): Generator<Beginning> {
    const { upstream, latencies, parts, bodies } = failures;
    for (const begin of latencies.judge(second, parts))
      if (open().length === 0) yield { family: 'slower', second: begin, turned: null };
    for (const begin of this.#answers.judge(second, upstream, sendsByChance)) {
      const turned = open().find((one) => one.turnsTo('changed', begin, second)) ?? null;
      if (turned !== null || open().length === 0) yield { family: 'changed', second: begin, turned };
    }
    if (open().length > 0) return;
    for (const begun of [...parts.judge(second), ...bodies.judge(second)]) {
      failures.addPart(begun);
      if (open().length === 0) yield { family: begun.family, second: begun.second, turned: null };
    }
  }

  /** An endpoint fails or is slow though its siblings are not. It gets no more requests: those that it had are the whole incident. */
  *#ofEjected(of: UpstreamFailures, { second, open }: JudgedSeconds): Generator<Beginning> {
    const { upstream, failures } = of;
    const isAgain = [...this.#ejected].some((one) => isEndpointOf(one, upstream));
    // What was sent before is answered after it.
    for (const [one, at] of this.#ejectedFirst) if (second - at > afterEjectionS) this.#ejectedFirst.delete(one);
    const isSteady = [...this.#ejectedFirst.keys()].some(
      (one) => isEndpointOf(one, upstream) && isSteadilyLate(of, one.slice('endpoint:'.length), second),
    );
    if (open().length > 0 || !(isAgain || isSteady)) return;
    const recent = failures.filter((one) => one.second > second - ejectedWithinS && one.family !== 'changed');
    const first = recent.find(({ family }) => !isWithoutFailure(family)) ?? recent[0];
    const all = recent.filter(({ family }) => family === first?.family);
    const size = all.reduce((sum, { failed, attemptsFailed }) => sum + Math.max(failed, attemptsFailed), 0);
    if (first !== undefined && size >= ejectedMin) yield { family: first.family, second: first.second, turned: null };
  }
}

function* ofUpstream(
  { families, firstSecond, requests, attempts }: UpstreamFailures,
  { second, open }: JudgedSeconds,
): Generator<Beginning> {
  for (const [family, window] of families) {
    if (open().some((one) => one.families.has(family))) continue;
    if (window.opens(second, second - firstSecond, requests, attempts))
      yield { family, second: window.begin(second, requests), turned: null };
  }
}

/** Failures of one route that are more than it has had before, though few of the upstream's requests. */
function* ofRoutes(
  { rates, latencies, parts }: UpstreamFailures,
  { from, second, routes, open }: JudgedSeconds,
  answers: RouteAnswers,
): Generator<Beginning> {
  const areOrdinary: Parameters<RouteRates['judge']>[3] = (seen, at, widthS) =>
    latencies.areOrdinary(seen, at, parts, widthS);
  for (let one = from; one <= second; one++)
    for (const { family, second: begin } of rates.judge(one, routes, answers, areOrdinary))
      if (isWithoutFailure(family) ? open().length === 0 : !open().some(({ families }) => families.has(family)))
        yield { family, second: begin, turned: null };
}

/**
 * The first of the failures after which no endpoint was left, in the ten seconds before: after a refused connection only checks
 * connect, so that there may be one alone. Null: there is none, or these failures follow from no others.
 */
export function ledTo({ failures }: UpstreamFailures, family: FailureFamily, begin: number): FailureDelta | null {
  if (family !== 'not_ready') return null;
  const led = failures.filter((one) => one.family === 'gone' && Math.abs(begin - one.second) <= ledWithinS);
  return led.find(({ second }) => second <= begin) ?? null;
}

/** Whether an endpoint answers, and nearly always late. */
function isSteadilyLate({ endpointDeltas }: UpstreamFailures, endpoint: string, second: number): boolean {
  const seconds = new Map<number, { late: number; answered: number }>();
  for (const one of endpointDeltas) {
    if (one.endpoint !== endpoint || one.second <= second - steadyS) continue;
    const sum = seconds.get(one.second) ?? { late: 0, answered: 0 };
    seconds.set(one.second, { late: sum.late + one.late, answered: sum.answered + one.answered });
  }
  const first = [...seconds].find(([, { late }]) => late > 0)?.[0] ?? second;
  let [late, answered, both] = [0, 0, 0];
  for (const [at, one] of seconds) {
    if (at < first) continue;
    late += one.late;
    answered += one.answered;
    if (one.late > 0 && one.answered > 0) both += 1;
  }
  return both >= steadySecondsMin && late >= steadyLateMin && late >= steadyShareMin * answered;
}
