import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../../test/properties.ts';
import { unicodeText } from '../../../test/unicode-text.ts';
import { allDialects } from './all-dialects.ts';
import type { Dialect } from './dialect.ts';
import { accessLine, chunksOf, kinLine, plainLine, testDialects } from './engine.test-support.ts';
import { ByteLog } from './byte-log.ts';

const encoder = new TextEncoder();

function reportOf(chunks: readonly Uint8Array[], dialects: readonly Dialect[], isSlow: boolean): string {
  const log = new ByteLog(isSlow ? { dialects, onLine: () => {} } : { dialects });
  for (const chunk of chunks) log.push(chunk);
  return JSON.stringify(log.end());
}

const line = fc.oneof(
  { weight: 6, arbitrary: plainLine },
  { weight: 6, arbitrary: accessLine },
  { weight: 4, arbitrary: kinLine },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 2e12 }).map((at) => `ERR ${at} it failed`) },
  { weight: 1, arbitrary: unicodeText({ maxLength: 60 }) },
);

const log = fc
  .array(fc.tuple(line, fc.constantFrom('\n', '\n', '\n', '\r\n')), { maxLength: 60, size: 'max' })
  .map((lines) => encoder.encode(lines.flat().join('')));

const cuts = fc.array(fc.nat(), { maxLength: 5 });

for (const [name, dialects] of [
  ['of tests', testDialects],
  ['that there are', [...allDialects, ...testDialects]],
] as const) {
  test(`the fast path gives the same report as the slow path, with the dialects ${name}`, () => {
    const sameReport = fc.property(log, cuts, (bytes, at) => {
      const slow = reportOf([bytes], dialects, true);
      assert.equal(reportOf([bytes], dialects, false), slow);
      assert.equal(reportOf(chunksOf(bytes, at), dialects, false), slow);
    });
    fc.assert(sameReport, { numRuns: 60 });
  });
}

test('a line of a form that is known is counted without being read again', () => {
  let reads = 0;
  const [access] = testDialects as readonly [Dialect];
  const reader = access.open();
  const counting = { ...access, open: () => ({ read: countRead }) };
  function countRead(text: string) {
    reads += 1;
    return reader.read(text);
  }
  const at = (second: number) => `21/Nov/2026:10:00:${String(second).padStart(2, '0')} +0000`;
  const lines = Array.from(
    { length: 60 },
    (_, i) => `10.0.0.${i} - - [${at(i)}] "GET /${i} HTTP/1.1" ${i % 2 ? 200 : 304} ${i} "-" "curl/${i}" rt=0.00${i}\n`,
  );
  const report = JSON.parse(reportOf([encoder.encode(lines.join(''))], [counting], false));
  assert.equal(report.byGateway[0].access, 60);
  assert.equal(reads, 3);
});

test('a byte order mark decides the encoding', () => {
  const text = '10.0.0.1 - - [21/Nov/2026:10:00:00 +0000] "GET /é HTTP/1.1" 502 1\r\n\0\0ERR 1 \n';
  const utf16 = (swap: boolean) => {
    const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
    return swap ? bytes.swap16() : bytes;
  };
  const plain = reportOf([encoder.encode(text)], testDialects, true);
  assert.match(plain, /"unknown"/);
  for (const bytes of [utf16(false), utf16(true), encoder.encode(`\ufeff${text}`)]) {
    assert.equal(reportOf([bytes], testDialects, false), plain);
    assert.equal(
      reportOf(
        [...bytes].map((byte) => Uint8Array.of(byte)),
        testDialects,
        false,
      ),
      plain,
    );
  }
});

test('a line of a megabyte is judged by its beginning, and the next one is read whole', () => {
  const long = `ERR 1 ${'x'.repeat(1_000_000)}\nERR 2 \n`;
  const report = JSON.parse(reportOf(chunksOf(encoder.encode(long), [70_000, 500_000]), testDialects, false));
  assert.equal(report.failures, 2);
  assert.ok(JSON.stringify(report).length < 4000);
});

for (const count of [1, 70_000, 300_000])
  test(`a line after ${count} NULs, as a truncated file has them, is read`, () => {
    const text = `ERR 1 \n${'\0'.repeat(count)}ERR 2 \nERR 3 \n`;
    const report = JSON.parse(reportOf(chunksOf(encoder.encode(text), [65_000, 66_000]), testDialects, false));
    assert.deepEqual([report.lines, report.failures], [3, 3]);
  });
