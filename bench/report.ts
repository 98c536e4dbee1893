import type { GatewayName } from './gateways.ts';
import type { Garbage } from './garbage.ts';
import type { RoundsSummary } from './rounds.ts';
import { median, type Ratio, ratioOf } from './statistics.ts';
import type { WorkName } from './works.ts';

/** The figures of one gateway with one work in one round. */
export interface Run {
  readonly work: WorkName;
  readonly gateway: GatewayName;
  readonly round: number;
  /** Per completed request or message. */
  readonly cpuMicroseconds: number;
  readonly perSecond: number;
}

/** A run in which requests failed. It is not counted, but reported. */
export interface FailedRun {
  readonly work: WorkName;
  readonly gateway: GatewayName;
  readonly round: number;
  readonly failures: number;
  readonly done: number;
}

/** The latency that a gateway adds to the origin's at a rate, in one round. */
export interface Added {
  readonly gateway: GatewayName;
  readonly perSecond: number;
  readonly round: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Requests for which the load generator was late, which are in no figure. */
  readonly late: number;
}

/** A gateway and a kind of request of which rounds were disturbed. */
export interface DisturbedRounds extends Omit<RoundsSummary<never>, 'item'> {
  /** The title of the work, or the rate. */
  readonly what: string;
  readonly gateway: GatewayName;
}

export interface Memory {
  readonly gateway: GatewayName;
  readonly workers: number;
  readonly connections: number;
  readonly residentBytes: number;
}

export interface Figures {
  readonly circumstances: Readonly<Record<string, string>>;
  readonly runs: readonly Run[];
  readonly failed: readonly FailedRun[];
  readonly added: readonly Added[];
  readonly disturbed: readonly DisturbedRounds[];
  readonly memory: readonly Memory[];
  readonly garbage: (Garbage & { readonly requests: number }) | null;
  /** Requests per second on both cores, with one worker and with two. */
  readonly scaling: { readonly one: number; readonly two: number } | null;
}

export const titles: Readonly<Record<GatewayName, string>> = {
  candor: 'Candor',
  'candor-no-rotation': 'Candor, no rotation',
  'candor-no-log': 'Candor, no log',
  nginx: 'nginx',
  'nginx-buffered': 'nginx, buffered',
  haproxy: 'HAProxy',
  caddy: 'Caddy',
  apache: 'Apache',
  'http-proxy': 'http-proxy',
  fastify: '@fastify/http-proxy',
  relay: 'bytes passed on unread',
};

/** Medians over the rounds; null if nothing was measured. */
export function cpuOf(runs: readonly Run[], work: WorkName, gateway: GatewayName): number | null {
  const mine = runs.filter((run) => run.work === work && run.gateway === gateway);
  return mine.length === 0 ? null : median(mine.map((run) => run.cpuMicroseconds));
}

/** CPU of one gateway ÷ that of another, over the rounds in which both were measured; null if there is none. */
export function ratioBetween(
  runs: readonly Run[],
  work: WorkName,
  ours: GatewayName,
  theirs: GatewayName,
): Ratio | null {
  const both = pairs(runs, work, ours, theirs);
  if (both.length === 0) return null;
  return ratioOf(
    both.map(([one]) => one),
    both.map(([, other]) => other),
  );
}

/** CPU of two gateways in each round in which both were measured. */
function pairs(runs: readonly Run[], work: WorkName, ours: GatewayName, theirs: GatewayName): [number, number][] {
  const of = (gateway: GatewayName): Map<number, number> =>
    new Map(
      runs
        .filter((run) => run.work === work && run.gateway === gateway)
        .map(({ round, cpuMicroseconds }) => [round, cpuMicroseconds]),
    );
  const [mine, other] = [of(ours), of(theirs)];
  return [...mine].flatMap(([round, value]) => {
    const theirValue = other.get(round);
    return theirValue === undefined ? [] : [[value, theirValue] as [number, number]];
  });
}

interface RatioTo {
  readonly ratio: Ratio;
  readonly best: GatewayName;
}

/** Candor ÷ the rival with the lowest CPU; null without Candor, or without any rival. */
export function ratioToBest(
  runs: readonly Run[],
  work: WorkName,
  rivals: readonly GatewayName[] = ['nginx', 'nginx-buffered', 'haproxy'],
): RatioTo | null {
  const [best] = rivals
    .map((gateway) => ({ gateway, cpu: cpuOf(runs, work, gateway) ?? Number.POSITIVE_INFINITY }))
    .toSorted((a, b) => a.cpu - b.cpu);
  const ratio = best === undefined ? null : ratioBetween(runs, work, 'candor', best.gateway);
  return best === undefined || ratio === null ? null : { ratio, best: best.gateway };
}

export function ratioText({ median: middle, least, most }: Ratio): string {
  return `${middle.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

/** Medians over the rounds of each gateway and rate. */
export function addedMedians(added: readonly Added[]): readonly Omit<Added, 'round' | 'late'>[] {
  const groups = Map.groupBy(added, ({ gateway, perSecond }) => `${perSecond} ${gateway}`);
  return [...groups.values()].map((some) => {
    const [{ gateway, perSecond }] = some as [Added];
    const middle = (of: 'p50Ms' | 'p99Ms' | 'p999Ms'): number => median(some.map((one) => one[of]));
    return { gateway, perSecond, p50Ms: middle('p50Ms'), p99Ms: middle('p99Ms'), p999Ms: middle('p999Ms') };
  });
}

/** Microseconds of CPU that one gateway takes beyond another, over the rounds in which both were measured; null if there is none. */
export function microsecondsAbove(
  runs: readonly Run[],
  work: WorkName,
  ours: GatewayName,
  theirs: GatewayName,
): Ratio | null {
  const differences = pairs(runs, work, ours, theirs).map(([one, other]) => one - other);
  if (differences.length === 0) return null;
  return { median: median(differences), least: Math.min(...differences), most: Math.max(...differences) };
}
