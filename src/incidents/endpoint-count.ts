import type { AttemptDelta } from './upstream-failures.ts';
import type { WatchedUpstream } from './watched-upstream.ts';

type WatchedEndpoint = WatchedUpstream['endpoints'][number];
type WatchedProcess = NonNullable<WatchedUpstream['processes']>[number];
type Stopped = NonNullable<WatchedProcess['stopped']>;

/** Endpoints that are remembered. */
const endpointsMax = 200;

/** What was seen of the endpoints of an upstream while an incident went on: what explains it stays known when it has ended. */
export class SeenEndpoints {
  #application: string | null = null;
  /** As they were last unhealthy. */
  readonly #unhealthy = new Map<string, WatchedEndpoint>();
  readonly #advice = new Map<string, string>();
  /** Processes that had nearly used up something, as they were then: a restart makes them forget it. */
  readonly #strained = new Map<string, WatchedProcess>();
  /** Processes that a signal had stopped, by instance. */
  readonly #stopped = new Map<string, Stopped>();

  /** What is known now, with what was seen before. */
  see({ application, endpoints, processes, ...rest }: WatchedUpstream): WatchedUpstream {
    this.#application = application ?? this.#application;
    for (const endpoint of endpoints) this.#remember(endpoint);
    const ids = new Set(endpoints.map(({ id }) => id));
    const removed = [...this.#unhealthy.values()]
      .filter(({ id }) => !ids.has(id))
      .map((one) => ({ ...one, isRemoved: true as const }));
    return {
      ...rest,
      ...(processes === undefined ? {} : { processes: processes.map((one) => this.#withStop(this.#withStrains(one))) }),
      application: this.#application,
      endpoints: [...endpoints.map((one) => this.#withEarlier(one)), ...removed],
    };
  }

  /** What requests would meet too says more than a response that the check does not expect. */
  #remember(endpoint: WatchedEndpoint): void {
    const { id, state, advice, checkCause } = endpoint;
    if (advice !== null && hasRoom(this.#advice, id)) this.#advice.set(id, advice);
    if (state !== 'unhealthy' || !hasRoom(this.#unhealthy, id)) return;
    if (checkCause !== null || (this.#unhealthy.get(id)?.checkCause ?? null) === null)
      this.#unhealthy.set(id, endpoint);
  }

  #withStrains(now: WatchedProcess): WatchedProcess {
    const { instance, strains } = now;
    if (strains.length > 0 && hasRoom(this.#strained, instance)) this.#strained.set(instance, now);
    const before = this.#strained.get(instance);
    if (before === undefined) return now;
    const { strains: earlier, descriptors, throttledShare } = before;
    return {
      ...now,
      strains: earlier,
      ...(descriptors === undefined ? {} : { descriptors }),
      ...(throttledShare === undefined ? {} : { throttledShare }),
    };
  }

  /** An instance that was stopped as a whole explains more than a single process that is. */
  #withStop(now: WatchedProcess): WatchedProcess {
    const { instance, stopped } = now;
    const before = this.#stopped.get(instance);
    if (stopped !== undefined && (stopped.isWhole || before?.isWhole !== true)) {
      if (hasRoom(this.#stopped, instance)) this.#stopped.set(instance, stopped);
      return now;
    }
    return before === undefined ? now : { ...now, stopped: { ...before, hasEnded: true } };
  }

  #withEarlier(now: WatchedEndpoint): WatchedEndpoint {
    const advice = now.advice ?? this.#advice.get(now.id) ?? null;
    const before = this.#unhealthy.get(now.id);
    if (before === undefined || before.reason === now.reason) return { ...now, advice };
    return { ...before, advice, reason: `${before.reason}; later: ${now.reason}` };
  }
}

const hasRoom = (known: ReadonlyMap<string, unknown>, id: string): boolean =>
  known.has(id) || known.size < endpointsMax;

/** Fewer good responses than this share of the bad ones may have been on their way when another program took the address. */
const answeredShareMin = 0.1;

/** Which responses are bad: those that were no HTTP, or all that were no valid HTTP. */
export type BadResponses = 'notHttp' | 'invalid';

/** Responses of an endpoint since its first bad one. Deltas are counted in their order. */
class MixedResponses {
  bad = 0;
  /** Good ones between the bad ones, without those of the delta in which these began: they may all have come before. */
  between = 0;
  /** The same, with those that no bad one has followed yet. */
  since = 0;
  /** Good ones that count once a bad one follows. */
  #sinceLast = 0;

  count(bad: number, good: number): void {
    const hadBegun = this.bad > 0;
    if (bad > 0) {
      this.between += this.#sinceLast;
      this.#sinceLast = 0;
      this.bad += bad;
    }
    if (!hadBegun) return;
    this.#sinceLast += good;
    this.since += good;
  }

  /** Of the same endpoint, in another incident. */
  add({ bad, between, since }: MixedResponses): void {
    this.bad += bad;
    this.between += between;
    this.since += since;
  }

  /** How many responses were good meanwhile; 0: the bad ones may be another program's. */
  get good(): number {
    if (this.between > 0 && this.between >= this.bad * answeredShareMin) return this.between;
    return this.bad > 0 && this.since >= this.bad ? this.since : 0;
  }
}

/** What an endpoint has met since an incident began. */
export class EndpointCount {
  attempts = 0;
  failed = 0;
  late = 0;
  changed = 0;
  readonly notHttp = new MixedResponses();
  readonly invalid = new MixedResponses();

  count({
    attempts,
    failed,
    late,
    changed,
    answered,
    notHttp,
    invalid,
  }: Omit<AttemptDelta, 'second' | 'endpoint' | 'isBeforeFailure'>): void {
    this.attempts += attempts;
    this.failed += failed;
    this.late += late;
    this.changed += changed;
    this.notHttp.count(notHttp, answered);
    this.invalid.count(invalid, answered);
  }

  add({ attempts, failed, late, changed, notHttp, invalid }: EndpointCount): void {
    this.attempts += attempts;
    this.failed += failed;
    this.late += late;
    this.changed += changed;
    this.notHttp.add(notHttp);
    this.invalid.add(invalid);
  }
}

/** Where most bad responses come from endpoints that also answer well: how many of their responses are good; null elsewhere. */
export function answeredBetween(endpoints: readonly EndpointCount[], kind: BadResponses): number | null {
  let all = 0;
  let mixed = 0;
  let between = 0;
  for (const { [kind]: responses } of endpoints) {
    all += responses.bad;
    if (responses.good === 0) continue;
    mixed += responses.bad;
    between += responses.good;
  }
  return mixed > 0 && mixed * 2 > all ? between : null;
}
