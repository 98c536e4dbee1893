import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from '../../../test/properties.ts';
import { hex } from './hpack.test-support.ts';
import {
  decodeHuffman,
  encodeHuffman,
  huffmanDecodedLength,
  huffmanInvalid,
  huffmanLength,
  huffmanTooLong,
} from './huffman.ts';

/** Of RFC 7541 appendix C. */
const examples: readonly (readonly [text: string, code: string])[] = [
  ['www.example.com', 'f1e3 c2e5 f23a 6ba0 ab90 f4ff'],
  ['no-cache', 'a8eb 1064 9cbf'],
  ['custom-key', '25a8 49e9 5ba9 7d7f'],
  ['custom-value', '25a8 49e9 5bb8 e8b4 bf'],
  ['302', '6402'],
  ['307', '640e ff'],
  ['private', 'aec3 771a 4b'],
  ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff'],
  ['https://www.example.com', '9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3'],
  ['gzip', '9bd9 ab'],
  [
    'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    '94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
  ],
];

function encode(bytes: Uint8Array): Buffer {
  const target = Buffer.alloc(huffmanLength(bytes, 0, bytes.length) + 4, 0x55);
  const end = encodeHuffman(bytes, 0, bytes.length, target, 2);
  assert.equal(end - 2, huffmanLength(bytes, 0, bytes.length));
  assert.equal(target.readUInt16BE(0), 0x5555);
  assert.equal(target.readUInt16BE(end), 0x5555);
  return target.subarray(2, end);
}

function decode(code: Uint8Array, lengthMax = 1000): Buffer | number {
  const target = Buffer.alloc(lengthMax + 3);
  const end = decodeHuffman(code, 0, code.length, target, 1, 1 + lengthMax);
  return end < 0 ? end : target.subarray(1, end);
}

describe('the Huffman code', () => {
  for (const [text, code] of examples)
    it(`has the RFC's bytes for "${text}"`, () => {
      assert.deepEqual(encode(Buffer.from(text)), hex(code));
      assert.deepEqual(decode(hex(code)), Buffer.from(text));
    });

  it('codes single symbols as appendix B has them', () => {
    const codes: readonly (readonly [symbol: number, code: string])[] = [
      [0, 'ffc7'], // 11111111|11000
      [10, 'fffffff3'], // 11111111|11111111|11111111|111100
      [0x5c, 'fffe1f'], // 11111111|11111110|000
      [0xff, 'fffffbbf'], // 11111111|11111111|11111011|10
      [0x7f, 'ffffffcf'], // 11111111|11111111|11111111|1100
      [0x30, '07'], // 00000
    ];
    for (const [symbol, code] of codes) assert.deepEqual(encode(Buffer.from([symbol])), hex(code), String(symbol));
  });

  it('gives back any bytes, and knows both lengths before', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), (bytes) => {
        const code = encode(bytes);
        assert.equal(huffmanDecodedLength(code, 0, code.length), bytes.length);
        assert.deepEqual(decode(code, bytes.length), Buffer.from(bytes));
      }),
    );
  });

  it('is never longer than 30 bits for a byte, nor shorter than five', () => {
    for (let byte = 0; byte < 256; byte++) {
      const length = huffmanLength(
        Uint8Array.from({ length: 8 }, () => byte),
        0,
        8,
      );
      assert.ok(length >= 5 && length <= 30, String(byte));
    }
  });
});

describe('decoding refuses', () => {
  const invalid: readonly (readonly [what: string, code: string])[] = [
    ['padding of eight bits', 'ff'],
    ['padding of eight bits behind a symbol', '1fff'],
    ['long padding', 'ff9fffffff'],
    ['padding that is not all ones', '00'],
    ['padding that is all ones except its last bit', '1e'],
    ['EOS', 'fffffffc'],
    ['EOS behind a symbol', '1fffffffff'],
    ['a symbol that is cut short', 'fffe'],
  ];
  for (const [what, code] of invalid)
    it(what, () => {
      assert.equal(decode(hex(code)), huffmanInvalid);
      assert.equal(huffmanDecodedLength(hex(code), 0, hex(code).length), huffmanInvalid);
    });

  it('a string longer than allowed, and no other', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 100, size: 'max' }),
        fc.nat({ max: 120 }),
        (bytes, lengthMax) => {
          const decoded = decode(encode(bytes), lengthMax);
          if (bytes.length > lengthMax) assert.equal(decoded, huffmanTooLong);
          else assert.deepEqual(decoded, Buffer.from(bytes));
        },
      ),
    );
  });

  it('no bytes by throwing, and writes at most two bytes behind the limit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100, size: 'max' }), fc.nat({ max: 20 }), (code, lengthMax) => {
        const target = Buffer.alloc(200, 0xaa);
        const end = decodeHuffman(code, 0, code.length, target, 0, lengthMax);
        assert.ok(end <= lengthMax);
        assert.ok(target.subarray(lengthMax + 2).every((byte) => byte === 0xaa));
        const length = huffmanDecodedLength(code, 0, code.length);
        if (end >= 0) assert.equal(length, end);
        if (length >= 0 && length <= lengthMax) assert.equal(end, length);
      }),
      { numRuns: 1000 },
    );
  });
});
