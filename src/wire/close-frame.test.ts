import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CloseFrameReader } from './close-frame.ts';

const mask = [0x11, 0x22, 0x33, 0x44];

function frame(opcode: number, payload: Uint8Array, masked: boolean): Buffer {
  const bit = masked ? 0x80 : 0;
  const length = payload.length;
  const extended = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8);
  if (extended.length === 2) extended.writeUInt16BE(length);
  if (extended.length === 8) extended.writeBigUInt64BE(BigInt(length));
  const short = extended.length === 0 ? length : extended.length === 2 ? 126 : 127;
  const sent = masked ? payload.map((octet, index) => octet ^ (mask[index & 3] as number)) : payload;
  return Buffer.concat([Buffer.of(0x80 | opcode, bit | short), extended, Buffer.from(masked ? mask : []), sent]);
}

const closing = (code: number, reason = ''): Buffer =>
  Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]);

/** Payloads that hold what looks like a close frame, of each way to say a length. */
const before = (masked: boolean): Buffer[] => [
  frame(1, Buffer.from('hello'), masked),
  frame(9, Buffer.alloc(0), masked),
  frame(2, Buffer.alloc(300, 0x88), masked),
  frame(0, Buffer.alloc(70_000, 0x88), masked),
];

describe('a close frame', () => {
  for (const masked of [true, false]) {
    test(`is found behind messages of all lengths, however the bytes fall (${masked ? '' : 'not '}masked)`, () => {
      const octets = Buffer.concat([...before(masked), frame(8, closing(1001, 'going away'), masked)]);
      for (const size of [1, 2, 3, 7, 1000, octets.length]) {
        const reader = new CloseFrameReader();
        for (let at = 0; at < octets.length; at += size) {
          const isLast = at + size >= octets.length;
          const seen = reader.push(octets, at, Math.min(at + size, octets.length));
          if (!isLast && at + size < octets.length - 20) assert.equal(seen, false, `before its end, by ${size}`);
        }
        assert.deepEqual([reader.seen, reader.code, reader.lost], [true, 1001, false], `by ${size}`);
      }
    });
  }

  test('may come without a code', () => {
    const reader = new CloseFrameReader();
    const octets = frame(8, Buffer.alloc(0), true);
    assert.equal(reader.push(octets, 0, octets.length), true);
    assert.equal(reader.code, 0);
  });

  test('is not found in what is no WebSocket: a length that no message has ends the search', () => {
    const reader = new CloseFrameReader();
    const octets = Buffer.concat([Buffer.of(0x82, 127), Buffer.alloc(8, 0xff), frame(8, closing(1000), false)]);
    assert.equal(reader.push(octets, 0, octets.length), false);
    assert.equal(reader.lost, true);
  });
});
