import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { RawClient } from '../../src/testing/testing.ts';
import { RawOrigin, ok } from './raw-origin.ts';
import { requestText, responseOn } from './start-from-yaml.ts';
import { ManagedWorker } from './managed-worker.ts';

// A worker commits each record to memory that the thread of the log reads: nothing of it ends with the worker.

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

test('the record of an exchange that has ended is in shared memory at once', async () => {
  await hand.apply(
    `listeners: { http: "127.0.0.1:0" }\nupstreams: { app: { endpoints: "${origin.address}", check: none } }`,
  );
  const client = new RawClient({ host: '127.0.0.1', port: hand.portOf('http') });
  for (const count of [1, 2, 3]) {
    client.write(requestText('GET', `/${count}`));
    assert.equal((await responseOn(client)).status, 200);
    assert.equal(hand.exchangesActive, 0);
    assert.equal(hand.recordLines.length, count);
    assert.match(hand.recordLines.at(-1) ?? '', new RegExp(`"path":"/${count}"`));
  }
  client.close();
});
