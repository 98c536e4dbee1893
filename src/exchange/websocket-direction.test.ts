import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { closePayload, controlFrame, controlOpcodes } from '../wire/websocket-frames.ts';
import { WebSocketDirection } from './websocket-direction.ts';

const ownMask = Uint8Array.of(1, 2, 3, 4);
const senderMask = Uint8Array.of(0x11, 0x22, 0x33, 0x44);

/** A direction, and what its receiver has got. */
function directionOf(masked: boolean): { direction: WebSocketDirection; received: () => Buffer } {
  const received: Buffer[] = [];
  const receiver = {
    send: (bytes: Uint8Array, start: number, end: number): boolean => {
      received.push(Buffer.from(bytes.slice(start, end)));
      return true;
    },
    flush(): void {},
  };
  const direction = new WebSocketDirection({ masked, extended: false }, receiver, (target) => target.set(ownMask));
  return { direction, received: () => Buffer.concat(received) };
}

/** A text message in one frame. */
function message(text: string, masked: boolean, first = 0x81): Buffer {
  const payload = Buffer.from(text);
  if (!masked) return Buffer.concat([Buffer.of(first, payload.length), payload]);
  const hidden = payload.map((byte, index) => byte ^ (senderMask[index & 3] as number));
  return Buffer.concat([Buffer.of(first, 0x80 | payload.length), senderMask, hidden]);
}

function control(opcode: 8 | 9 | 10, payload: Uint8Array, masked: boolean, mask = senderMask): Buffer {
  return Buffer.from(controlFrame(opcode, payload, masked ? mask : null));
}

/** Forwards `bytes` in slices of `size`, and calls `between` before the slice that begins at `at`. */
function forwardBy(
  direction: WebSocketDirection,
  bytes: Buffer,
  size: number,
  at = -1,
  between = (): void => {},
): void {
  for (let start = 0; start < bytes.length; start += size) {
    if (start <= at && at < start + size) between();
    direction.forward(bytes, start, Math.min(start + size, bytes.length), 'borrowed');
  }
}

const own = Buffer.from('gateway!');

for (const masked of [true, false]) {
  describe(`a direction of ${masked ? 'masked' : 'unmasked'} frames`, () => {
    const first = message('one', masked);
    const second = message('two', masked);
    const ping = control(controlOpcodes.ping, own, masked, ownMask);
    const close = (code: number): Buffer => control(controlOpcodes.close, closePayload(code), masked, ownMask);

    test('passes everything on as it is, in slices of any size', () => {
      const all = Buffer.concat([first, control(controlOpcodes.pong, own, masked), second, Buffer.from('no frame')]);
      for (const size of [1, 2, 3, 7, all.length]) {
        const { direction, received } = directionOf(masked);
        forwardBy(direction, all, size);
        assert.deepEqual(received(), all);
      }
    });

    test('sends a ping at once between two frames, and else at the end of the frame', () => {
      const all = Buffer.concat([first, second]);
      for (let at = 0; at < all.length; at++) {
        const { direction, received } = directionOf(masked);
        forwardBy(direction, all, 1, at, () => direction.ping(own));
        const expected =
          at === 0 ? [ping, first, second] : at <= first.length ? [first, ping, second] : [first, second, ping];
        assert.deepEqual(received(), Buffer.concat(expected), `at ${at}`);
      }
    });

    test('finds the end of the frame within a slice', () => {
      const { direction, received } = directionOf(masked);
      const all = Buffer.concat([first, second]);
      direction.forward(all, 0, 2, 'borrowed');
      direction.ping(own);
      direction.forward(all, 2, all.length, 'borrowed');
      assert.deepEqual(received(), Buffer.concat([first, ping, second]));
    });

    test('sends a ping between the fragments of a message', () => {
      const { direction, received } = directionOf(masked);
      const [begin, rest] = [message('be', masked, 0x01), message('gin', masked, 0x80)];
      direction.forward(begin, 0, begin.length, 'borrowed');
      direction.ping(own);
      direction.forward(rest, 0, rest.length, 'borrowed');
      assert.deepEqual(received(), Buffer.concat([begin, ping, rest]));
    });

    test('sends nothing behind a close frame of the gateway', () => {
      const all = Buffer.concat([first, second]);
      for (let at = 0; at < all.length; at++) {
        const { direction, received } = directionOf(masked);
        forwardBy(direction, all, 1, at, () => direction.close(1001));
        const before = at === 0 ? [] : at <= first.length ? [first] : [first, second];
        assert.deepEqual(received(), Buffer.concat([...before, close(1001)]), `at ${at}`);
        assert.equal(direction.isClosed, true);
        direction.ping(own);
        assert.deepEqual(received(), Buffer.concat([...before, close(1001)]), 'no ping either');
      }
    });

    test('sends nothing of the gateway behind a close frame of the sender', () => {
      const { direction, received } = directionOf(masked);
      const last = control(controlOpcodes.close, closePayload(1000), masked);
      direction.forward(last, 0, last.length, 'borrowed');
      direction.ping(own);
      direction.close(1001);
      assert.deepEqual(received(), last);
      assert.equal(direction.isClosed, false);
    });

    test('sends nothing of the gateway where the bytes are no frames', () => {
      const { direction, received } = directionOf(masked);
      const page = Buffer.from('HTTP/1.1 500 Internal Server Error\r\n\r\n');
      direction.forward(page, 0, page.length, 'borrowed');
      direction.ping(own);
      direction.close(1001);
      forwardBy(direction, page, 3);
      assert.deepEqual(received(), Buffer.concat([page, page]));
    });

    test('keeps the pongs that answer the gateway, and no others, in slices of any size', () => {
      const answer = control(controlOpcodes.pong, own, masked);
      const other = control(controlOpcodes.pong, Buffer.from('mine'), masked);
      const similar = control(controlOpcodes.pong, Buffer.from('gateway?'), masked);
      const asked = control(controlOpcodes.ping, own, masked);
      const all = Buffer.concat([first, answer, other, asked, second, similar, answer, first]);
      for (const size of [1, 2, 3, 5, 11, all.length]) {
        const { direction, received } = directionOf(masked);
        direction.dropPongs(own);
        forwardBy(direction, all, size);
        assert.deepEqual(received(), Buffer.concat([first, other, asked, second, similar, first]), `by ${size}`);
      }
    });

    test('passes a pong on that had begun before the gateway pinged', () => {
      const answer = control(controlOpcodes.pong, own, masked);
      for (let at = 1; at < answer.length; at++) {
        const { direction, received } = directionOf(masked);
        forwardBy(direction, answer, 1, at, () => direction.dropPongs(own));
        assert.deepEqual(received(), answer, `at ${at}`);
      }
    });

    test('passes on what it keeps of a pong when the sender ends', () => {
      const answer = control(controlOpcodes.pong, own, masked);
      for (let length = 1; length < answer.length; length++) {
        const { direction, received } = directionOf(masked);
        direction.dropPongs(own);
        forwardBy(direction, answer.subarray(0, length), 1);
        assert.equal(received().length, 0);
        direction.end();
        assert.deepEqual(received(), answer.subarray(0, length));
        direction.ping(own);
        assert.deepEqual(received(), answer.subarray(0, length), 'nothing follows an end');
      }
    });

    test('passes on what it keeps when it turns out to be no frame', () => {
      const broken = Buffer.concat([Buffer.of(0x8a, masked ? 0x08 : 0x88), Buffer.from('what is this')]);
      for (const size of [1, 2, broken.length]) {
        const { direction, received } = directionOf(masked);
        direction.dropPongs(own);
        forwardBy(direction, broken, size);
        assert.deepEqual(received(), broken, `by ${size}`);
      }
    });

    test('reports that a ping of the sender has passed', () => {
      const { direction } = directionOf(masked);
      direction.forward(first, 0, first.length, 'borrowed');
      assert.equal(direction.hasPassedPing, false);
      const asked = control(controlOpcodes.ping, Buffer.from('there?'), masked);
      direction.forward(asked, 0, asked.length, 'borrowed');
      assert.equal(direction.hasPassedPing, true);
    });
  });
}

test('a receiver without room is reported, wherever the bytes are split', () => {
  let sends = 0;
  const receiver = { send: (): boolean => ++sends !== 1, flush(): void {} };
  const direction = new WebSocketDirection({ masked: false, extended: false }, receiver, () => {});
  direction.dropPongs(own);
  const pong = control(controlOpcodes.pong, own, false);
  const bytes = Buffer.concat([message('one', false), pong, message('two', false)]);
  assert.equal(direction.forward(bytes, 0, bytes.length, 'borrowed'), false);
  assert.equal(sends, 2);
});
