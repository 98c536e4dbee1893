import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { headerFilter, headerId } from '../../core/header-names.ts';
import { HeadStorage } from '../head-storage.ts';
import { DecodedSection, type HeaderSectionKind } from './decoded-section.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { type HeaderPair, literals, pairsOf, spanPairsOf, TestDecoder, wideLimits } from './hpack.test-support.ts';

const get: readonly HeaderPair[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':path', '/'],
];

interface RefusedSection {
  readonly what: string;
  readonly kind?: HeaderSectionKind;
  readonly headers: readonly HeaderPair[];
  readonly rule: string | null;
  readonly name?: string;
}

const sections: readonly RefusedSection[] = [
  { what: 'an empty name', headers: [['', 'x']], rule: 'header-name', name: '' },
  { what: 'a space in a name', headers: [['a b', 'x']], rule: 'header-name', name: 'a b' },
  { what: 'a colon in a name', headers: [['a:b', 'x']], rule: 'header-name', name: 'a:b' },
  { what: 'CR LF in a name', headers: [['a\r\nb', 'x']], rule: 'header-name', name: 'a\\x0d\\x0ab' },
  { what: 'a byte above 127 in a name', headers: [['\xe9', 'x']], rule: 'header-name', name: '\\xe9' },
  { what: 'an uppercase letter in a name', headers: [['Accept', 'x']], rule: 'header-name-case', name: 'Accept' },
  { what: 'NUL in a value', headers: [['a', 'x\0y']], rule: 'header-value' },
  { what: 'CR in a value', headers: [['a', 'x\ry']], rule: 'header-value' },
  { what: 'LF in a value', headers: [['a', 'x\n']], rule: 'header-value' },
  { what: 'DEL in a long value', headers: [['a', `${'x'.repeat(50)}\x7f${'x'.repeat(50)}`]], rule: 'header-value' },
  { what: 'CR LF in a pseudo-header', headers: [[':path', '/\r\nx: y']], rule: 'header-value', name: ':path' },
  { what: 'a space before a value', headers: [['a', ' x']], rule: 'header-value-blank' },
  { what: 'a tab behind a value', headers: [['a', 'x\t']], rule: 'header-value-blank' },
  { what: 'a value of one space', headers: [['a', ' ']], rule: 'header-value-blank' },
  { what: 'a space before a path', headers: [[':path', ' /']], rule: 'header-value-blank', name: ':path' },
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map(
    (name): RefusedSection => ({ what: name, headers: [[name, 'x']], rule: 'connection-header', name }),
  ),
  { what: 'TE with a coding', headers: [['te', 'gzip, trailers']], rule: 'connection-header', name: 'te' },
  { what: 'an unknown pseudo-header', headers: [[':host', 'x']], rule: 'pseudo-header-unknown', name: ':host' },
  { what: 'a pseudo-header in capitals', headers: [[':Path', '/']], rule: 'pseudo-header-unknown', name: ':Path' },
  { what: 'a colon alone', headers: [[':', '/']], rule: 'pseudo-header-unknown', name: ':' },
  { what: 'a second method', headers: [...get, [':method', 'GET']], rule: 'pseudo-header-repeated', name: ':method' },
  {
    what: 'a second authority',
    headers: [
      [':authority', ''],
      [':authority', 'a'],
    ],
    rule: 'pseudo-header-repeated',
    name: ':authority',
  },
  {
    what: 'a pseudo-header behind a field',
    headers: [
      ['a', 'x'],
      [':path', '/'],
    ],
    rule: 'pseudo-header-late',
    name: ':path',
  },
  { what: 'a status in a request', headers: [[':status', '200']], rule: 'pseudo-header-kind', name: ':status' },
  {
    what: 'a method in a response',
    kind: 'response',
    headers: [[':method', 'GET']],
    rule: 'pseudo-header-kind',
    name: ':method',
  },
  {
    what: 'a status in trailers',
    kind: 'trailers',
    headers: [[':status', '200']],
    rule: 'pseudo-header-kind',
    name: ':status',
  },
  {
    what: 'the first of two broken rules',
    headers: [
      ['A', 'x'],
      ['b', '\n'],
    ],
    rule: 'header-name-case',
    name: 'A',
  },
];

describe('a section is refused for', () => {
  for (const { what, kind = 'request', headers, rule, name = 'a' } of sections)
    it(what, () => {
      const decoder = new TestDecoder();
      assert.equal(decoder.tryDecode(literals(...headers), kind), null);
      assert.equal(decoder.section.rule, rule);
      assert.equal(decoder.section.brokenName, name);
      // And what the table holds is refused each time.
      const inserted = literals(...headers.slice(-1));
      inserted[0] = 0x40;
      const first = decoder.section.rule;
      if (headers.length > 1) return;
      for (const block of [inserted, Buffer.from([0xbe])]) {
        assert.equal(decoder.tryDecode(block, kind), null);
        assert.equal(decoder.section.rule, first);
      }
    });

  it('too many lines, with the limit itself allowed', () => {
    const decoder = new TestDecoder(4096, { headersMax: 3, listBytesMax: 10_000 });
    const header: HeaderPair = ['x-a', '1'];
    assert.equal(decoder.decode(literals(...get, header, header, header)).length, 6);
    decoder.tryDecode(literals(...get, header, header, header, ['x-b', '2']));
    assert.equal(decoder.section.rule, 'too-many-headers');
    assert.equal(decoder.section.brokenName, 'x-b');
  });

  it('its size by RFC 9113 §6.5.2, with the limit itself allowed, and the size is counted to the end', () => {
    const size = 7 + 3 + 32 + (1 + 10 + 32);
    const block = literals([':method', 'GET'], ['a', '0123456789']);
    for (const [listBytesMax, rule] of [
      [size, null],
      [size - 1, 'header-section-too-large'],
    ] as const) {
      const decoder = new TestDecoder(0, { headersMax: 10, listBytesMax });
      decoder.tryDecode(Buffer.concat([block, literals()]));
      assert.equal(decoder.section.rule, rule);
      assert.equal(decoder.section.listBytes, size);
      decoder.tryDecode(Buffer.concat([block, block.subarray(13)]));
      assert.ok(decoder.section.listBytes > size);
    }
  });

  it('a header that alone is longer than the limit, whose name is the evidence', () => {
    const decoder = new TestDecoder(100, { headersMax: 10, listBytesMax: 200 });
    assert.equal(decoder.tryDecode(literals(['x-large', 'v'.repeat(5000)])), null);
    assert.equal(decoder.section.rule, 'header-section-too-large');
    assert.equal(decoder.section.brokenName, 'x-large');
    assert.equal(decoder.section.listBytes, 7 + 5000 + 32);
    // It is not kept, and so not looked at.
    decoder.tryDecode(literals(['x-large', '\0'.repeat(5000)]));
    assert.equal(decoder.section.rule, 'header-section-too-large');
  });
});

describe('a section accepts', () => {
  const accepted: readonly (readonly [what: string, kind: HeaderSectionKind, headers: readonly HeaderPair[]])[] = [
    ['an empty value', 'request', [['a', '']]],
    ['blanks and bytes above 127 within a value', 'request', [['a', 'x \t y\xff\x80z']]],
    ['TE: trailers', 'request', [['te', 'trailers']]],
    ['every mark of a token in a name', 'request', [["!#$%&'*+-.^_`|~09az", 'x']]],
    [
      'an extended CONNECT',
      'request',
      [
        [':method', 'CONNECT'],
        [':protocol', 'websocket'],
      ],
    ],
    ['an empty path, for its reader to judge', 'request', [[':path', '']]],
    ['trailers', 'trailers', [['grpc-status', '0']]],
    ['no field at all', 'trailers', []],
    [
      'a status',
      'response',
      [
        [':status', '103'],
        ['link', '</a>'],
      ],
    ],
  ];
  for (const [what, kind, headers] of accepted)
    it(what, () => assert.deepEqual(new TestDecoder().decode(literals(...headers), kind), headers));
});

describe('the headers of a section', () => {
  it('are those of HTTP/1: readable by name, and copied as runs of lines', () => {
    const decoder = new TestDecoder();
    decoder.decode(
      literals(...get, ['host', 'a.example'], ['accept', 'x'], ['x-a', '1'], ['x_forwarded_for', 'me'], ['x-a', '2']),
    );
    const headers = decoder.section.headers();
    assert.equal(headers.get('x-a'), '1, 2');
    assert.equal(headers.get('host'), 'a.example');
    assert.equal(headers.hasId(headerId('accept')), true);
    assert.equal(headers.hasId(headerId('cookie')), false);
    const runs: string[] = [];
    headers.writeTo(
      {
        header: () => assert.fail('fields are copied'),
        headerLines: (bytes, start, end) => void runs.push(Buffer.from(bytes.subarray(start, end)).toString('latin1')),
      },
      headerFilter([]),
    );
    // Host is written by the writer, and a disguised name goes no further.
    assert.deepEqual(runs, ['accept: x\r\nx-a: 1\r\n', 'x-a: 2\r\n']);
  });

  it('have their known names in both masks', () => {
    const decoder = new TestDecoder();
    decoder.decode(literals(['accept', 'x'], ['server', 'y'], ['x-client-cert', 'z']));
    assert.equal(decoder.section.seenLow & ~1, 1 << headerId('accept'));
    assert.equal(decoder.section.seenHigh, 1 << (headerId('server') - 32));
  });

  it('survive the next section once their block is taken', () => {
    const storage = new HeadStorage();
    const section = new DecodedSection(storage);
    const decoder = new HpackDecoder(4096);
    const decode = (block: Buffer): void => {
      section.begin('request', wideLimits);
      assert.equal(decoder.decode(block, 0, block.length, section), null);
    };
    decode(literals(['x-a', '1']));
    const headers = section.headers();
    const block = section.takeBlock();
    decode(literals(['x-b', '2']));
    assert.equal(headers.get('x-a'), '1');
    assert.equal(headers.get('x-b'), null);
    storage.release(block);
    section.release();
    assert.equal(storage.keptBlocks, 2);
  });

  it('end anywhere in a block, also at its last byte', () => {
    for (let length = 4000; length < 4110; length++) {
      // The last line is short, so that it is copied in steps, and has 17 bytes, so that the last step goes beyond it.
      const headers: HeaderPair[] = [
        ['a', 'v'.repeat(length - 20)],
        ['b', 'v'.repeat(12)],
      ];
      const decoder = new TestDecoder();
      assert.deepEqual(decoder.decode(literals(...headers)), headers, String(length));
      assert.deepEqual(decoder.section.headers().get('b'), 'v'.repeat(12));
    }
  });

  it('may be many', () => {
    const headers = Array.from({ length: 500 }, (_, index): HeaderPair => [`x-${index}`, String(index)]);
    const decoder = new TestDecoder();
    assert.deepEqual(decoder.decode(literals(...headers)), headers);
    assert.deepEqual(spanPairsOf(decoder.section), headers);
  });

  it('grow into larger blocks, whatever their number and length', () => {
    const value = fc.integer({ min: 0, max: 3000 }).map((length) => 'v'.repeat(length));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 120, size: 'max' }), (values) => {
        const headers = values.map((text, index): HeaderPair => [`x-${index}`, text]);
        const decoder = new TestDecoder();
        assert.deepEqual(decoder.decode(literals(...headers)), headers);
        assert.deepEqual(spanPairsOf(decoder.section), headers);
      }),
      { numRuns: 30 },
    );
  });
});

describe('cookies become one line (RFC 9113 §8.2.3)', () => {
  const cases: readonly (readonly [what: string, before: readonly HeaderPair[], after: readonly HeaderPair[]])[] = [
    [
      'where they follow each other',
      [
        ['a', '1'],
        ['cookie', 'x=1'],
        ['cookie', 'y=2'],
        ['cookie', 'z'],
        ['b', '2'],
      ],
      [
        ['a', '1'],
        ['cookie', 'x=1; y=2; z'],
        ['b', '2'],
      ],
    ],
    [
      'where others stand between them: at the end',
      [
        ['cookie', 'x=1'],
        ['a', '1'],
        ['cookie', 'y=2'],
        ['b', '2'],
        ['cookie', 'z=3'],
        ['c', ''],
      ],
      [
        ['a', '1'],
        ['b', '2'],
        ['c', ''],
        ['cookie', 'x=1; y=2; z=3'],
      ],
    ],
    [
      'where one is long',
      [
        ['cookie', 'x'.repeat(5000)],
        ['cookie', 'y'.repeat(300)],
      ],
      [['cookie', `${'x'.repeat(5000)}; ${'y'.repeat(300)}`]],
    ],
    [
      'where one is empty',
      [
        ['cookie', ''],
        ['cookie', 'y'],
      ],
      [['cookie', '; y']],
    ],
    ['where there is one', [['cookie', 'x=1']], [['cookie', 'x=1']]],
  ];
  for (const [what, before, after] of cases)
    it(what, () => {
      const decoder = new TestDecoder();
      assert.deepEqual(decoder.decode(literals(...before)), after);
      assert.deepEqual(spanPairsOf(decoder.section), after);
      assert.equal(decoder.section.headers().get('cookie'), after.find(([name]) => name === 'cookie')?.[1]);
    });

  it('and leave no trace in the next section', () => {
    const decoder = new TestDecoder();
    decoder.decode(literals(['cookie', 'x'], ['a', '1'], ['cookie', 'y']));
    assert.deepEqual(decoder.decode(literals(['a', '1'])), [['a', '1']]);
    assert.deepEqual(decoder.decode(literals(['cookie', 'x'])), [['cookie', 'x']]);
  });

  it('and each counts for the size of the section, and all as one line', () => {
    const decoder = new TestDecoder(4096, { headersMax: 1, listBytesMax: 10_000 });
    decoder.decode(literals(['cookie', 'x=1'], ['cookie', 'y=2']));
    assert.equal(decoder.section.listBytes, 2 * (6 + 3 + 32));
  });

  it('in any order with other headers', () => {
    const header = fc.tuple(fc.constantFrom('cookie', 'x-a', 'x-b'), fc.stringMatching(/^[a-z]{0,40}$/));
    fc.assert(
      fc.property(fc.array(header, { maxLength: 30, size: 'max' }), (headers) => {
        const decoder = new TestDecoder();
        decoder.decode(literals(...headers));
        const others = headers.filter(([name]) => name !== 'cookie');
        const cookies = headers.filter(([name]) => name === 'cookie').map(([, value]) => value);
        const pairs = pairsOf(decoder.section);
        assert.deepEqual(pairs, spanPairsOf(decoder.section));
        assert.deepEqual(
          pairs.filter(([name]) => name !== 'cookie'),
          others,
        );
        assert.deepEqual(
          pairs.filter(([name]) => name === 'cookie').map(([, value]) => value),
          cookies.length === 0 ? [] : [cookies.join('; ')],
        );
      }),
    );
  });
});
