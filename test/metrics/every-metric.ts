import { emptyStage } from '../../src/record/attempt-counters.ts';
import { durationBoundsMs, noCounts } from '../../src/core/counters.ts';
import { loopDelayBoundsMs } from '../../src/core/thread-figures.ts';
import type { Gateway } from '../../src/control/gateway-status.ts';
import type { JobStatus } from '../../src/core/schemas/jobs.ts';
import type { GatewayStatus } from '../../src/core/schemas/status.ts';
import { metricsText } from '../../src/control/metrics/metrics.ts';
import type { MetricsFormat } from '../../src/control/metrics/metrics-text.ts';
import { sampleCount } from '../../src/record/sample-count.test-support.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { statusSample } from '../fakes/samples.ts';

/** The metrics of a gateway that has a sample of every one. */
export async function everyMetric(format: MetricsFormat = 'prometheus'): Promise<string> {
  const exchange = sampleCount({
    ...{ route: 'shop', upstream: 'shop', statusClass: '5xx', shape: 'reset', cause: 'reset_before_response' },
    ...{ end: 'generated', grpcStatus: '14', count: 1, durationMsSum: 5, bytesIn: 1, bytesOut: 2 },
    durations: [1, ...Array<number>(durationBoundsMs.length).fill(0)],
  });
  const stage = emptyStage('shop', 'wait');
  stage.cells[3] = 1;
  stage.exemplars[3] = { traceId: '', requestId: 'r1', ms: 0.7, at: 1_763_715_738_007 };
  const loopDelays = Array<number>(loopDelayBoundsMs.length + 1).fill(0);
  const figures = { cpuS: 1.5, heapBytes: 20_000_000, loopDelays, loopDelayMsSum: 0 };
  const counts: ReturnType<Gateway['counts']> = {
    exchanges: [exchange],
    workers: [noCounts(1)],
    workersLost: 0,
    responses: [{ upstream: 'shop', endpoint: 'shop/127.0.0.1:3000', method: 'GET', status: 200, count: 1 }],
    releases: [{ upstream: 'shop', release: 'r12', statusClass: '2xx', count: 1 }],
    stages: [stage],
    threads: [{ worker: 1, figures }],
    logDropped: 0,
    storeLost: 0,
    otlp: [
      {
        ...{ signal: 'traces', exported: 1, failedRequests: 0, dropped: [{ reason: 'queue_full', count: 0 }] },
        lastRejection: null,
      },
    ],
    failedHandshakes: [{ listener: 'https', reason: 'garbage', count: 1 }],
    http2Limits: [{ listener: 'https', limit: 'resets', count: 1, address: '192.0.2.1', delayMs: 0 }],
    http2Errors: [{ listener: 'https', code: 'FRAME_SIZE_ERROR', count: 1 }],
    programs: {
      jobs: [{ job: 'shop.report', outcome: 'failed', count: 1 }],
      outOfMemory: [{ application: 'web', count: 1 }],
      used: [{ application: 'shop', kind: 'worker', name: 'mail', cpuMs: 1500, residentBytes: 40_000_000 }],
      storage: [{ application: 'shop', bytes: 500_000_000 }],
    },
  };
  const gateway = { counts: () => counts, status: () => fullStatus, jobs: () => [sampleJob] };
  const { parts } = await metricsText(gateway, new SimulatedClock(), format);
  return Buffer.concat(parts).toString();
}

const run: JobStatus['runs'][number] = {
  ...{ run: 1, state: 'succeeded', by: 'schedule', dueAt: null, startedAt: '2026-11-28T03:00:00Z', ms: 1500 },
  ...{ code: 0, signal: null, failure: null, release: null, actor: null, output: [] },
};

const sampleJob: JobStatus = {
  ...{ job: 'shop.report', application: 'shop', command: 'node report.js', schedule: '0 3 * * *', timeZone: 'UTC' },
  ...{ overlap: 'skip', catchUp: 'none', nextAt: '2026-11-29T03:00:00Z', waits: false, failing: 'it ended with 1' },
  ...{ failingS: 60, runsTotal: 3, skipped: null, missed: null },
  runs: [
    { ...run, run: 3, state: 'running', startedAt: '2026-11-28T05:00:00Z', ms: null, code: null },
    { ...run, run: 2, state: 'failed', startedAt: '2026-11-28T04:00:00Z', ms: 2500, code: 1 },
    run,
  ],
};

const certificate = { names: ['shop.test'], notAfter: '2026-12-01T00:00:00.000Z', notBefore: null, issuer: null };

/** The listeners of the sample have no certificates. */
const fullStatus: GatewayStatus = {
  ...statusSample,
  applications: statusSample.applications.map((application) => ({ ...application, wanted: 2 })),
  listeners: statusSample.listeners.map((listener) => ({ ...listener, certificates: [certificate] })),
};

interface MetricFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** The families of a text in Prometheus' format, with the labels that their samples have. */
export function familiesOf(text: string): MetricFamily[] {
  const families: { name: string; type: string; help: string; labels: Set<string> }[] = [];
  for (const line of text.split('\n')) {
    const [, name = '', help = ''] = /^# HELP (\S+) (.*)$/.exec(line) ?? [];
    const last = families.at(-1);
    if (name !== '') families.push({ name, type: '', help, labels: new Set() });
    else if (last !== undefined && line.startsWith('# TYPE')) last.type = line.split(' ')[3] ?? '';
    else if (last !== undefined) for (const [, label = ''] of line.matchAll(/(\w+)="/g)) last.labels.add(label);
  }
  return families.map(({ labels, ...family }) => ({
    ...family,
    labels: [...labels].filter((label) => label !== 'le'),
  }));
}
