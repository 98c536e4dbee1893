import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../../test/properties.ts';
import { Counter, Gauge, Registry } from '@prometheus-io/client';
import { MetricsText, type Sample } from './metrics-text.ts';

const samples = fc.uniqueArray(
  fc.tuple(fc.record({ route: fc.string(), state: fc.constantFrom('up', 'a "b"\\\n') }), fc.nat()),
  { maxLength: 6, selector: ([labels]) => JSON.stringify(labels) },
);

for (const [name, Metric] of [
  ['candor_a', Gauge],
  ['candor_a_total', Counter],
] as const) {
  test(`${name} is written as the client library of Prometheus writes it`, async () => {
    await fc.assert(
      fc.asyncProperty(samples, async (all: readonly Sample[]) => {
        const text = new MetricsText();
        text.metric(name, 'Some help.', all);
        const registry = new Registry();
        const options = { name, help: 'Some help.', labelNames: ['route', 'state'], registers: [registry] };
        const metric = new Metric(options);
        for (const [labels, value] of all) metric.inc(labels, value);
        const ours = Buffer.concat(text.end()).toString();
        assert.deepEqual(ours.trim().split('\n'), (await registry.metrics()).trim().split('\n'));
      }),
    );
  });
}

test('a metric without labels has no braces, and metrics are separated by an empty line', () => {
  const text = new MetricsText();
  text.metric('candor_a', 'A.', [[{}, 1]]);
  text.metric('candor_b_total', 'B.', [[{}, 2]]);
  assert.equal(
    Buffer.concat(text.end()).toString(),
    '# HELP candor_a A.\n# TYPE candor_a gauge\ncandor_a 1\n\n# HELP candor_b_total B.\n# TYPE candor_b_total counter\ncandor_b_total 2\n',
  );
});

test('OpenMetrics names counters without _total, writes exemplars, and ends with EOF', () => {
  const text = new MetricsText('openmetrics');
  text.metric('candor_b_total', 'B.', [[{}, 2]]);
  text.family('candor_c_seconds', 'histogram', 'C.');
  const of = (traceId: string, requestId: string) => ({ traceId, requestId, value: 0.5, at: 1_763_715_738_007 });
  text.histogram('candor_c_seconds', 'route="a"', [0.25, 1], {
    cells: [1, 2, 0],
    sum: 1.5,
    exemplars: [of('4bf9', 'r1'), of('', 'r2'), of('', 'x'.repeat(128))],
  });
  assert.deepEqual(Buffer.concat(text.end()).toString().split('\n'), [
    '# HELP candor_b B.',
    '# TYPE candor_b counter',
    'candor_b_total 2',
    '# HELP candor_c_seconds C.',
    '# TYPE candor_c_seconds histogram',
    'candor_c_seconds_bucket{route="a",le="0.25"} 1 # {trace_id="4bf9"} 0.5 1763715738.007',
    'candor_c_seconds_bucket{route="a",le="1.0"} 3 # {request_id="r2"} 0.5 1763715738.007',
    'candor_c_seconds_bucket{route="a",le="+Inf"} 3',
    'candor_c_seconds_sum{route="a"} 1.5',
    'candor_c_seconds_count{route="a"} 3',
    '# EOF',
    '',
  ]);
});

test('the older format has neither', () => {
  const text = new MetricsText();
  text.family('candor_c_seconds', 'histogram', 'C.');
  const exemplars = [{ traceId: 'a', requestId: 'b', value: 1, at: 1 }, null];
  text.histogram('candor_c_seconds', '', [1], { cells: [1, 0], sum: 1, exemplars });
  assert.equal(
    Buffer.concat(text.end()).toString(),
    '# HELP candor_c_seconds C.\n# TYPE candor_c_seconds histogram\ncandor_c_seconds_bucket{le="1"} 1\ncandor_c_seconds_bucket{le="+Inf"} 1\ncandor_c_seconds_sum 1\ncandor_c_seconds_count 1\n',
  );
});
