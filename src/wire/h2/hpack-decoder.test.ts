import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../../test/properties.ts';
import type { HeaderSectionKind } from './decoded-section.ts';
import { integer, type HeaderPair, hex, literals, TestDecoder } from './hpack.test-support.ts';

interface ExampleBlock {
  readonly block: string;
  readonly headers: readonly HeaderPair[];
  readonly tableBytes: number;
  readonly tableCount: number;
}

const first: readonly HeaderPair[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'www.example.com'],
  [':path', '/'],
];
const requests: readonly (readonly HeaderPair[])[] = [
  first,
  [...first, ['cache-control', 'no-cache']],
  [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'www.example.com'],
    [':path', '/index.html'],
    ['custom-key', 'custom-value'],
  ],
];
const responses: readonly (readonly HeaderPair[])[] = [
  [
    [':status', '302'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '307'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ],
  [
    [':status', '200'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
    ['location', 'https://www.example.com'],
    ['content-encoding', 'gzip'],
    ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ],
];

function example(
  headers: readonly (readonly HeaderPair[])[],
  blocks: readonly (readonly [block: string, tableBytes: number, tableCount: number])[],
): ExampleBlock[] {
  return blocks.map(([block, tableBytes, tableCount], index) => ({
    block,
    headers: headers[index] ?? [],
    tableBytes,
    tableCount,
  }));
}

/** RFC 7541 appendix C. */
const examples: readonly (readonly [section: string, tableBytesMax: number, HeaderSectionKind, ExampleBlock[]])[] = [
  [
    'C.2.1',
    4096,
    'request',
    example(
      [[['custom-key', 'custom-header']]],
      [['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', 55, 1]],
    ),
  ],
  ['C.2.2', 4096, 'request', example([[[':path', '/sample/path']]], [['040c 2f73 616d 706c 652f 7061 7468', 0, 0]])],
  [
    'C.2.3',
    4096,
    'request',
    example([[['password', 'secret']]], [['1008 7061 7373 776f 7264 0673 6563 7265 74', 0, 0]]),
  ],
  ['C.2.4', 4096, 'request', example([[[':method', 'GET']]], [['82', 0, 0]])],
  [
    'C.3',
    4096,
    'request',
    example(requests, [
      ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', 57, 1],
      ['8286 84be 5808 6e6f 2d63 6163 6865', 110, 2],
      ['8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65', 164, 3],
    ]),
  ],
  [
    'C.4',
    4096,
    'request',
    example(requests, [
      ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', 57, 1],
      ['8286 84be 5886 a8eb 1064 9cbf', 110, 2],
      ['8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf', 164, 3],
    ]),
  ],
  [
    'C.5',
    256,
    'response',
    example(responses, [
      [
        `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d
         546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        222,
        4,
      ],
      ['4803 3330 37c1 c0bf', 222, 4],
      [
        `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f
         6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
         2076 6572 7369 6f6e 3d31`,
        215,
        3,
      ],
    ]),
  ],
  [
    'C.6',
    256,
    'response',
    example(responses, [
      [
        `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7
         8f0b 97c8 e9ae 82ae 43d3`,
        222,
        4,
      ],
      ['4883 640e ffc1 c0bf', 222, 4],
      [
        `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
         dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
        215,
        3,
      ],
    ]),
  ],
];

describe('the decoder reads the examples of RFC 7541', () => {
  for (const [section, tableBytesMax, kind, blocks] of examples)
    it(section, () => {
      const decoder = new TestDecoder(tableBytesMax);
      for (const { block, headers, tableBytes, tableCount } of blocks) {
        assert.deepEqual(decoder.decode(hex(block), kind), headers);
        assert.equal(decoder.decoder.tableBytes, tableBytes);
        assert.equal(decoder.decoder.tableCount, tableCount);
      }
    });

  it('C.1: integers', () => {
    // As sizes of the table, in a prefix of five bits as in C.1.1 and C.1.2.
    const decoder = new TestDecoder(1337);
    assert.equal(decoder.tryDecode(hex('2a')), null);
    assert.equal(decoder.tryDecode(hex('3f9a0a')), null);
    assert.equal(decoder.tryDecode(hex('3f9b0a')), 'table-size');
  });
});

describe('the decoder refuses', () => {
  const refused: readonly (readonly [what: string, block: string, error: string])[] = [
    ['index 0', '80', 'index'],
    ['an index behind the tables', 'be', 'index'],
    ['a large index behind the tables', 'ff80 01', 'index'],
    ['a name behind the tables', '7f00 0161', 'index'],
    ['an integer of more bytes than it needs', 'ff80 8080 8000', 'integer'],
    ['an integer of 2^28', 'ff80 8080 8001', 'integer'],
    ['an integer that would be negative with 32 bits', 'ffff ffff ff0f', 'integer'],
    ['a string length that is too large', '0001 617f ffff ffff 7f', 'integer'],
    ['a block that ends within an index', 'ff', 'truncated'],
    ['a block that ends behind a first byte', '40', 'truncated'],
    ['a block that ends within a name', '4003 6161', 'truncated'],
    ['a block that ends behind a name', '4001 61', 'truncated'],
    ['a block that ends within a value', '4001 6102 62', 'truncated'],
    ['a block that ends within a table size', '3f', 'truncated'],
    ['EOS in a value', '0001 6184 ffff fffc', 'huffman'],
    ['long padding in a name', '0081 ff01 61', 'huffman'],
    ['a table larger than allowed', '3fe2 1f', 'table-size'],
    ['three sizes', '2020 20', 'table-size'],
    ['a size behind a field', '8220', 'table-size'],
  ];
  for (const [what, block, error] of refused)
    it(what, () => assert.equal(new TestDecoder(4096).tryDecode(hex(block)), error));

  it('a wrong Huffman code also in a string that is too long to be kept', () => {
    const decoder = new TestDecoder(64, { headersMax: 10, listBytesMax: 64 });
    const long = Buffer.alloc(200, 0x1f);
    assert.equal(
      decoder.tryDecode(Buffer.concat([hex('0001 61'), integer(0x80, 7, 204), long, hex('ffff ffff')])),
      'huffman',
    );
  });
});

describe('the size of the table', () => {
  const insertA = hex('4001 6101 62'); // 34 bytes

  it('is what the encoder says, and entries leave with a smaller one', () => {
    const decoder = new TestDecoder(100);
    decoder.decode(Buffer.concat([insertA, insertA, insertA]));
    assert.equal(decoder.decoder.tableCount, 2);
    decoder.decode(integer(0x20, 5, 67));
    assert.equal(decoder.decoder.tableCount, 1);
    decoder.decode(hex('203f45')); // 0, then 100: an encoder empties the table so.
    assert.equal(decoder.decoder.tableCount, 0);
    decoder.decode(Buffer.concat([insertA, insertA]));
    assert.equal(decoder.decoder.tableCount, 2);
  });

  it('may become larger again, and keeps its entries', () => {
    const decoder = new TestDecoder(4096);
    decoder.decode(Buffer.concat([integer(0x20, 5, 40), insertA]));
    const larger = integer(0x20, 5, 4096);
    assert.deepEqual(decoder.decode(Buffer.concat([larger, hex('4001 6301 64'), hex('bebf')])), [
      ['c', 'd'],
      ['c', 'd'],
      ['a', 'b'],
    ]);
  });

  it('0 keeps nothing', () => {
    const decoder = new TestDecoder(0);
    assert.deepEqual(decoder.decode(Buffer.concat([insertA, insertA])), [
      ['a', 'b'],
      ['a', 'b'],
    ]);
    assert.equal(decoder.decoder.tableCount, 0);
  });

  it('lets an entry go that is larger, and all others with it', () => {
    const decoder = new TestDecoder(100);
    const large = Buffer.concat([hex('4001 6145'), Buffer.alloc(0x45, 0x62)]);
    decoder.decode(Buffer.concat([insertA, large]));
    assert.equal(decoder.decoder.tableCount, 0);
  });

  it('follows the encoder also where nothing is kept of a header', () => {
    const decoder = new TestDecoder(64, { headersMax: 10, listBytesMax: 80 });
    const long = Buffer.concat([integer(0, 7, 300), Buffer.alloc(300, 0x62)]);
    const insertLongValue = Buffer.concat([hex('4001 61'), long]);
    const insertLongName = Buffer.concat([hex('40'), long, hex('0162')]);
    for (const block of [insertLongValue, insertLongName]) {
      decoder.decode(insertA);
      assert.equal(decoder.tryDecode(block), null);
      assert.equal(decoder.section.rule, 'header-section-too-large');
      assert.equal(decoder.decoder.tableCount, 0);
      assert.deepEqual(decoder.decode(Buffer.concat([insertA, hex('be')])).length, 2);
    }
  });
});

/** A model without any care for speed: RFC 7541 §2.3.2 and §4 as they are written. */
function modelOf(tableBytesMax: number): (name: string, value: string) => HeaderPair[] {
  const table: HeaderPair[] = [];
  const size = (): number => table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
  return (name, value) => {
    table.unshift([name, value]);
    while (size() > tableBytesMax) table.pop();
    return table;
  };
}

describe('the dynamic table', () => {
  it('has the entries of the model, in its order, however long they are', () => {
    const text = fc.integer({ min: 1, max: 150 }).map((length) => 'abcdefghij'.repeat(15).slice(0, length));
    const value = fc.tuple(fc.integer({ min: 0, max: 400 }), fc.nat({ max: 9 }));
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 700 }),
        fc.array(fc.tuple(text, value), { maxLength: 60, size: 'max' }),
        (max, entries) => {
          const decoder = new TestDecoder(max);
          const insert = modelOf(max);
          for (const [name, [length, digit]] of entries) {
            const block = literals([name, String(digit).repeat(length)]);
            block[0] = 0x40;
            decoder.decode(block);
            const table = insert(name, String(digit).repeat(length));
            assert.equal(decoder.decoder.tableCount, table.length);
            const indexed = table.map((_, age) => integer(0x80, 7, 62 + age));
            assert.deepEqual(decoder.decode(Buffer.concat(indexed)), table);
          }
        },
      ),
    );
  });
});

describe('any bytes', () => {
  it('are decoded or refused, and memory stays within the limits', () => {
    const limits = { headersMax: 20, listBytesMax: 600 };
    const kind = fc.constantFrom<HeaderSectionKind>('request', 'response', 'trailers');
    const byte = fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0x82, 0x40, 0xbe, 0x41, 0x84, 0x00, 0x01, 0x61),
    );
    fc.assert(
      fc.property(kind, fc.array(fc.array(byte, { maxLength: 300, size: 'large' }), { maxLength: 8 }), (of, blocks) => {
        const decoder = new TestDecoder(200, limits);
        for (const block of blocks) {
          const error = decoder.tryDecode(Buffer.from(block), of);
          assert.ok(decoder.decoder.tableBytes <= 200);
          assert.ok(decoder.section.length <= 600);
          assert.ok(decoder.section.count <= 20);
          assert.ok(decoder.section.listBytes <= 600 || decoder.section.rule !== null || error !== null);
          assert.equal(decoder.section.block?.bytes.length, 4096);
          if (error !== null) break;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
