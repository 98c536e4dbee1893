import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decidePreface, type PrefaceDecision } from './preface.ts';

const cases: readonly (readonly [bytes: string, decision: PrefaceDecision])[] = [
  ['', 'partial'],
  ['G', 'http/1.1'],
  ['GET / HTTP/1.1\r\n', 'http/1.1'],
  ['\r\n', 'http/1.1'],
  ['P', 'partial'],
  ['PO', 'http/1.1'],
  ['PRI * HTTP/2.0', 'partial'],
  ['PRI * HTTP/2.0\r\n', 'h2'],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'h2'],
  ['PRI * HTTP/1.1\r\n', 'http/1.1'],
  ['\x16', 'partial'],
  ['\x16\x03\x01', 'tls'],
  ['\x16\x02', 'http/1.1'],
  ['\0', 'http/1.1'],
];

for (const [text, decision] of cases) {
  test(`${JSON.stringify(text)} is ${decision}`, () => {
    const bytes = Buffer.from(`xx${text}GET`, 'latin1');
    assert.equal(decidePreface(bytes, 2, bytes.length - 3), decision);
  });
}
