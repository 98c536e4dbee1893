import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ByteLog } from './byte-log.ts';
import { ownText } from './own-text.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const lineCharacters = 50_000;
const linesMax = 1000;

/** A tenth of the total size of the lines. */
const keptBytesMax = (lineCharacters * linesMax) / 10;

const long = 'x'.repeat(lineCharacters);

const logs: readonly (readonly [what: string, line: (n: number) => string])[] = [
  [
    'failures at many different upstreams',
    (n) =>
      `2026/03/02 10:14:07 [error] 8#8: *${n} connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.4, server: ${long}, request: "GET /${n} HTTP/1.1", upstream: "http://10.0.${n >> 8}.${n & 255}:3000/", host: "a.example"`,
  ],
  [
    'transactions that never end',
    (n) =>
      `*   << Request  >> ${n}\n-   ReqURL         /${long}\n-   Link           bereq ${'9'.repeat(19)}${n}${long} fetch`,
  ],
];

describe('a log of long lines', () => {
  for (const [what, line] of logs) {
    it(`is not kept in memory: ${what}`, () => {
      const log = new ByteLog();
      collect();
      const before = process.memoryUsage().heapUsed;
      for (let n = 0; n < linesMax; n++) log.push(Buffer.from(`${line(n)}\n`));
      collect();
      const kept = process.memoryUsage().heapUsed - before;
      assert.ok(log.report().recognised >= linesMax);
      assert.ok(kept < keptBytesMax, `${Math.round(kept / 1e6)} MB are kept`);
    });
  }
});

describe('a copied text', () => {
  it('is the beginning of the original', () => {
    assert.equal(ownText('abcdef', 3), 'abc');
    assert.equal(ownText('', 3), '');
    assert.equal(ownText(' \u{1f600}'), ' \u{1f600}');
  });
});
