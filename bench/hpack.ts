import { HeadStorage } from '../src/wire/head-storage.ts';
import { DecodedSection } from '../src/wire/h2/decoded-section.ts';
import { HpackDecoder } from '../src/wire/h2/hpack-decoder.ts';
import { HeaderBlockWriter } from '../src/wire/h2/hpack-encoder.ts';
import { encodeHuffman } from '../src/wire/h2/huffman.ts';
import { browserHeaders } from './browser-headers.ts';
import { measure } from './measure-call.ts';
import { NewEachTime } from './new-each-time.ts';

/**
 * Measures how long HPACK takes for one message, in nanoseconds of CPU: `node bench/hpack.ts`. The request has 15 headers, of which four
 * are pseudo-headers; the response has 10 lines and its status.
 */
const limits = { headersMax: 100, listBytesMax: 32 * 1024 };
const requestHeaders: readonly (readonly [name: string, value: string])[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'shop.example.org'],
  [':path', '/orders?page=3'],
  ...browserHeaders.map((line): [string, string] => {
    const colon = line.indexOf(': ');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)];
  }),
];

/** Every header as a literal that goes into the table, in Huffman code as browsers have it where `isCoded`. */
function literalRequest(firstByte: number, isCoded: boolean): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of requestHeaders)
    parts.push(Buffer.from([firstByte]), text(name, isCoded), text(value, isCoded));
  return Buffer.concat(parts);
}

function text(value: string, isCoded: boolean): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const coded = Buffer.alloc(bytes.length * 4);
  const length = isCoded ? encodeHuffman(bytes, 0, bytes.length, coded, 0) : bytes.copy(coded);
  const prefix = isCoded ? 0x80 : 0;
  const head = length < 127 ? [prefix | length] : [prefix | 127, length - 127];
  return Buffer.concat([Buffer.from(head), coded.subarray(0, length)]);
}

const storage = new HeadStorage();
const section = new DecodedSection(storage);

function decode(decoder: HpackDecoder, block: Uint8Array): void {
  section.begin('request', limits);
  if (decoder.decode(block, 0, block.length, section) !== null || section.rule !== null) throw new Error('not decoded');
  storage.release(section.takeBlock());
}

const warm = new HpackDecoder(4096);
decode(warm, literalRequest(0x40, true));
const indexed = Buffer.from(requestHeaders.map((_, index) => 0x80 | (62 + requestHeaders.length - 1 - index)));
// As a browser asks for the next page: all headers from the table, and another path as a literal with an indexed name.
const nextPage = Buffer.concat([
  indexed.subarray(0, 3),
  Buffer.from([0x04]),
  text('/orders?page=4', true),
  indexed.subarray(4),
]);
const literals = literalRequest(0, false);
const codedLiterals = literalRequest(0, true);
const inserted = literalRequest(0x40, true);
const evicting = new HpackDecoder(4096);

measure('request, indexed', indexed.length, () => decode(warm, indexed));
measure('request, indexed, new path', nextPage.length, () => decode(warm, nextPage));
measure('request, literals', literals.length, () => decode(warm, literals));
measure('request, Huffman literals', codedLiterals.length, () => decode(warm, codedLiterals));
measure('the same, into the table', inserted.length, () => decode(evicting, inserted));

const lines = Buffer.from(
  [
    'Date: Sat, 21 Nov 2026 09:00:00 GMT',
    'Content-Type: text/html; charset=utf-8',
    'Content-Length: 1024',
    'ETag: "0123456789abcdef"',
    'Cache-Control: private, max-age=0',
    'Vary: Accept-Encoding, Cookie',
    'Last-Modified: Fri, 20 Nov 2026 17:30:00 GMT',
    'X-Content-Type-Options: nosniff',
    'Strict-Transport-Security: max-age=31536000; includeSubDomains',
    'Server-Timing: app;dur=12.5',
    '',
  ].join('\r\n'),
);
const newLines = new NewEachTime(lines);
const writer = new HeaderBlockWriter();
measure('response, as before', lines.length, () => {
  writer.begin();
  writer.status(200);
  writer.headerLines(lines, 0, lines.length);
});
measure('response, new headers', lines.length, () => {
  writer.begin();
  writer.status(200);
  writer.headerLines(newLines.next(), 0, lines.length);
});
