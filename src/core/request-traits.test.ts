import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleExchange } from '../record/sample-exchange.test-support.ts';
import { countedMethods } from './attempt-counts.ts';
import { startOfSize } from './content-kind.ts';
import { connectionUses, traitKey, traitsOf, versions } from './request-traits.ts';
import type { Instant } from './time.ts';

test('what a request was is read from its number again', () => {
  const exchange = sampleExchange({
    ...{ method: 'PATCH', version: 'HTTP/2', headBytes: 9000, announcedBytes: 3_000_000, bytesFromClient: 70_000 },
    ...{ startedAt: 0 as Instant, endedAt: 2500 as Instant, attempts: [] },
  });
  const { method, body, head, version, connection, slow } = traitsOf(traitKey(exchange));
  assert.deepEqual(
    [countedMethods[method], versions[version], connectionUses[connection], slow],
    ['PATCH', 'HTTP/2', 'none', 1],
  );
  assert.deepEqual([startOfSize(body), startOfSize(head)], [2.5 * 2 ** 20, 8192]);
});

test('small requests are not told apart', () => {
  const key = (bytesFromClient: number, headBytes: number): number =>
    traitKey(sampleExchange({ bytesFromClient, headBytes }));
  assert.equal(key(0, 0), key(500, 2000));
});
