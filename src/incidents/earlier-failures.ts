import type { FailureFamily, LiveIncident } from '../core/live-incident.ts';

/** An incident that is over, at one upstream. */
interface EarlierFailures {
  readonly family: FailureFamily;
  readonly startedMs: number;
  readonly lastMs: number;
  /** Of the requests while it went on: how many failed, from 0 to 1. */
  readonly share: number;
  /** Requests since its last failure. */
  requests: number;
  /** When they were enough to show that it was over; null: they are not. */
  overMs: number | null;
}

/** Bounds of memory: each takes some 100 bytes. */
const keptMax = 200;

/** Failures that ended longer ago are not taken for the same ones. */
const sameWithinMs = 1_800_000;

/** What had failed before works again once so many failures were to be expected, and none came. */
const expectedMin = 5;

/** An incident may have started so long before it is found: requests since then do not show that an earlier one was over. */
const foundWithinMs = 61_000;

/**
 * Resolved incidents after which too few requests came to show that their cause was over: failures of the same family that follow
 * are taken for the same ones. Instants are milliseconds on one axis.
 */
export class EarlierFailuresOfUpstreams {
  /** By upstream, the latest last. The upstream with the latest comes last. */
  readonly #all = new Map<string, EarlierFailures[]>();

  get size(): number {
    return [...this.#all.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** An incident is resolved. `requestsSince`: requests of an upstream since its last failure. */
  add(incident: LiveIncident, beganAt: number, requestsSince: (upstream: string) => number): void {
    const { family, startedAt, lastAt, requests, failed, attemptsFailed } = incident;
    const share = Math.min(1, Math.max(failed, attemptsFailed) / Math.max(1, requests));
    const [lastMs, nowMs] = [lastAt - beganAt, (incident.resolvedAt ?? lastAt) - beganAt];
    for (const upstream of [...this.#all.keys()]) this.#drop(upstream, nowMs);
    for (const { upstream } of incident.upstreams) {
      const all = this.#all.get(upstream) ?? [];
      all.push({ ...{ family, share, startedMs: startedAt - beganAt, lastMs }, requests: 0, overMs: null });
      this.#all.delete(upstream);
      this.#all.set(upstream, all);
      count(all.slice(-1), requestsSince(upstream), nowMs);
    }
    while (this.size > keptMax) {
      const [oldest] = this.#all;
      if (oldest === undefined) return;
      const [upstream, all] = oldest;
      all.shift();
      if (all.length === 0) this.#all.delete(upstream);
    }
  }

  /** Requests of an upstream, at `ms`. */
  count(upstream: string, requests: number, ms: number): void {
    const all = this.#all.get(upstream);
    if (all === undefined) return;
    count(all, requests, ms);
    this.#drop(upstream, ms);
  }

  /** Those that are too old, that are over, and that came before one of the same family that is over. */
  #drop(upstream: string, ms: number): void {
    const all = this.#all.get(upstream) ?? [];
    const isOver = ({ lastMs, overMs }: EarlierFailures): boolean =>
      ms - lastMs > sameWithinMs || (overMs !== null && ms - overMs > foundWithinMs);
    if (!all.some(isOver)) return;
    const kept = all.filter(
      (one, at) => !all.some((other, after) => after >= at && other.family === one.family && isOver(other)),
    );
    if (kept.length === 0) this.#all.delete(upstream);
    else this.#all.set(upstream, kept);
  }

  /**
   * Since when requests of the upstream have failed in this way, where they do again at `startedMs`; null: they did not, or worked meanwhile.
   * `requestsNow`: those since `startedMs`, which were counted already.
   */
  since(upstream: string, family: FailureFamily, startedMs: number, requestsNow: number): number | null {
    let since: number | null = null;
    for (const one of (this.#all.get(upstream) ?? []).toReversed()) {
      if (one.family !== family || startedMs - one.lastMs > sameWithinMs) continue;
      if ((one.requests - requestsNow) * one.share >= expectedMin) break;
      since = one.startedMs;
    }
    return since;
  }
}

function count(all: readonly EarlierFailures[], requests: number, ms: number): void {
  for (const one of all) {
    one.requests += requests;
    if (one.requests * one.share >= expectedMin) one.overMs ??= ms;
  }
}
