import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CloseFrameReader } from './close-frame.ts';

const mask = [0x11, 0x22, 0x33, 0x44];

/** `first`: the opcode, with FIN and the reserved bits where they differ from those of a whole message. */
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

const closing = (code: number, reason = ''): Buffer =>
  Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]);

/** Payloads that hold what looks like a close frame, of each way to say a length. */
const before = (masked: boolean): Buffer[] => [
  frame(0x81, Buffer.from('hello'), masked),
  frame(0x89, Buffer.alloc(0), masked),
  frame(0x02, Buffer.alloc(300, 0x88), masked),
  frame(0x8a, Buffer.from('a ping may come amid a message'), masked),
  frame(0x80, Buffer.alloc(70_000, 0x88), masked),
];

const readerOf = (masked: boolean, extended = false): CloseFrameReader => new CloseFrameReader({ masked, extended });

/** What a reader finds, told byte by byte and all at once; both must agree. */
function found(bytes: Buffer, masked: boolean, extended = false): { seen: boolean; code: number; lost: boolean } {
  const [whole, single] = [readerOf(masked, extended), readerOf(masked, extended)];
  whole.push(bytes, 0, bytes.length);
  for (let at = 0; at < bytes.length; at++) single.push(bytes, at, at + 1);
  const result = ({ seen, code, lost }: CloseFrameReader) => ({ seen, code, lost });
  assert.deepEqual(result(single), result(whole));
  return result(whole);
}

describe('a close frame', () => {
  for (const masked of [true, false]) {
    test(`is found behind messages of all lengths, however the bytes fall (${masked ? '' : 'not '}masked)`, () => {
      const bytes = Buffer.concat([...before(masked), frame(0x88, closing(1001, 'going away'), masked)]);
      for (const size of [1, 2, 3, 7, 1000, bytes.length]) {
        const reader = readerOf(masked);
        for (let at = 0; at < bytes.length; at += size) {
          const isLast = at + size >= bytes.length;
          const seen = reader.push(bytes, at, Math.min(at + size, bytes.length));
          if (!isLast) assert.equal(seen, false, `before its end, by ${size}`);
        }
        assert.deepEqual([reader.seen, reader.code, reader.lost], [true, 1001, false], `by ${size}`);
      }
    });

    test(`may come without a code (${masked ? '' : 'not '}masked)`, () => {
      assert.deepEqual(found(frame(0x88, Buffer.alloc(0), masked), masked), { seen: true, code: 0, lost: false });
    });
  }

  for (const code of [1000, 1001, 1003, 1007, 1014, 1016, 2999, 3000, 4000, 4999])
    test(`may carry ${code}`, () => {
      assert.deepEqual(found(frame(0x88, closing(code), false), false), { seen: true, code, lost: false });
    });

  for (const code of [0, 999, 1004, 1005, 1006, 1015, 5000, 21_584, 65_535])
    test(`carries no ${code}: that is no WebSocket`, () => {
      for (const masked of [true, false])
        assert.deepEqual(found(frame(0x88, closing(code, 'x'), masked), masked), { seen: false, code: 0, lost: true });
    });

  test('is none before all of its payload has come', () => {
    for (const masked of [true, false]) {
      const bytes = frame(0x88, closing(1000, 'and a reason'), masked);
      const reader = readerOf(masked);
      assert.equal(reader.push(bytes, 0, bytes.length - 1), false);
      assert.equal(reader.push(bytes, bytes.length - 1, bytes.length), true);
    }
  });
});

describe('what is no sequence of WebSocket frames ends the search:', () => {
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
    ['a ping in parts', frame(0x09, Buffer.alloc(0), false)],
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
      const result = found(Buffer.concat([bytes, behind]), masked);
      assert.deepEqual(result, { seen: false, code: 0, lost: true });
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
