import type { Random } from '../core/random.ts';
import type { Instant } from '../core/time.ts';
import { LocalTurnCounter } from '../core/local-semaphore.ts';
import { DrainRate, retryAfterS } from './drain-rate.ts';

export interface QueueScenario {
  readonly workers: number;
  /** The share of the requests that the first worker gets. */
  readonly firstShare: number;
  readonly queueMax: number;
  readonly queueMs: number;
  /** How many turns there are a second, on average, so many ms after the beginning. */
  readonly perSecond: (atMs: number) => number;
  /** How many turns come at once. */
  readonly burst: number;
  /** Whether turns come at even intervals, or by chance. */
  readonly even: boolean;
  readonly lastsMs: number;
}

/** What a refused request was told, and how long it would have waited at the end of the queue. */
interface ToldWait {
  readonly atMs: number;
  readonly toldS: number;
  readonly waitMs: number;
}

interface Waiter {
  readonly number: number;
  readonly worker: number;
  readonly sinceMs: number;
}

/**
 * A queue in order of arrival, of several workers, to which three times as many requests come as get a turn. For each refusal it finds out when a request would have
 * had its turn that had waited at the end of the queue in its place.
 */
export function toldWaits(scenario: QueueScenario, random: Random): readonly ToldWait[] {
  const { workers, firstShare, queueMax, queueMs, perSecond, burst, even, lastsMs } = scenario;
  const shared = { turns: new LocalTurnCounter(), waitingRequests: { total: 0 } };
  const rates = Array.from({ length: workers }, () => new DrainRate(() => shared));
  const told: ToldWait[] = [];
  let waiting: Waiter[] = [];
  let refused: { readonly atMs: number; readonly number: number; readonly toldS: number }[] = [];
  let number = 0;
  const ownWait = (worker: number): number => waiting.filter((one) => one.worker === worker).length;
  const drawn = (perS: number): number => (-Math.log(1 - random.next()) * 1000) / perS;
  const refuse = (worker: number, atMs: number): void => {
    const waitMs = rates[worker]?.waitMs(atMs as Instant, waiting.length + 1, ownWait(worker) > 0, queueMs) ?? 0;
    refused.push({ atMs, number: number++, toldS: retryAfterS(waitMs, random.next()) });
  };
  const arrive = (atMs: number): void => {
    const worker = workers === 1 || random.next() < firstShare ? 0 : 1;
    if (waiting.length >= queueMax) return refuse(worker, atMs);
    shared.waitingRequests.total++;
    if (ownWait(worker) === 0) rates[worker]?.begin(atMs as Instant);
    waiting.push({ number: number++, worker, sinceMs: atMs });
  };
  const takeTurn = (atMs: number): void => {
    const first = waiting.shift();
    if (first === undefined) return;
    shared.waitingRequests.total--;
    rates[first.worker]?.move(atMs as Instant);
    const isDone = ({ number: refusedAs }: { number: number }): boolean => refusedAs < first.number;
    for (const one of refused.filter(isDone)) told.push({ ...one, waitMs: atMs - one.atMs });
    refused = refused.filter((one) => !isDone(one));
  };
  const expire = (atMs: number): void => {
    for (let first = waiting[0]; first !== undefined && atMs >= first.sinceMs + queueMs; first = waiting[0]) {
      refuse(first.worker, atMs);
      waiting = waiting.slice(1);
      shared.waitingRequests.total--;
    }
  };
  let arrivalMs = 0;
  let turnMs = 0;
  while (Math.min(arrivalMs, turnMs) < lastsMs) {
    expire(Math.min(arrivalMs, turnMs));
    if (arrivalMs <= turnMs) {
      arrive(arrivalMs);
      arrivalMs += drawn(3 * perSecond(arrivalMs));
    } else {
      for (let count = 0; count < burst; count++) takeTurn(turnMs);
      const perS = perSecond(turnMs) / burst;
      turnMs += even ? 1000 / perS : drawn(perS);
    }
  }
  return told;
}

/** The share of those that were told to come back within one to two times their wait, in whole seconds. */
export function truthfulShare(told: readonly ToldWait[]): { early: number; late: number; count: number } {
  const early = told.filter(({ toldS, waitMs }) => toldS * 1000 < waitMs).length;
  const late = told.filter(({ toldS, waitMs }) => toldS > Math.max(1, Math.ceil((2 * waitMs) / 1000))).length;
  return { early: early / told.length, late: late / told.length, count: told.length };
}
