import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { h2Limits } from './limits.ts';
import { ReceiveWindows } from './receive-windows.ts';
import type { SessionSender } from './session-sender.ts';
import { noListener, SessionStream } from './session-stream.ts';

const { connectionWindowBytes, firstWindowBytes, windowBytes } = h2Limits;

/** `updates`: the WINDOW_UPDATE frames, as 'stream: bytes'. */
function made(): { windows: ReceiveWindows; stream: SessionStream; updates: string[] } {
  const updates: string[] = [];
  const writer = { windowUpdate: (id: number, bytes: number) => void updates.push(`${id}: ${bytes}`) };
  const windows = new ReceiveWindows({ writer, touch() {} } as unknown as SessionSender);
  return { windows, stream: new SessionStream(1, 0, firstWindowBytes, noListener), updates };
}

describe('the windows of a body that comes', () => {
  it('of the connection take as much as was promised, and not a byte more', () => {
    const { windows } = made();
    assert.deepEqual([windows.take(connectionWindowBytes), windows.take(1)], [true, false]);
  });

  it('of a stream take as much as was promised, and not a byte more', () => {
    const { windows, stream } = made();
    assert.deepEqual([windows.takeOf(stream, firstWindowBytes), windows.takeOf(stream, 1)], [true, false]);
  });

  it('of a stream grow once, when its body is wanted', () => {
    const { windows, stream, updates } = made();
    windows.widen(stream);
    windows.widen(stream);
    assert.deepEqual(updates, [`1: ${windowBytes - firstWindowBytes}`]);
    assert.equal(windows.takeOf(stream, windowBytes), true);
  });

  for (const ended of ['peerEnded', 'isOver'] as const)
    it(`of a stream do not grow once it is ${ended}`, () => {
      const { windows, stream, updates } = made();
      stream[ended] = true;
      windows.widen(stream);
      windows.consume(stream, firstWindowBytes);
      assert.deepEqual(updates, []);
    });

  it('open again when half of them is consumed, not with each part', () => {
    const { windows, stream, updates } = made();
    const half = Math.ceil(firstWindowBytes / 2);
    windows.takeOf(stream, firstWindowBytes);
    windows.consume(stream, half - 1);
    assert.deepEqual(updates, []);
    windows.consume(stream, 1);
    assert.deepEqual(updates, [`1: ${half}`]);
    assert.equal(windows.takeOf(stream, half), true);
    assert.equal(windows.takeOf(stream, 1), false);
  });

  it('of the connection open for a body that a stream holds, and the one of the stream only when it is passed on', () => {
    const { windows, stream, updates } = made();
    windows.widen(stream);
    updates.length = 0;
    for (let held = 0; held < connectionWindowBytes / 2; held += windowBytes / 4) {
      windows.take(windowBytes / 4);
      stream.unconsumedBytes += windowBytes / 4;
      windows.hold(stream, windowBytes / 4);
    }
    assert.deepEqual([updates, stream.unconsumedBytes], [[`0: ${connectionWindowBytes / 2}`], 0]);
    windows.consumeHeld(stream, windowBytes);
    assert.deepEqual(updates.slice(1), [`1: ${windowBytes}`]);
  });

  it('send nothing once the connection is over', () => {
    const { windows, updates } = made();
    windows.stop();
    windows.consumeOnConnection(connectionWindowBytes);
    assert.deepEqual(updates, []);
  });
});
