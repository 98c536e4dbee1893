import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  callBytesMin,
  charCodeAt,
  copyBytes,
  digitsBytesMax,
  digitsValueMax,
  writeDigits,
  writeText,
} from './copy-bytes.ts';

/** Lengths around the point where a call replaces the loop. */
const lengths = [0, 1, callBytesMin - 1, callBytesMin, callBytesMin + 1, 300];
const unwritten = 0xee;

/** Each byte has the value of its position. */
const source = Uint8Array.from({ length: 400 }, (_, at) => at % 251);

describe('copyBytes', () => {
  for (const length of lengths)
    it(`copies ${length} bytes from the middle of one to the middle of the other, and touches no others`, () => {
      const target = Buffer.alloc(400, unwritten);
      copyBytes(source, 7, 7 + length, target, 31);
      const expected = Buffer.alloc(400, unwritten);
      expected.set(source.subarray(7, 7 + length), 31);
      assert.deepEqual(target, expected);
    });
});

describe('writeText', () => {
  for (const length of lengths)
    it(`writes ${length} characters of Latin-1, a byte each, and says where they end`, () => {
      const text = Array.from({ length }, (_, at) => String.fromCharCode(255 - (at % 256))).join('');
      const target = Buffer.alloc(400, unwritten);
      assert.equal(writeText(target, 31, text), 31 + length);
      const expected = Buffer.alloc(400, unwritten);
      expected.set(Buffer.from(text, 'latin1'), 31);
      assert.deepEqual(target, expected);
    });
});

describe('writeDigits', () => {
  const powers = Array.from({ length: digitsBytesMax }, (_, power) => 10 ** power);
  for (const value of [0, ...powers.flatMap((power) => [power - 1, power, power + 1]), digitsValueMax])
    it(`writes ${value} as String does, and touches no byte beside it`, () => {
      const target = Buffer.alloc(20, unwritten);
      const expected = Buffer.alloc(20, unwritten);
      assert.equal(writeDigits(target, 5, value), 5 + expected.write(String(value), 5));
      assert.deepEqual(target, expected);
    });
});

describe('charCodeAt', () => {
  it('says what the method says, of texts of every sort', () => {
    const long = 'abcdefghijklmnopqrstuvwxyz';
    for (const text of ['flat', `${long}${long.length}`, `${long}${long}`.slice(20, 40), 'ÿ\u2026'])
      for (let index = 0; index < text.length; index++) assert.equal(charCodeAt(text, index), text.charCodeAt(index));
  });
});
