import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { RawClient } from '../../src/testing/testing.ts';
import { RawOrigin, ok } from './raw-origin.ts';
import { requestText, responseOn } from './start-from-yaml.ts';
import { ManagedWorker } from './managed-worker.ts';

// The counts that a worker keeps in shared memory in case it crashes: from them the main thread counts the exchanges
// that never get a record.

let origin: RawOrigin;
let hand: ManagedWorker;
beforeEach(async () => {
  origin = await RawOrigin.start(() => ok('here'));
  hand = await ManagedWorker.start();
});
afterEach(async () => {
  await hand.stop();
  await origin.close();
});

test('the main thread can count exchanges whose records have not been sent, until they are sent', async () => {
  await hand.apply(
    `listeners: { http: "127.0.0.1:0" }\nupstreams: { app: { endpoints: "${origin.address}", check: none } }`,
  );
  const client = new RawClient({ host: '127.0.0.1', port: hand.portOf('http') });
  for (const unsent of [1, 2, 3]) {
    client.write(requestText('GET', '/'));
    assert.equal((await responseOn(client)).status, 200);
    assert.deepEqual([hand.exchangesActive, hand.recordsUnsent], [0, unsent]);
  }
  await hand.clock.advance(1000);
  assert.equal(hand.recordsUnsent, 0);
  assert.ok(hand.sent.some((message) => message.kind === 'batch' && message.lines !== null));
  client.close();
});
