import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Deadlines } from '../core/deadline.ts';
import type { Transport } from '../core/transport.ts';
import type { SendQueueBytes } from '../core/send-queue-bytes.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { HalfClosedTimeout } from './half-closed.ts';

const minute = 60_000;

/** A client that has sent FIN; each second the gateway sends so much, and the client takes so much. */
function watched(options: {
  sends: number;
  takes: number;
  kernelKeeps?: number | null;
  streaming?: boolean;
  draining?: boolean;
}) {
  const { sends, takes, kernelKeeps = 0, streaming = true, draining = false } = options;
  const clock = new SimulatedClock();
  const transport = { facts: {}, sentBytes: 0, pendingBytes: 0 } as {
    -readonly [K in keyof Transport]: Transport[K];
  };
  let goneAt: number | null = null;
  let waiting = 0;
  const sendQueueBytes: SendQueueBytes = {
    look: (_facts, waiter) => {
      const kept = kernelKeeps === null ? null : Math.min(waiting, kernelKeeps);
      clock.schedule(clock.now(), () => waiter.onSendQueueBytes(kept), undefined);
    },
  };
  const ports = { clock, deadlines: new Deadlines(clock), sendQueueBytes };
  const beganAt = clock.now();
  const halfClosed = new HalfClosedTimeout(transport, minute, ports, {
    isStreaming: streaming,
    isDraining: draining,
    onHalfClosedTimeout: () => {
      goneAt ??= clock.now() - beganAt;
      halfClosed.stop();
    },
  });
  return (ms: number): number | null => {
    for (let second = 0; second < ms / 1000; second++) {
      transport.sentBytes += sends;
      waiting = Math.max(0, waiting + sends - takes);
      transport.pendingBytes = Math.max(0, waiting - (kernelKeeps ?? 0));
      clock.advanceSync(1000);
    }
    return goneAt;
  };
}

describe('a client that has half-closed', () => {
  test('and reads nothing of its send queue is gone after ten seconds', () => {
    const goneAt = watched({ sends: 1000, takes: 0, kernelKeeps: 1_000_000, streaming: false })(minute);
    assert.ok(goneAt !== null && goneAt >= 10_000 && goneAt <= 16_000, `${goneAt}`);
  });

  test('and reads nothing is gone once the kernel is full, where the send queue is unknown', () => {
    const goneAt = watched({ sends: 1000, takes: 0, kernelKeeps: null, streaming: false })(minute);
    assert.ok(goneAt !== null && goneAt <= 16_000, `${goneAt}`);
  });

  test('and reads slowly gets the whole of a response with a length', () => {
    assert.equal(watched({ sends: 1000, takes: 500, streaming: false })(10 * minute), null);
  });

  test('is gone after a minute of a stream that it may not read', () => {
    const goneAt = watched({ sends: 100, takes: 100 })(5 * minute);
    assert.ok(goneAt !== null && goneAt >= minute && goneAt <= minute + 6000, `${goneAt}`);
  });

  test('keeps no drain waiting with a stream that is quiet, and may have left', () => {
    const goneAt = watched({ sends: 0, takes: 0, draining: true })(minute);
    assert.ok(goneAt !== null && goneAt >= 5000 && goneAt <= 8000, `${goneAt}`);
  });

  test('gets a stream that is not quiet, and an answer with a length, while the gateway drains', () => {
    assert.equal(watched({ sends: 100, takes: 100, draining: true })(50_000), null);
    assert.equal(watched({ sends: 0, takes: 0, streaming: false, draining: true })(minute), null);
  });

  test('and reads a stream fast enough gets the whole of it', () => {
    assert.equal(watched({ sends: 1_000_000, takes: 1_000_000 })(10 * minute), null);
  });
});
