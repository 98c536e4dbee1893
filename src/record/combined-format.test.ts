import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { EndedExchange } from '../core/exchange.ts';
import { fail } from '#failures/failure.ts';
import type { LostRecord, ProcessRecord } from '../core/record.ts';
import { TestRing } from './test-ring.test-support.ts';
import { logLinesIn } from './log-lines.ts';
import { RecordWriter } from './write-record.ts';
import { unicodeText } from '../../test/unicode-text.ts';
import { combinedLine, isCombinedLine } from './combined-format.ts';
import { ExchangeRecords } from './exchange-record.ts';
import { failedExchange, sampleClient, sampleExchange } from './sample-exchange.test-support.ts';

const context = {
  deployment: 'shop',
  member: 'gw-1',
  processStartedUnixMs: 0,
  processKey: 'k3f9xa',
  worker: 1,
  queryAllowed: ['page'],
};
const records = new ExchangeRecords(context);
const lineOf = (changes: Partial<EndedExchange>): string | null =>
  combinedLine(records.recordOf(sampleExchange(changes)));

/** The pattern by which GoAccess and fail2ban read it. */
const pattern = /^\S+ - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "[^"]*" \d{3} \d+ "[^"]*" "[^"]*"$/;

const rows: readonly (readonly [name: string, changes: Partial<EndedExchange>, line: string])[] = [
  [
    'a request',
    { target: '/products/42?page=2', recordedHeaders: { 'user-agent': 'curl/8.5', referer: 'https://a.example/x' } },
    '192.0.2.17 - - [21/Nov/2026:08:42:18 +0000] "GET /products/42?page=2 HTTP/1.1" 200 6413 "https://a.example/x" "curl/8.5"',
  ],
  [
    'a request without headers, over IPv6',
    { target: '/', client: sampleClient({ address: '2001:db8::17' }), version: 'HTTP/1.0' },
    '2001:db8::17 - - [21/Nov/2026:08:42:18 +0000] "GET / HTTP/1.0" 200 6413 "-" "-"',
  ],
  [
    'quotes, backslashes and control characters',
    { target: '/a"b\\c', recordedHeaders: { 'user-agent': 'x"\n\t\\é' } },
    '192.0.2.17 - - [21/Nov/2026:08:42:18 +0000] "GET /a\\x22b\\x5Cc HTTP/1.1" 200 6413 "-" "x\\x22\\x0A\\x09\\x5C\\xC3\\xA9"',
  ],
  [
    'a header that was sent as UTF-8, and one that was not',
    { target: '/a', recordedHeaders: { 'user-agent': 'Gr\xc3\xb6\xc3\x9fe', referer: '/Gr\xf6' } },
    '192.0.2.17 - - [21/Nov/2026:08:42:18 +0000] "GET /a HTTP/1.1" 200 6413 "/Gr\\xC3\\xB6" "Gr\\xC3\\xB6\\xC3\\x9Fe"',
  ],
  [
    'a query with a value that is not shown',
    { target: '/a?token=x&page=2' },
    '192.0.2.17 - - [21/Nov/2026:08:42:18 +0000] "GET /a?token=***&page=2 HTTP/1.1" 200 6413 "-" "-"',
  ],
];
for (const [name, changes, line] of rows)
  test(`${name} is one line, which is known for what it is`, () => {
    assert.equal(lineOf(changes), line);
    assert.equal(isCombinedLine(line), true);
  });

test('a record is no line of the combined format', () => {
  assert.equal(isCombinedLine('{"v":1,"id":"a","at":"2026-11-21T08:42:18.007Z"}'), false);
});

test('a client that left before an answer has the status 499', () => {
  const failure = fail('client_gone', 'response', { bytesSent: 0, how: 'closed' });
  const left = failedExchange(failure, 0, { endKind: 'abandoned', bytesToClient: 0 });
  assert.match(combinedLine(records.recordOf(left)) ?? '', /HTTP\/1\.1" 499 0 "-" "-"$/);
});

test('lines of other kinds have none', () => {
  assert.equal(combinedLine({ kind: 'lost' } as LostRecord), null);
  assert.equal(combinedLine({ kind: 'process' } as ProcessRecord), null);
});

test('lines of a worker are converted whole, and others left out', () => {
  const writer = new RecordWriter({ ...context, ring: new TestRing() });
  const text = `${writer.line(sampleExchange({ target: '/a' }))}{"v":1,"kind":"lost"}\n${writer.line(sampleExchange({ target: '/b' }))}`;
  const expected = ['/a', '/b'].map((target) => `${lineOf({ target })}\n`).join('');
  assert.equal(Buffer.from(logLinesIn('combined')(Buffer.from(text))).toString(), expected);
});

test('any text leaves a line that other programs read', () => {
  fc.assert(
    fc.property(unicodeText(), unicodeText(), unicodeText(), (path, agent, address) => {
      const changes = { target: `/${path}`, method: agent, recordedHeaders: { 'user-agent': agent, referer: path } };
      const line = lineOf({ ...changes, client: sampleClient({ address }) }) ?? '';
      assert.match(line, pattern);
      assert.match(line, /^[ -~]+$/);
    }),
  );
});
