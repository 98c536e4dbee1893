import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OtlpCounts } from '../core/otlp-counts.ts';
import { createRecordRing, createWakeWord, RecordRingWriter } from '../record/record-ring.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { OtlpExporter } from './exporter.ts';

const record = (at: string): string =>
  JSON.stringify({
    ...{ v: 3, id: 'r', trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', at, worker: 1, revision: 1, client: {} },
    ...{ method: 'GET', scheme: 'http', host: 'a.test', path: '/', attempts: [], shape: 'none', delivery: 'not_sent' },
    ...{ end: 'forwarded', bytes_in: 0, bytes_out: 0, duration_ms: 1 },
  });
const line = (json: string): string => `SL 00f067aa0ba902b7 - 01 ${json}\n`;

test('a line that cannot be exported is counted, and those after it are exported', async () => {
  const clock = new SimulatedClock();
  const [wakeWord, counts] = [createWakeWord(), new OtlpCounts()];
  const exporter = new OtlpExporter({ wakeWord, counts: counts.memory }, clock, new SeededRandom(1), () => {});
  const memory = createRecordRing(wakeWord, { linesBytes: 64 * 1024, failuresBytes: 0 });
  const ring = new RecordRingWriter(memory);
  exporter.handle({ kind: 'ring', memory });
  exporter.handle({
    kind: 'use',
    spec: {
      ...{ endpoint: 'http://127.0.0.1:1', format: 'json', headers: {}, compression: 'none', authorities: [] },
      ...{ identity: null, timeoutMs: 1000, resource: {}, traces: { share: 1 }, logs: 'all', metrics: null },
    },
  });
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
