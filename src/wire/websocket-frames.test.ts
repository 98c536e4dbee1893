import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from '../../test/properties.ts';
import { closePayload, controlFrame, controlOpcodes, WebSocketFrames } from './websocket-frames.ts';

const mask = [0x11, 0x22, 0x33, 0x44];

/** `first`: the opcode, with FIN and the reserved bits. */
function frame(first: number, payload: Uint8Array, masked: boolean): Buffer {
  const bit = masked ? 0x80 : 0;
  const length = payload.length;
  const extended = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length));
  const short = extended.length === 0 ? length : extended.length === 2 ? 126 : 127;
  const sent = masked ? payload.map((byte, index) => byte ^ (mask[index & 3] as number)) : payload;
  return Buffer.concat([Buffer.of(first, bit | short), extended, Buffer.from(masked ? mask : []), sent]);
}

const closing = (code: number, reason = ''): Buffer => Buffer.concat([closePayload(code), Buffer.from(reason)]);

/** Payloads that contain what looks like a close frame, with each form of a length. */
const before = (masked: boolean): Buffer[] => [
  frame(0x81, Buffer.from('hello'), masked),
  frame(0x89, Buffer.alloc(0), masked),
  frame(0x02, Buffer.alloc(300, 0x88), masked),
  frame(0x8a, Buffer.from('a pong may come amid a message'), masked),
  frame(0x80, Buffer.alloc(70_000, 0x88), masked),
  frame(0x82, Buffer.alloc(0), masked),
];

const framesOf = (masked: boolean, extended = false): WebSocketFrames => new WebSocketFrames({ masked, extended });

/** Reads slices of `size` bytes, and returns where frames ended. */
function readBy(size: number, frames: WebSocketFrames, bytes: Uint8Array): number[] {
  const ends: number[] = [];
  for (let start = 0; start < bytes.length; start += size) {
    const end = Math.min(start + size, bytes.length);
    for (let at = start; at < end; ) {
      const next = frames.read(bytes, at, end);
      assert.ok(next > at && next <= end, 'each call reads at least one byte');
      at = next;
      if (frames.isBetween && !frames.isOver) ends.push(at);
    }
  }
  return ends;
}

interface Found {
  readonly seen: boolean;
  readonly code: number;
  readonly lost: boolean;
}

/** What is found byte by byte and all at once, which must be the same. */
function found(bytes: Buffer, masked: boolean, extended = false): Found {
  const [whole, single] = [framesOf(masked, extended), framesOf(masked, extended)];
  readBy(bytes.length, whole, bytes);
  readBy(1, single, bytes);
  const result = ({ seen, code, lost }: WebSocketFrames): Found => ({ seen, code, lost });
  assert.deepEqual(result(single), result(whole));
  return result(whole);
}

for (const masked of [true, false]) {
  describe(`${masked ? 'masked' : 'unmasked'} frames`, () => {
    const all = before(masked);
    const bytes = Buffer.concat(all);
    const ends = all.map((_, index) => Buffer.concat(all.slice(0, index + 1)).length);

    for (const size of [1, 2, 3, 7, 127, 1000, 65_536, bytes.length])
      test(`end where their bytes end, in slices of ${size}`, () => {
        const frames = framesOf(masked);
        assert.equal(frames.isBetween, true);
        assert.deepEqual(readBy(size, frames, bytes), ends);
        assert.deepEqual([frames.isBetween, frames.seen, frames.lost], [true, false, false]);
      });

    test('end where their bytes end, split anywhere', () => {
      const anyFrame = fc
        .tuple(fc.constantFrom(0x81, 0x82, 0x89, 0x8a), fc.uint8Array({ maxLength: 300 }))
        .map(([first, payload]) => frame(first, first > 0x88 ? payload.subarray(0, 125) : payload, masked));
      fc.assert(
        fc.property(
          fc.array(anyFrame, { minLength: 1, maxLength: 8 }),
          fc.integer({ min: 1, max: 400 }),
          (some, size) => {
            let sum = 0;
            const expected = some.map(({ length }) => (sum += length));
            assert.deepEqual(readBy(size, framesOf(masked), Buffer.concat(some)), expected);
          },
        ),
      );
    });

    test('that are not whole have no end, wherever they stop', () => {
      for (const one of [frame(0x82, Buffer.alloc(200), masked), frame(0x89, Buffer.from('are you there'), masked)])
        for (let length = 1; length < one.length; length++) {
          const frames = framesOf(masked);
          assert.deepEqual(readBy(length, frames, one.subarray(0, length)), []);
          assert.equal(frames.isBetween, false, `after ${length} bytes`);
        }
    });

    test('of control are kept as they came, and compared by their payload', () => {
      const payload = Buffer.from('candor 1');
      const pong = frame(0x8a, payload, masked);
      for (const size of [1, 5, pong.length]) {
        const frames = framesOf(masked);
        readBy(size, frames, pong);
        assert.deepEqual([frames.isPong, frames.isPing], [true, false]);
        assert.deepEqual(Buffer.from(frames.controlBytes), pong);
        assert.equal(frames.carries(payload), true);
        for (const other of ['', 'candor 2', 'candor', 'candor 12'])
          assert.equal(frames.carries(Buffer.from(other)), false, other);
      }
    });

    test('are known by their first byte', () => {
      const frames = framesOf(masked);
      assert.deepEqual([frames.isPing, frames.isPong], [false, false]);
      frames.read(Buffer.of(0x89), 0, 1);
      assert.deepEqual([frames.isPing, frames.isPong], [true, false]);
    });

    test('that the gateway makes are frames of such a sender', () => {
      const own = masked ? Buffer.from(mask) : null;
      for (const payload of [Buffer.alloc(0), Buffer.from('12345678'), Buffer.alloc(125, 7)])
        for (const opcode of [controlOpcodes.ping, controlOpcodes.pong])
          assert.deepEqual(Buffer.from(controlFrame(opcode, payload, own)), frame(0x80 | opcode, payload, masked));
      const close = Buffer.from(controlFrame(controlOpcodes.close, closePayload(1012), own));
      assert.deepEqual(found(close, masked), { seen: true, code: 1012, lost: false });
    });
  });
}

describe('a close frame', () => {
  for (const masked of [true, false]) {
    const kind = masked ? 'masked' : 'not masked';
    test(`is found behind messages of all lengths, however the bytes are split (${kind})`, () => {
      const bytes = Buffer.concat([...before(masked), frame(0x88, closing(1001, 'going away'), masked)]);
      for (const size of [1, 2, 3, 7, 1000, bytes.length]) {
        const frames = framesOf(masked);
        readBy(size, frames, bytes.subarray(0, bytes.length - 1));
        assert.equal(frames.seen, false, `before its end, by ${size}`);
        frames.read(bytes, bytes.length - 1, bytes.length);
        assert.deepEqual([frames.seen, frames.code, frames.lost], [true, 1001, false], `by ${size}`);
      }
    });

    test(`may come without a code (${kind})`, () => {
      assert.deepEqual(found(frame(0x88, Buffer.alloc(0), masked), masked), { seen: true, code: 0, lost: false });
    });

    test(`is the last frame that is read (${kind})`, () => {
      const bytes = Buffer.concat([frame(0x88, closing(1000), masked), frame(0x88, closing(1001), masked)]);
      assert.deepEqual(found(bytes, masked), { seen: true, code: 1000, lost: false });
    });
  }

  for (const code of [1000, 1001, 1003, 1007, 1012, 1014, 1016, 2999, 3000, 4000, 4999])
    test(`may carry ${code}`, () => {
      assert.deepEqual(found(frame(0x88, closing(code), false), false), { seen: true, code, lost: false });
    });

  for (const code of [0, 999, 1004, 1005, 1006, 1015, 5000, 21_584, 65_535])
    test(`does not carry ${code}: that is no WebSocket`, () => {
      for (const masked of [true, false])
        assert.deepEqual(found(frame(0x88, closing(code, 'x'), masked), masked), { seen: false, code: 0, lost: true });
    });
});

describe('no sequence of WebSocket frames, so that no close frame is found in it:', () => {
  const rows: readonly (readonly [what: string, bytes: Buffer, masked?: boolean])[] = [
    ['an HTTP response', Buffer.from('HTTP/1.1 500 Internal Server Error\r\n\r\n')],
    [
      'an HTTP response behind a message',
      Buffer.concat([frame(0x81, Buffer.from('hi'), false), Buffer.from('HTTP/1.1')]),
    ],
    ['text', Buffer.from('panic: runtime error\n')],
    ['text that begins with the opcode of a close frame', Buffer.from('8: closing\n')],
    ['a line end', Buffer.from('\r\n')],
    ['a close frame without FIN', frame(0x08, closing(1000), false)],
    ['a close frame with a reserved bit', frame(0xc8, closing(1000), false)],
    ['a close frame with one byte', frame(0x88, Buffer.of(3), false)],
    ['a close frame that is too long', frame(0x88, closing(1000, 'x'.repeat(124)), false)],
    ['a close frame with a length of 16 bits', Buffer.of(0x88, 126, 0, 2, 3, 0xe8)],
    ['a close frame with a length of 64 bits', Buffer.of(0x88, 127, 0, 0, 0, 0, 0, 0, 0, 2, 3, 0xe8)],
    ['a close frame of a server that is masked', frame(0x88, closing(1000), true)],
    ['a close frame of a client that is not', frame(0x88, closing(1000), false), true],
    ['a message of a server that is masked', frame(0x81, Buffer.from('hi'), true)],
    ['a message of a client that is not', frame(0x81, Buffer.from('hi'), false), true],
    ['a ping in fragments', frame(0x09, Buffer.alloc(0), false)],
    ['a pong that is too long', frame(0x8a, Buffer.alloc(126), false)],
    ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
      (opcode) => [`the unknown opcode ${opcode}`, frame(0x80 | opcode, Buffer.alloc(0), false)] as const,
    ),
    ['a continuation of nothing', frame(0x80, Buffer.from('hi'), false)],
    ['a message amid a message', Buffer.concat([frame(1, Buffer.of(1), false), frame(0x81, Buffer.of(2), false)])],
    ['a reserved bit that no extension explains', frame(0xc1, Buffer.from('hi'), false)],
    ['a length that no message has', Buffer.concat([Buffer.of(0x82, 127), Buffer.alloc(8, 0xff)])],
  ];
  for (const [what, bytes, masked = false] of rows)
    test(what, () => {
      const behind = frame(0x88, closing(1000), masked);
      assert.deepEqual(found(Buffer.concat([bytes, behind]), masked), { seen: false, code: 0, lost: true });
      const frames = framesOf(masked);
      readBy(3, frames, Buffer.concat([bytes, behind]));
      assert.equal(frames.isBetween, false, 'nothing may be written between such bytes');
    });

  test('not a compressed message, where the 101 agreed to an extension', () => {
    for (const masked of [true, false]) {
      const compressed = [frame(0x41, Buffer.from('a'), masked), frame(0x80, Buffer.from('b'), masked)];
      const bytes = Buffer.concat([...compressed, frame(0x88, closing(1000), masked)]);
      assert.deepEqual(found(bytes, masked, true), { seen: true, code: 1000, lost: false });
    }
  });

  test('also there, a control frame with a reserved bit', () => {
    assert.equal(found(frame(0xc8, closing(1000), false), false, true).lost, true);
  });
});
