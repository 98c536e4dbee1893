import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from '../../../test/properties.ts';
import { HeaderBlockWriter } from './hpack-encoder.ts';
import { type HeaderPair, hex, TestDecoder } from './hpack.test-support.ts';
import { staticEntries } from './hpack-table.ts';
import { staticIndexOf, staticNameIndex } from './static-names.ts';

function block(writer: HeaderBlockWriter): Buffer {
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

function written(write: (writer: HeaderBlockWriter) => void, announceNoTable = false): Buffer {
  const writer = new HeaderBlockWriter();
  writer.begin(announceNoTable);
  write(writer);
  return block(writer);
}

function writtenLines(lines: string): Buffer {
  const bytes = Buffer.from(`before${lines}behind`, 'latin1');
  return written((writer) => writer.headerLines(bytes, 6, bytes.length - 6));
}

describe('the encoder writes', () => {
  const blocks: readonly (readonly [what: string, write: (writer: HeaderBlockWriter) => void, block: string])[] = [
    ['a status of the static table as one byte', (writer) => writer.status(404), '8d'],
    ['another status as a literal', (writer) => writer.status(103), '08 03 313033'],
    [
      'a request with entries of the static table where it has them',
      (writer) => writer.pseudo('GET', 'https', 'a', '/'),
      '82 87 01 01 61 84',
    ],
    ['a request with literals', (writer) => writer.pseudo('PUT', 'http', null, '/x'), '02 03 505554 86 04 02 2f78'],
    [
      'CONNECT without scheme and path',
      (writer) => writer.pseudo('CONNECT', null, 'a:1', null),
      '02 07 434f4e4e454354 01 03 613a31',
    ],
    [
      'an extended CONNECT',
      (writer) => writer.pseudo('CONNECT', 'https', 'a', '/', 'websocket'),
      '02 07 434f4e4e454354 87 01 01 61 84 00 09 3a70726f746f636f6c 09 776562736f636b6574',
    ],
    ['a name of the static table by its index', (writer) => writer.header('Accept', 'x'), '0f 04 01 78'],
    ['another name in lowercase', (writer) => writer.header('X-A', 'Y'), '00 03 782d61 01 59'],
    ['an empty value', (writer) => writer.header('x', ''), '00 01 78 00'],
    ['credentials as never indexed', (writer) => writer.header('Authorization', 'x'), '1f 08 01 78'],
    ['credentials for a proxy as never indexed', (writer) => writer.header('proxy-authorization', 'x'), '1f 22 01 78'],
    ['a short cookie as never indexed', (writer) => writer.header('cookie', 'a=1'), '1f 11 03 613d31'],
    ['a short Set-Cookie as never indexed', (writer) => writer.header('set-cookie', 'a=1'), '1f 28 03 613d31'],
    [
      'a long cookie as another field, since nobody can guess it',
      (writer) => writer.header('cookie', '01234567890123456789'),
      '0f 11 14 3031323334353637383930313233343536373839',
    ],
  ];
  for (const [what, write, bytes] of blocks) it(what, () => assert.deepEqual(written(write), hex(bytes)));

  it('that it needs no table, before anything else, if asked', () => {
    assert.deepEqual(
      written((writer) => writer.status(200), true),
      hex('20 88'),
    );
    assert.deepEqual(
      new TestDecoder(0).decode(
        written((writer) => writer.status(200), true),
        'response',
      ),
      [[':status', '200']],
    );
  });

  it('lines as headers, without the white space around values', () => {
    const lines = 'Accept: x\r\nx-a:y\r\nX-B:\t z \t\r\nX-C:\r\nServer: a b\r\n';
    assert.deepEqual(new TestDecoder().decode(writtenLines(lines)), [
      ['accept', 'x'],
      ['x-a', 'y'],
      ['x-b', 'z'],
      ['x-c', ''],
      ['server', 'a b'],
    ]);
  });

  it('the same lines with Huffman code from the second time on, wherever they stand', () => {
    const lines = 'Content-Type: text/html; charset=utf-8\r\nX-Frame-Options: DENY\r\n\r\n'.slice(0, -2);
    const first = writtenLines(lines);
    const second = writtenLines(lines);
    const third = writtenLines(lines);
    assert.ok(second.length < first.length * 0.85, `${second.length} of ${first.length}`);
    assert.deepEqual(third, second);
    const writer = new HeaderBlockWriter();
    writer.begin();
    const bytes = Buffer.from(lines, 'latin1');
    for (let time = 0; time < 3; time++) writer.headerLines(bytes, 0, bytes.length);
    assert.deepEqual(block(writer), Buffer.concat([second, second, second]));
    const decoder = new TestDecoder();
    assert.deepEqual(decoder.decode(second), decoder.decode(first));
    assert.equal(decoder.decoder.tableCount, 0);
  });

  it('a name as it is, whose Huffman code would be longer', () => {
    const lines = "x!#$&'^|~: some value that is long enough\r\n";
    for (let time = 0; time < 3; time++) assert.ok(writtenLines(lines).includes("x!#$&'^|~"));
  });

  it('credentials as never indexed also from the second time on', () => {
    const lines = 'X-Frame-Options: DENY\r\nAuthorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l\r\n';
    for (let time = 0; time < 3; time++) {
      const bytes = writtenLines(lines);
      assert.ok(bytes.includes(hex('1f08')), bytes.toString('hex'));
    }
  });

  it('each of a thousand different runs as it is, so that the memo never mixes them', () => {
    const writer = new HeaderBlockWriter();
    const decoder = new TestDecoder();
    for (let time = 0; time < 3; time++) {
      for (let run = 0; run < 1000; run++) {
        const bytes = Buffer.from(`X-Run-Number: ${run}\r\nX-Other: ${run % 7}\r\n`);
        writer.begin();
        writer.headerLines(bytes, 0, bytes.length);
        assert.deepEqual(decoder.decode(block(writer)), [
          ['x-run-number', String(run)],
          ['x-other', String(run % 7)],
        ]);
      }
    }
  });
});

describe('what is encoded and then decoded', () => {
  const name = fc.oneof(
    fc.constantFrom('accept', 'etag', 'authorization', 'set-cookie', 'x-forwarded-for', 'content-length'),
    fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,200}$/),
  );
  const text = fc.array(fc.oneof(fc.integer({ min: 0x21, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff })), {
    maxLength: 400,
    size: 'large',
  });
  const value = text.map((bytes) => Buffer.from(bytes).toString('latin1'));
  const headers = fc
    .array(fc.tuple(name, value), { maxLength: 12 })
    // Those have rules of their own.
    .filter((pairs) => !pairs.some(([n]) => ['te', 'upgrade', 'cookie', 'connection'].includes(n)));
  const inAnyCase = (text: string): string => text.replace(/[aeiou]/g, (letter) => letter.toUpperCase());

  it('is the same, header by header', () => {
    fc.assert(
      fc.property(headers, (pairs: readonly HeaderPair[]) => {
        const bytes = written((writer) => {
          for (const [n, v] of pairs) writer.header(inAnyCase(n), v);
        });
        assert.deepEqual(new TestDecoder().decode(bytes), pairs);
      }),
    );
  });

  it('is the same, in lines, the first time and later', () => {
    fc.assert(
      fc.property(headers, (pairs: readonly HeaderPair[]) => {
        const lines = pairs.map(([n, v]) => `${inAnyCase(n)}: ${v}\r\n`).join('');
        for (let time = 0; time < 3; time++) assert.deepEqual(new TestDecoder().decode(writtenLines(lines)), pairs);
      }),
    );
  });

  it('is the same for names and values of any length', () => {
    for (let length = 1; length < 600; length++) {
      const pair: HeaderPair = ['x'.repeat(length), 'v'.repeat(600 - length)];
      const line = `${pair[0]}: ${pair[1]}\r\n`;
      const decoder = new TestDecoder();
      assert.deepEqual(decoder.decode(written((writer) => writer.header(...pair))), [pair]);
      for (let time = 0; time < 2; time++) assert.deepEqual(decoder.decode(writtenLines(line)), [pair]);
    }
    for (const length of [16_510, 16_511, 16_512, 70_000]) {
      const pair: HeaderPair = ['x-large', 'v'.repeat(length)];
      assert.deepEqual(new TestDecoder().decode(writtenLines(`x-large: ${pair[1]}\r\n`)), [pair]);
    }
  });

  it('is the same in a block of many lines', () => {
    const pairs = Array.from({ length: 300 }, (_, index): HeaderPair => [`x-${index}`, 'v'.repeat(index)]);
    const lines = pairs.map(([n, v]) => `${n}: ${v}\r\n`).join('');
    assert.deepEqual(new TestDecoder().decode(writtenLines(lines)), pairs);
  });

  it('is the same for any request', () => {
    const part = fc.option(value.filter((v) => v.length > 0));
    fc.assert(
      fc.property(part, part, part, part, part, (method, scheme, authority, path, protocol) => {
        const decoder = new TestDecoder();
        decoder.decode(written((writer) => writer.pseudo(method ?? 'GET', scheme, authority, path, protocol)));
        const { section } = decoder;
        assert.deepEqual(
          [section.method, section.scheme, section.authority, section.path, section.protocol],
          [method ?? 'GET', scheme, authority, path, protocol],
        );
      }),
    );
  });

  it('is the same for every status', () => {
    const decoder = new TestDecoder();
    for (let code = 100; code < 1000; code++)
      assert.deepEqual(
        decoder.decode(
          written((writer) => writer.status(code)),
          'response',
        ),
        [[':status', String(code)]],
      );
  });
});

describe('the names of the static table', () => {
  it('are found by their bytes, with their first index', () => {
    const seen = new Set<string>();
    staticEntries.forEach(([name], index) => {
      const bytes = Buffer.from(`<${name}>`);
      assert.equal(staticNameIndex(bytes, 1, bytes.length - 1), staticIndexOf(name));
      if (!seen.has(name)) assert.equal(staticIndexOf(name), index + 1);
      seen.add(name);
    });
  });

  it('and no others', () => {
    for (const [name] of staticEntries) {
      for (let at = 0; at < name.length; at++) {
        const other = Buffer.from(`${name.slice(0, at)}!${name.slice(at + 1)}`);
        assert.equal(staticNameIndex(other, 0, other.length), 0, String(other));
      }
      assert.equal(staticNameIndex(Buffer.from(`${name}x`), 0, name.length + 1), 0);
    }
  });
});
