import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventSink } from '../core/event.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { RefusalReport } from './refusal-report.ts';

test('refused clients are told of at once, then once per ten seconds, and none is left out', () => {
  const clock = new SimulatedClock();
  const counts: unknown[] = [];
  const events: EventSink = { tell: ({ evidence }) => void counts.push(evidence) };
  const report = new RefusalReport(clock, events);
  const note = (total: number): void => report.note(total, { connectionsMax: 5 });
  note(0);
  note(2);
  note(7);
  clock.advanceSync(9999);
  note(8);
  clock.advanceSync(1);
  note(9);
  clock.advanceSync(60_000);
  note(9);
  assert.deepEqual(counts, [
    { count: 2, limit: 5 },
    { count: 7, limit: 5 },
  ]);
});
