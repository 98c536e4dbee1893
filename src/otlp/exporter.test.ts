import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OtlpSpec } from '../core/configuration.ts';
import type { FromOtlp } from '../core/otlp-messages.ts';
import { OtlpCounts } from '../core/otlp-counts.ts';
import { createRecordRing, createWakeWord, RecordRingWriter } from '../record/record-ring.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { OtlpExporter } from './exporter.ts';

const record = (at: string): string =>
  JSON.stringify({
    ...{ v: 1, id: 'r', trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', at, worker: 1, revision: 1, client: {} },
    ...{ method: 'GET', scheme: 'http', host: 'a.test', path: '/', attempts: [], shape: 'none', delivery: 'not_sent' },
    ...{ end: 'forwarded', bytes_in: 0, bytes_out: 0, duration_ms: 1 },
  });
const spec: OtlpSpec = {
  ...{ endpoint: 'http://127.0.0.1:1', format: 'json', headers: {}, compression: 'none', authorities: [] },
  ...{ identity: null, timeoutMs: 1000, resource: {}, traces: { share: 1 }, logs: 'all', metrics: null },
};
const line = (json: string): string => `SL 00f067aa0ba902b7 - 01 ${json}\n`;

test('a collector that does not take what is no longer exported does not fail any more', () => {
  const sent: FromOtlp[] = [];
  const exporter = new OtlpExporter(
    { wakeWord: createWakeWord(), counts: new OtlpCounts().memory },
    ...([new SimulatedClock(), new SeededRandom(1), (message: FromOtlp) => void sent.push(message)] as const),
  );
  exporter.handle({ kind: 'was_failing', signal: 'metrics' });
  exporter.handle({ kind: 'use', spec: { ...spec, metrics: { intervalMs: 1000 } } });
  assert.equal(sent.length, 0);
  exporter.handle({ kind: 'use', spec });
  assert.deepEqual(
    sent.map((message) => message.kind === 'event' && message.event.to),
    ['exporting'],
  );
});

test('a line that cannot be exported is counted, and those after it are exported', async () => {
  const clock = new SimulatedClock();
  const [wakeWord, counts] = [createWakeWord(), new OtlpCounts()];
  const exporter = new OtlpExporter({ wakeWord, counts: counts.memory }, clock, new SeededRandom(1), () => {});
  const memory = createRecordRing(wakeWord, { linesBytes: 64 * 1024, failuresBytes: 0 });
  const ring = new RecordRingWriter(memory);
  exporter.handle({ kind: 'ring', memory });
  exporter.handle({ kind: 'use', spec });
  // No JSON; a record whose time is none, at which the arithmetic of nanoseconds throws; a good one.
  ring.append(line('{'), false);
  ring.append(line(record('yesterday')), false);
  ring.append(line(record('2026-01-01T00:00:00.000Z')), false);
  for (let turn = 0; turn < 100 && counts.waiting('logs') === 0; turn += 1) {
    await new Promise(setImmediate);
    clock.advanceSync(250);
  }
  assert.equal(counts.dropped('traces', 'unreadable'), 2);
  assert.deepEqual([counts.waiting('traces'), counts.waiting('logs')], [1, 1]);
});
