import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fail } from '#failures/failure.ts';
import { unparsedOf } from '../core/unparsed-bytes.ts';
import { HeadStorage } from '../wire/head-storage.ts';
import { responseLimits } from '../wire/limits.ts';
import { refusedPart } from '../wire/h2/frame-handler.ts';
import { ResponseHeadParser } from '../wire/response-head.ts';
import { withBodyBytes, withHeadBytes } from './unparsed-response.ts';

const failure = () => fail('response_chunk', 'body', { address: 'a:1', rule: 'chunk-size', bytesReceived: 0 });

/** What is kept of a head that comes in these reads, of which the last is refused. */
function headOf(...reads: string[]) {
  const parser = new ResponseHeadParser(responseLimits, new HeadStorage());
  for (const read of reads) {
    const bytes = Buffer.from(read, 'latin1');
    const consumed = parser.push(bytes, 0, bytes.length);
    if (parser.state !== 'refused') continue;
    const kept = unparsedOf(withHeadBytes(failure(), parser, bytes, consumed, bytes.length));
    return { ...kept, bytes: Buffer.from(kept?.bytes ?? []).toString('latin1') };
  }
  throw new Error('nothing was refused');
}

describe('of a head that is refused', () => {
  test('all of it is kept, however it came, with what came behind', () => {
    const whole = 'HTTP/1.1 200 OK\r\nX Y: 1\r\n\r\nbody';
    assert.deepEqual(headOf(whole), { part: 'head', offset: 0, bytes: whole });
    assert.deepEqual(headOf(whole.slice(0, 7), whole.slice(7)), { part: 'head', offset: 0, bytes: whole });
  });

  test('that is long the line is kept that breaks a rule, and 512 bytes at most', () => {
    const before = `HTTP/1.1 200 OK\r\nSet-Cookie: ${'c'.repeat(900)}\r\n`;
    const { offset, bytes } = headOf(`${before}X Y: 1\r\n${'b'.repeat(900)}`);
    assert.equal(offset, before.length);
    assert.equal(bytes, `X Y: 1\r\n${'b'.repeat(504)}`);
  });
});

describe('of the framing of a body that is refused', () => {
  /** `at`: behind the byte that was refused. */
  const cases: readonly (readonly [what: string, read: string, at: number, kept: string])[] = [
    ['a size', '5\r\nhello\r\n5x\r\nworld', 12, '5x\r\nworld'],
    ['a size at the beginning of a read', 'x\r\nworld', 1, 'x\r\nworld'],
    ['a line that ends with LF alone', 'a\r\n5\nhello', 5, '5\nhello'],
    ['data without its end, far behind the last line', `3\r\n${'d'.repeat(400)}XY`, 404, 'XY'],
  ];
  for (const [what, read, at, kept] of cases)
    test(`${what}: from the beginning of the line, if it is near`, () => {
      const bytes = Buffer.from(read, 'latin1');
      const found = unparsedOf(withBodyBytes(failure(), bytes, 0, at, bytes.length));
      assert.equal(Buffer.from(found?.bytes ?? []).toString('latin1'), kept);
    });
});

test('of a frame with headers its own header is kept, of others 512 bytes', () => {
  const frame = (type: number) => Buffer.from([0, 4, 0, type, 0, 0, 0, 0, 1, ...Buffer.alloc(1024, 'c')]);
  const lengths = [0x0, 0x1, 0x5, 0x9, 0x7].map((type) => refusedPart(frame(type), 0, 1033).length);
  assert.deepEqual(lengths, [512, 9, 9, 9, 512]);
});
