import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../testing/properties.test-support.ts';
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
