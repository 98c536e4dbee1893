import assert from 'node:assert/strict';
import { it } from 'node:test';
import { after } from '../core/time.ts';
import type { Transport, TransportListener } from '../core/transport.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { floodDelayStage } from './preface-stages.ts';
import type { PrefaceConnection } from './preface-stage.ts';

const delayMs = 250;

/** A connection that waits `delayMs`; its engine pauses at what it gets. */
function delayed(): { clock: SimulatedClock; log: string[]; transport: Transport } {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const engine: Partial<TransportListener> = {
    onBytes: (bytes, start, end) => {
      log.push(`engine: ${Buffer.from(bytes.subarray(start, end)).toString()}`);
      transport.pause();
    },
  };
  const transport = { pause: () => void log.push('pause'), resume: () => void log.push('resume') } as Transport;
  const connection = {
    transport,
    clock,
    admitAfterMs: () => delayMs,
    takeOver() {},
    continueOn: () => void (transport.listener = engine as TransportListener),
  } as Partial<PrefaceConnection> as PrefaceConnection;
  const bytes = Buffer.from('..first');
  assert.equal(floodDelayStage.read(connection, bytes, 2, bytes.length), 'taken');
  bytes.fill(0xdb); // They were lent.
  return { clock, log, transport };
}

it('a connection whose address has flooded is not read before its delay is over', () => {
  const { clock, log } = delayed();
  clock.advanceSync(delayMs - 1);
  assert.deepEqual(log, ['pause']);
});

it('an engine that pauses at the first bytes of a delayed connection stays paused', () => {
  const { clock, log, transport } = delayed();
  const more = Buffer.from(', more');
  transport.listener.onBytes(more, 0, more.length);
  clock.advanceSync(after(clock.now(), delayMs));
  assert.deepEqual(log, ['pause', 'resume', 'engine: first, more', 'pause']);
});
