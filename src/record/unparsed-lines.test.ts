import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '#failures/failure.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import type { Instant } from '../core/time.ts';
import { withUnparsed } from '../core/unparsed-bytes.ts';
import { failedExchange, sampleAttempt, sampleExchange } from './sample-exchange.test-support.ts';
import { TestRing } from './test-ring.test-support.ts';
import { UnparsedLines, type UnparsedLine } from './unparsed-lines.ts';
import { RecordWriter } from './write-record.ts';

const address = '127.0.0.1:3000';

/** The failure of an endpoint that sent these bytes. */
function garbage(text: string) {
  const bytes = Buffer.from(text, 'latin1');
  const failure = fail('response_header', 'response', { address, rule: 'header-name', name: 'x' });
  return withUnparsed(failure, { part: 'head', offset: 0, bytes });
}

function lineOf(lines: UnparsedLines, text: string, atMs = 0): UnparsedLine | null {
  const exchange = failedExchange(garbage(text), 502, { endedAt: (6000 + atMs) as Instant });
  const line = lines.lineOf(exchange);
  return line === null ? null : (JSON.parse(line.slice(2)) as UnparsedLine);
}

function bytesOf(line: UnparsedLine | null): string {
  return Buffer.from(line?.unparsed[0]?.bytes ?? '', 'hex').toString('latin1');
}

test('the bytes of an attempt go to the store with the id of their exchange, and credentials in them do not', () => {
  const head =
    'HTTP/1.1 200 OK\r\nX Y: 1\r\nSet-Cookie: sid=4711-canary; Secure\r\nAuthorization: Bearer canary\r\n\r\n\0\x1b';
  const line = lineOf(new UnparsedLines(new TextRedactor()), head);
  assert.equal(line?.id, sampleExchange().id);
  const { bytes: _, ...rest } = line?.unparsed[0] ?? {};
  assert.deepEqual(rest, { attempt: 1, part: 'head', offset: 0 });
  assert.doesNotMatch(bytesOf(line), /canary|4711/);
  assert.match(bytesOf(line), /X Y: 1\r\nSet-Cookie: \.\.\.\r\nAuthorization: \.\.\.\r\n\r\n\0\x1b$/);
});

test('of a thousand failures in a second a worker passes on a hundred, and then one in ten seconds', () => {
  const lines = new UnparsedLines(new TextRedactor());
  const passed = (atMs: number): boolean => lineOf(lines, 'SSH-2.0-x', atMs) !== null;
  assert.equal(Array.from({ length: 1000 }, (_, n) => passed(n)).filter(Boolean).length, 100);
  assert.deepEqual([passed(9000), passed(10_000), passed(10_001), passed(20_000)], [false, true, false, true]);
});

test('an exchange whose bytes could all be parsed has no such line', () => {
  const lines = new UnparsedLines(new TextRedactor());
  assert.equal(lines.lineOf(sampleExchange()), null);
  const refused = fail('connect_refused', 'connect', { address });
  assert.equal(lines.lineOf(failedExchange(refused, 502)), null);
});

test('the record and the log line have nothing of these bytes, also where an attempt after them succeeds', () => {
  const failure = garbage(`HTTP/1.1 200 OK\r\nX Y: canary\r\n${'canary '.repeat(60)}`);
  const first = sampleAttempt({ failure, status: 0, retry: true, retryReason: 'idempotent' });
  const constants = { deployment: 'shop', member: 'gw-1', processStartedUnixMs: 0, processKey: 'k3f9xa', worker: 1 };
  const writer = new RecordWriter({ ...constants, queryAllowed: [], ring: new TestRing() });
  for (const exchange of [failedExchange(failure, 502), sampleExchange({ attempts: [first, sampleAttempt()] })]) {
    const line = writer.line(exchange);
    assert.ok(!line.includes('canary') && !line.includes(Buffer.from('canary').toString('hex')), line);
  }
});
