import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseExportedLine } from '../../src/otlp/exporter.ts';
import { resourceOf } from '../../src/otlp/attributes.ts';
import { logRecordOfExchange } from '../../src/otlp/log-records.ts';
import { requestOf, requestSchemas, type SignalItems } from '../../src/otlp/messages.ts';
import { labelText, MetricsText } from '../../src/control/metrics/metrics-text.ts';
import { unicodeText } from '../unicode-text.ts';
import * as fc from '../properties.ts';
import { metricsOf, SeriesStarts } from '../../src/otlp/metric-data.ts';
import { encodeMessage } from '../../src/otlp/protobuf.ts';
import { spansOf } from '../../src/otlp/spans.ts';
import type { OtlpSignal } from '../../src/core/otlp-counts.ts';
import { readFileSync } from 'node:fs';
import { decoded, decodedJson } from './collector.ts';

// What is encoded is what the schema of OTLP reads, in both encodings, for the record of every way in which an exchange can end.

const constants = {
  ...{ process: 'k3f9xa', deployment: 'edge', member: 'one', started_at: '2026-11-21T08:00:00.000Z' },
  ...{ version: '0.1.0', pid: 4711 },
};
const resource = resourceOf(constants, { 'deployment.environment.name': 'prod' });
const span = { spanId: '00f067aa0ba902b7', parentId: 'b7ad6b7169203331', flags: '01' };

const lines = readFileSync(new URL('../golden/record-v1.ndjson', import.meta.url), 'utf8')
  .split('\n')
  .flatMap((line) => parseExportedLine(`SL ${span.spanId} ${span.parentId} 01 ${line}`) ?? []);

function assertEncoded<S extends OtlpSignal>(signal: S, items: readonly SignalItems[S][]): void {
  const request = requestOf(signal, resource, items);
  assert.deepEqual(decoded(signal, encodeMessage(request, requestSchemas[signal])), withoutEmptyLists(request));
  assert.deepEqual(decodedJson(signal, JSON.stringify(request)), JSON.parse(JSON.stringify(request)));
}

/** The schema cannot tell a list without items from none. */
function withoutEmptyLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyLists);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => !Array.isArray(one) || one.length > 0);
  return Object.fromEntries(entries.map(([key, one]) => [key, withoutEmptyLists(one)]));
}

test('there are records of many kinds', () => assert.ok(lines.length > 10, `${lines.length}`));

describe('of each record', () => {
  for (const { record } of lines)
    test(`${record.cause ?? record.shape} ${record.status} ${record.id.slice(-4)}`, () => {
      const spans = spansOf(record, '4bf92f3577b34da6a3ce929d0e0e4736', span);
      assert.equal(spans.length, 1 + record.attempts.length);
      assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length);
      assertEncoded('traces', spans);
      assertEncoded('logs', [logRecordOfExchange(record, span, Date.UTC(2026, 10, 21))]);
    });
});

test('numbers, bounds and exemplars of metrics', () => {
  const text = [
    '# HELP candor_a Some "help".',
    '# TYPE candor_a counter',
    'candor_a_total{route="/say \\"hi\\"\\\\\\n",state="x"} 12',
    '# HELP candor_b_seconds B.',
    '# TYPE candor_b_seconds histogram',
    'candor_b_seconds_bucket{route="a",le="0.001"} 2 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736"} 0.0005 1763715738.007',
    'candor_b_seconds_bucket{route="a",le="1.0"} 3 # {request_id="a b"} 0.5 1763715739',
    'candor_b_seconds_bucket{route="a",le="+Inf"} 3',
    'candor_b_seconds_sum{route="a"} 0.501',
    'candor_b_seconds_count{route="a"} 3',
    '# HELP candor_c_bytes C.',
    '# TYPE candor_c_bytes gauge',
    'candor_c_bytes 1.5e9',
    '# EOF',
  ].join('\n');
  const metrics = metricsOf(text, { startedMs: 1_763_700_000_000, nowMs: 1_763_715_740_000 }, new SeriesStarts());
  assertEncoded('metrics', metrics);
  const [a, b, c] = metrics;
  assert.deepEqual(a?.sum?.dataPoints[0]?.attributes, [
    { key: 'route', value: { stringValue: '/say "hi"\\\n' } },
    { key: 'state', value: { stringValue: 'x' } },
  ]);
  assert.deepEqual([b?.unit, b?.histogram?.dataPoints[0]?.bucketCounts], ['s', ['2', '1', '0']]);
  assert.deepEqual(b?.histogram?.dataPoints[0]?.exemplars, [
    { timeUnixNano: '1763715738007000000', asDouble: 0.0005, traceId: '4bf92f3577b34da6a3ce929d0e0e4736' },
    {
      filteredAttributes: [{ key: 'request_id', value: { stringValue: 'a b' } }],
      timeUnixNano: '1763715739000000000',
      asDouble: 0.5,
    },
  ]);
  assert.deepEqual([c?.unit, c?.gauge?.dataPoints[0]?.asDouble], ['By', 1.5e9]);
});

test('a label may hold any text, and so may the id of an exemplar', () => {
  const dangerous = fc.constantFrom(
    ' # ',
    '"',
    '\\',
    '}',
    '{',
    '\n',
    '\r',
    '\u2028',
    'a="b"',
    ' # {trace_id="x"} 1 2',
    '/',
    'é',
  );
  const text = fc.oneof(
    fc.array(dangerous, { maxLength: 6 }).map((parts) => parts.join('')),
    unicodeText({ maxLength: 12 }),
  );
  const at = 1_763_715_738_000;
  const metric = fc.record({ route: text, upstream: text, requestId: text });
  fc.assert(
    fc.property(metric, ({ route, upstream, requestId }) => {
      const written = new MetricsText('openmetrics');
      written.metric('candor_a_total', 'A.', [[{ route, upstream }, 7]]);
      written.family('candor_b_seconds', 'histogram', 'B.');
      const exemplars = [{ traceId: '', requestId, value: 0.5, at }, null];
      const labels = `route="${labelText(route)}",upstream="${labelText(upstream)}"`;
      written.histogram('candor_b_seconds', labels, [1], { cells: [2, 3], sum: 9, exemplars });
      const read = metricsOf(Buffer.concat(written.end()).toString(), { startedMs: 0, nowMs: at }, new SeriesStarts());
      const attributes = [
        { key: 'route', value: { stringValue: route } },
        { key: 'upstream', value: { stringValue: upstream } },
      ];
      const [counter, histogram] = read;
      assert.equal(read.length, 2);
      assert.deepEqual(
        counter?.sum?.dataPoints.map((point) => [point.attributes, point.asDouble]),
        [[attributes, 7]],
      );
      const [point] = histogram?.histogram?.dataPoints ?? [];
      assert.deepEqual([point?.attributes, point?.bucketCounts, point?.sum], [attributes, ['2', '3'], 9]);
      assert.deepEqual(point?.exemplars, [
        {
          filteredAttributes: [{ key: 'request_id', value: { stringValue: requestId } }],
          timeUnixNano: `${at}000000`,
          asDouble: 0.5,
        },
      ]);
    }),
  );
});

test('texts of each length, at the bounds of the bytes that a length takes, and texts that are not ASCII', () => {
  for (const length of [1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
    const made = resourceOf(constants, { long: 'x'.repeat(length), other: 'Größe €' });
    const request = requestOf('traces', made, []);
    assert.deepEqual(decoded('traces', encodeMessage(request, requestSchemas.traces)), withoutEmptyLists(request));
  }
});
