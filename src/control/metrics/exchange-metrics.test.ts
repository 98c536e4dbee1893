import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from '../../../test/properties.ts';
import { Counter, Registry } from '@prometheus-io/client';
import { durationBoundsMs, type ExchangeCount } from '../../core/counters.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { addExchangeMetrics } from './exchange-metrics.ts';
import { MetricsText } from './metrics-text.ts';

async function textOf(counts: readonly ExchangeCount[]): Promise<string> {
  const text = new MetricsText();
  await addExchangeMetrics(text, counts, new SimulatedClock());
  return Buffer.concat(text.end()).toString();
}

const names = fc.oneof(fc.constantFrom('/a', 'app', '/say "hi"\\\n'), fc.string({ maxLength: 5 }));
const statusClasses = fc.constantFrom<ExchangeCount['statusClass']>('2xx', '5xx');
const counts: fc.Arbitrary<ExchangeCount[]> = fc.uniqueArray(
  fc.record({
    route: names,
    upstream: names,
    statusClass: statusClasses,
    shape: fc.constantFrom<ExchangeCount['shape']>('none', 'reset'),
    cause: fc.constant<ExchangeCount['cause']>('none'),
    end: fc.constant<ExchangeCount['end']>('forwarded'),
    grpcStatus: fc.constantFrom(null, '0', '14'),
    count: fc.nat(1000),
    durationMsSum: fc.nat(100_000),
    durationMsMin: fc.constant(0),
    durationMsMax: fc.constant(100_000),
    bytesIn: fc.nat(),
    bytesOut: fc.nat(),
    durations: fc.array(fc.nat(9), { minLength: durationBoundsMs.length + 1, maxLength: durationBoundsMs.length + 1 }),
  }),
  {
    maxLength: 12,
    selector: (one) => JSON.stringify([one.route, one.upstream, one.statusClass, one.shape, one.grpcStatus]),
  },
);

/** The lines of a metric, without their order. */
function linesOf(text: string, metric: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`))
    .toSorted();
}

describe('the metrics of exchanges', () => {
  test('have the lines that the client library writes, for any names', async () => {
    await fc.assert(
      fc.asyncProperty(counts, async (some) => {
        const registry = new Registry();
        const labelNames = ['route', 'upstream', 'status_class', 'shape', 'cause', 'end'] as const;
        const total = new Counter({ name: 'candor_exchanges_total', help: 'x', labelNames, registers: [registry] });
        const grpc = new Counter({
          name: 'candor_grpc_responses_total',
          help: 'x',
          labelNames: ['route', 'upstream', 'grpc_status'] as const,
          registers: [registry],
        });
        const bytes = new Counter({
          name: 'candor_body_bytes_total',
          help: 'x',
          labelNames: ['route', 'upstream', 'direction'] as const,
          registers: [registry],
        });
        for (const { route, upstream, statusClass, shape, cause, end, grpcStatus, count, bytesIn, bytesOut } of some) {
          if (grpcStatus !== null) grpc.inc({ route, upstream, grpc_status: grpcStatus }, count);
          total.inc({ route, upstream, status_class: statusClass, shape, cause, end }, count);
          bytes.inc({ route, upstream, direction: 'in' }, bytesIn);
          bytes.inc({ route, upstream, direction: 'out' }, bytesOut);
        }
        const expected = await registry.metrics();
        const text = await textOf(some);
        for (const metric of ['candor_exchanges_total', 'candor_grpc_responses_total', 'candor_body_bytes_total'])
          assert.deepEqual(linesOf(text, metric), linesOf(expected, metric));
      }),
    );
  });

  test('have cumulative buckets whose last one is the count', async () => {
    await fc.assert(
      fc.asyncProperty(counts, async (some) => {
        const text = await textOf(some);
        const values = (metric: string): number[] =>
          text
            .split('\n')
            .flatMap((line) => (line.startsWith(`${metric}{`) ? [Number(line.slice(line.lastIndexOf(' ')))] : []));
        const buckets = values('candor_exchange_duration_seconds_bucket');
        const totals = values('candor_exchange_duration_seconds_count');
        assert.equal(buckets.length, totals.length * 16);
        totals.forEach((total, at) => {
          const own = buckets.slice(at * 16, at * 16 + 16);
          assert.equal(own.at(-1), total);
          assert.deepEqual(
            own,
            own.toSorted((one, other) => one - other),
          );
        });
        const counted = some.flatMap(({ durations }) => durations).reduce((sum, one) => sum + one, 0);
        assert.equal(
          totals.reduce((sum, one) => sum + one, 0),
          counted,
        );
      }),
    );
  });

  test('have a help and a type before the lines of each family, and an empty line between', async () => {
    assert.equal(
      await textOf([]),
      `# HELP candor_exchanges_total Exchanges by how they ended. shape is one of the four shapes of failure, or another word if none fits.
# TYPE candor_exchanges_total counter

# HELP candor_body_bytes_total Bytes of bodies, without heads and framing.
# TYPE candor_body_bytes_total counter

# HELP candor_exchange_duration_seconds From the first byte of the request to the last of the response.
# TYPE candor_exchange_duration_seconds histogram
`,
    );
  });
});
