import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { RawClient } from '../../src/testing/testing.ts';
import { RawOrigin, ok } from './raw-origin.ts';
import { requestText, responseOn } from './start-from-yaml.ts';
import { ManagedWorker } from './managed-worker.ts';

// What a worker leaves in shared memory for the case that it falls: main counts by it what has no record, and never will.

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

test('exchanges whose records have not been sent are counted where main finds them, until they are sent', async () => {
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
