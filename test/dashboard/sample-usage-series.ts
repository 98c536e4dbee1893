import type { UsageSeries } from '../../src/core/schemas/usage.ts';

type Series = UsageSeries['series'][number];

const stepMs = 60_000;

/** A day of a shop that got a release at noon, and has a worker for mail. */
export function sampleUsageSeries(): UsageSeries {
  const until = Math.floor(Date.now() / stepMs) * stepMs;
  const since = until - 86_400_000;
  const steps = (from: number, to: number, busy: number, memory: number): Series['steps'] =>
    Array.from({ length: Math.round((to - from) / stepMs) }, (_, index) => {
      const at = from + index * stepMs;
      const load = 0.6 + 0.4 * Math.sin((at / 86_400_000) * 2 * Math.PI) + 0.08 * Math.sin(index * 1.7);
      return {
        at: new Date(at).toISOString(),
        ...{ cpuS: busy * load * 60, memoryBytes: memory * (0.9 + 0.1 * load), memoryBytesMax: memory },
        ...{ runS: 120, starts: 0, restarts: 0, requests: Math.round(2400 * load), errors: index % 97 === 0 ? 3 : 0 },
        ...{
          bytesIn: 90_000,
          bytesOut: Math.round(9_000_000 * load),
          p50Ms: 6 * load,
          p99Ms: 40 * load + (index % 11),
        },
      };
    });
  const rollout = since + 14 * 3_600_000;
  const shop = { application: 'shop', name: '' };
  return {
    stepS: stepMs / 1000,
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
    knownSince: new Date(since).toISOString(),
    series: [
      { ...shop, kind: 'instances', release: 'r11', steps: steps(since, rollout, 0.4, 190e6) },
      { ...shop, kind: 'instances', release: 'r12', steps: steps(rollout, until, 0.25, 160e6) },
      { ...shop, kind: 'worker', name: 'mail', release: 'r12', steps: steps(rollout, until, 0.05, 60e6) },
      { ...shop, kind: 'storage', release: '', steps: steps(until - stepMs, until, 0, 412e6) },
    ],
  };
}
