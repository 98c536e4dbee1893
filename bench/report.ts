import type { GatewayName } from './gateways.ts';
import type { Garbage } from './garbage.ts';
import { median, type Ratio, ratioOf } from './statistics.ts';
import type { WorkName } from './works.ts';

/** One run of one gateway at one work. */
export interface Run {
  readonly work: WorkName;
  readonly gateway: GatewayName;
  readonly round: number;
  /** Per completed request, or message. */
  readonly cpuMicroseconds: number;
  readonly perSecond: number;
}

/** What a gateway adds to the origin's own time at a rate, in one round. */
export interface Added {
  readonly gateway: GatewayName;
  readonly perSecond: number;
  readonly round: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

export interface Memory {
  readonly gateway: GatewayName;
  readonly workers: number;
  readonly connections: number;
  readonly residentOctets: number;
}

export interface Figures {
  readonly circumstances: Readonly<Record<string, string>>;
  readonly runs: readonly Run[];
  readonly added: readonly Added[];
  readonly memory: readonly Memory[];
  readonly garbage: (Garbage & { readonly requests: number }) | null;
  /** Requests per second on both cores, with one worker and with two. */
  readonly scaling: { readonly one: number; readonly two: number } | null;
}

export const titles: Readonly<Record<GatewayName, string>> = {
  candor: 'Candor',
  nginx: 'nginx',
  'nginx-buffered': 'nginx, buffered',
  haproxy: 'HAProxy',
  caddy: 'Caddy',
  apache: 'Apache',
  'http-proxy': 'http-proxy',
  fastify: '@fastify/http-proxy',
  relay: 'bare relay',
};

/** Medians over the rounds; null where the gateway was not asked to. */
export function cpuOf(runs: readonly Run[], work: WorkName, gateway: GatewayName): number | null {
  const mine = roundsOf(runs, work, gateway);
  return mine.length === 0 ? null : median(mine);
}

function roundsOf(runs: readonly Run[], work: WorkName, gateway: GatewayName): number[] {
  return runs
    .filter((run) => run.work === work && run.gateway === gateway)
    .toSorted((a, b) => a.round - b.round)
    .map(({ cpuMicroseconds }) => cpuMicroseconds);
}

/** Candor ÷ the better of nginx (either way) and HAProxy; null without Candor, or without one of them. */
export function ratioToBest(
  runs: readonly Run[],
  work: WorkName,
): { readonly ratio: Ratio; readonly best: GatewayName } | null {
  const rivals = (['nginx', 'nginx-buffered', 'haproxy'] as const)
    .map((gateway) => ({ gateway, cpu: cpuOf(runs, work, gateway) }))
    .filter((one): one is { gateway: 'nginx' | 'nginx-buffered' | 'haproxy'; cpu: number } => one.cpu !== null);
  const [best] = rivals.toSorted((a, b) => a.cpu - b.cpu);
  if (best === undefined || cpuOf(runs, work, 'candor') === null) return null;
  return { ratio: ratioOf(roundsOf(runs, work, 'candor'), roundsOf(runs, work, best.gateway)), best: best.gateway };
}

export function ratioText({ median: middle, least, most }: Ratio): string {
  return `${middle.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

/** Over the rounds of one gateway and rate. */
export function addedMedians(added: readonly Added[]): readonly Omit<Added, 'round'>[] {
  const groups = Map.groupBy(added, ({ gateway, perSecond }) => `${perSecond} ${gateway}`);
  return [...groups.values()].map((some) => {
    const [{ gateway, perSecond }] = some as [Added];
    const middle = (of: 'p50Ms' | 'p99Ms' | 'p999Ms'): number => median(some.map((one) => one[of]));
    return { gateway, perSecond, p50Ms: middle('p50Ms'), p99Ms: middle('p99Ms'), p999Ms: middle('p999Ms') };
  });
}
