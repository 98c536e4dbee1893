import type { GatewayName } from './gateways.ts';
import { addedMedians, type Figures, microsecondsAbove, ratioText, ratioToBest, titles } from './report.ts';
import type { WorkName } from './works.ts';

/** A target for Candor, and the measured result. */
interface Reached {
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

const better = {
  rivals: ['nginx', 'haproxy'],
  than: 'the better of nginx and HAProxy',
  max: 1,
  aim: 0.85,
} as const;
const small = { what: 'CPU, small GET', work: 'small-get' } as const;
const much = { ...small, max: 1 / 5, aim: 1 / 7 } as const;

const ratioTargets: readonly RatioTarget[] = [
  { ...small, rivals: ['nginx'], than: 'nginx', max: 1, aim: 0.85 },
  { ...small, rivals: ['haproxy'], than: 'HAProxy', max: 1.1, aim: 0.85 },
  { ...better, what: 'CPU, GET of 10 KB', work: 'get-10k' },
  { ...better, what: 'CPU, POST of 10 KB', work: 'post-10k' },
  { ...better, what: 'CPU, GET of 1 MB', work: 'get-1m', rivals: ['nginx-buffered'], than: 'nginx with 64 KB buffers' },
  { what: 'CPU, new connection', work: 'new-connection', rivals: ['nginx'], than: 'nginx', max: 2, aim: 1.5 },
  { ...much, rivals: ['caddy'], than: 'Caddy' },
  { ...much, rivals: ['http-proxy'], than: 'http-proxy' },
  { ...much, rivals: ['fastify'], than: '@fastify/http-proxy' },
];

/** Microseconds of CPU that the record and its rotation may take of a small GET. */
const recordMicrosecondsMax = 0.6;
const addedRate = 2000;
const idleConnections = 5000;
const [idleMbMax, idleMbAim] = [130, 100];

interface AddedTarget {
  readonly of: 'p50Ms' | 'p99Ms' | 'p999Ms';
  readonly name: string;
  readonly target: string;
  /** The most that Candor may add, by what nginx adds. */
  readonly max: (nginxMs: number) => number;
}

const addedTargets: readonly AddedTarget[] = [
  { of: 'p50Ms', name: 'p50', target: '≤ nginx', max: (nginx) => nginx },
  { of: 'p99Ms', name: 'p99', target: '≤ 2.00× nginx', max: (nginx) => 2 * nginx },
  { of: 'p999Ms', name: 'p99.9', target: '≤ nginx + 2 ms', max: (nginx) => nginx + 2 },
];

/** The targets of the first release, in the order of the table. */
export function targetsReached(figures: Figures): Reached[] {
  return [
    ...ratioTargets.map((target) => reachedRatio(target, figures)),
    reachedRecord(figures),
    ...addedTargets.map((target) => reachedAdded(target, figures)),
    reachedMemory(figures),
    { what: 'CPU, TLS', target: '≤ 1.30× nginx', aim: '≤ 1.10×', measured: null, verdict: 'not measured yet' },
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

/** A difference within rounds, because Candor without a log is measured beside it. */
function reachedRecord({ runs }: Figures): Reached {
  const above = microsecondsAbove(runs, 'small-get', 'candor', 'candor-no-log');
  const words = {
    what: 'CPU, record and rotation',
    target: `≤ ${recordMicrosecondsMax.toFixed(1)} µs of a small GET`,
    aim: '',
  };
  if (above === null) return { ...words, measured: null, verdict: verdictOf(null, 0, 0) };
  const texts = [above.median, above.least, above.most].map((value) => value.toFixed(2)) as [string, string, string];
  const rotation = microsecondsAbove(runs, 'small-get', 'candor', 'candor-no-rotation');
  return {
    ...words,
    measured: `${texts[0]} µs (${texts[1]} to ${texts[2]})${rotation === null ? '' : `, of which rotation ${rotation.median.toFixed(2)}`}`,
    verdict:
      above.median > recordMicrosecondsMax
        ? `**missed by ${(above.median - recordMicrosecondsMax).toFixed(2)} µs**`
        : 'met',
  };
}

/** The added latency may by chance be negative, so the verdict is a difference. */
function reachedAdded({ of, name, target, max }: AddedTarget, { added }: Figures): Reached {
  const medians = addedMedians(added).filter(({ perSecond }) => perSecond === addedRate);
  const addedBy = (gateway: GatewayName): number | null => medians.find((one) => one.gateway === gateway)?.[of] ?? null;
  const [ours, nginx, haproxy] = [addedBy('candor'), addedBy('nginx'), addedBy('haproxy')];
  const words = { what: `${name} added at 2,000/s`, target, aim: '≤ HAProxy' };
  if (ours === null || nginx === null) return { ...words, measured: null, verdict: verdictOf(null, 0, 0) };
  const others = [`nginx ${nginx.toFixed(2)}`, ...(haproxy === null ? [] : [`HAProxy ${haproxy.toFixed(2)}`])];
  const isAim = haproxy !== null && ours <= haproxy;
  const beyondMs = ours - max(nginx);
  return {
    ...words,
    measured: `${ours.toFixed(2)} ms (${others.join(', ')})`,
    verdict: beyondMs > 0 ? `**missed by ${beyondMs.toFixed(2)} ms**` : isAim ? 'met, the aim too' : 'met',
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
