import type { GatewayName } from './gateways.ts';
import { addedMedians, type Figures, ratioText, ratioToBest, titles } from './report.ts';
import type { WorkName } from './works.ts';

/** A target for Candor, and the measured result. */
export interface Reached {
  readonly what: string;
  readonly target: string;
  /** A stricter goal beyond the target. */
  readonly aim: string;
  /** Null if this run has not measured it. */
  readonly measured: string | null;
  readonly verdict: string;
}

interface RatioTarget {
  readonly what: string;
  readonly work: WorkName;
  readonly rivals: readonly GatewayName[];
  readonly than: string;
  readonly max: number;
  readonly aim: number;
}

const small = {
  rivals: ['nginx', 'nginx-buffered', 'haproxy'],
  than: 'the better of nginx and HAProxy',
  max: 1,
  aim: 0.85,
} as const;
const much = { what: 'CPU, small GET', work: 'small-get', max: 1 / 5, aim: 1 / 7 } as const;

const ratioTargets: readonly RatioTarget[] = [
  { ...small, what: 'CPU, small GET', work: 'small-get' },
  { ...small, what: 'CPU, GET of 10 KB', work: 'get-10k' },
  { ...small, what: 'CPU, POST of 10 KB', work: 'post-10k' },
  { ...small, what: 'CPU, GET of 1 MB', work: 'get-1m', rivals: ['nginx-buffered'], than: 'nginx with 64 KB buffers' },
  { what: 'CPU, new connection', work: 'new-connection', rivals: ['nginx'], than: 'nginx', max: 2, aim: 1.5 },
  { ...much, rivals: ['caddy'], than: 'Caddy' },
  { ...much, rivals: ['http-proxy'], than: 'http-proxy' },
  { ...much, rivals: ['fastify'], than: '@fastify/http-proxy' },
];

const addedRate = 2000;
const idleConnections = 5000;
const [idleMbMax, idleMbAim] = [150, 100];

/** The targets of the first release, in the order of the table. */
export function targetsReached(figures: Figures): Reached[] {
  return [
    ...ratioTargets.map((target) => reachedRatio(target, figures)),
    reachedAdded('p50Ms', 'p50', figures),
    reachedAdded('p99Ms', 'p99', figures),
    reachedMemory(figures),
  ];
}

function reachedRatio({ what, work, rivals, than, max, aim }: RatioTarget, { runs }: Figures): Reached {
  const to = ratioToBest(runs, work, rivals);
  const isFraction = max < 1;
  const factor = (value: number): string => (isFraction ? `1/${Math.round(1 / value)}` : `${value.toFixed(2)}×`);
  return {
    ...{ what, target: `≤ ${factor(max)} ${isFraction ? 'of ' : ''}${than}`, aim: `≤ ${factor(aim)}` },
    measured: to === null ? null : `${ratioText(to.ratio)}${rivals.length > 1 ? `, ${titles[to.best]}` : ''}`,
    verdict: verdictOf(to?.ratio.median ?? null, max, aim),
  };
}

/** The added latency may by chance be negative, so targets use the difference, not the ratio. */
function reachedAdded(of: 'p50Ms' | 'p99Ms', name: string, { added }: Figures): Reached {
  const medians = addedMedians(added).filter(({ perSecond }) => perSecond === addedRate);
  const addedBy = (gateway: GatewayName): number | null => medians.find((one) => one.gateway === gateway)?.[of] ?? null;
  const [ours, nginx, haproxy] = [addedBy('candor'), addedBy('nginx'), addedBy('haproxy')];
  const words = { what: `${name} added at 2,000/s`, target: '≤ nginx', aim: '≤ HAProxy' };
  if (ours === null || nginx === null) return { ...words, measured: null, verdict: verdictOf(null, 0, 0) };
  const others = [`nginx ${nginx.toFixed(2)}`, ...(haproxy === null ? [] : [`HAProxy ${haproxy.toFixed(2)}`])];
  const isAim = haproxy !== null && ours <= haproxy;
  return {
    ...words,
    measured: `${ours.toFixed(2)} ms (${others.join(', ')})`,
    verdict: ours > nginx ? `**missed by ${(ours - nginx).toFixed(2)} ms**` : isAim ? 'met, the aim too' : 'met',
  };
}

function reachedMemory({ memory }: Figures): Reached {
  const found = memory.find(
    ({ gateway, workers, connections }) => gateway === 'candor' && workers === 1 && connections === idleConnections,
  );
  const mb = found === undefined ? null : found.residentBytes / 1e6;
  return {
    ...{ what: 'memory, 5,000 idle connections', target: `≤ ${idleMbMax} MB`, aim: `≤ ${idleMbAim} MB` },
    measured: mb === null ? null : `${mb.toFixed(0)} MB`,
    verdict: verdictOf(mb, idleMbMax, idleMbAim),
  };
}

function verdictOf(value: number | null, max: number, aim: number): string {
  if (value === null) return 'not measured';
  if (value > max) return `**missed by ${((value / max - 1) * 100).toFixed(0)} %**`;
  return value <= aim ? 'met, the aim too' : 'met';
}
