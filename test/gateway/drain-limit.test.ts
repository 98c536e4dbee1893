import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { drainMs } from '../../src/core/drain.ts';
import { RawClient } from '../../src/testing/testing.ts';
import { RawOrigin } from './raw-origin.ts';
import { requestText, responseOn, until } from './start-from-yaml.ts';
import { ManagedWorker } from './managed-worker.ts';

let origin: RawOrigin;
let hand: ManagedWorker;
beforeEach(async () => {
  origin = await RawOrigin.start(() => null);
  hand = await ManagedWorker.start();
});
afterEach(async () => {
  await hand.stop();
  await origin.close();
});

test('connections of a removed listener are force closed when the drain timeout expires, and not before', async () => {
  const upstreams = `upstreams: { app: { endpoints: "${origin.address}", check: none } }\nlog: { path: none }`;
  await hand.apply(`listeners: { http: "127.0.0.1:0", more: "127.0.0.1:0" }\n${upstreams}`);
  const client = new RawClient({ host: '127.0.0.1', port: hand.portOf('more') });
  client.write(requestText('GET', '/', ['Accept: application/json']));
  await until('the request is in flight', () => origin.requests.length === 1);
  assert.equal(hand.exchangesActive, 1);

  await hand.apply(`listeners: { http: "127.0.0.1:0" }\n${upstreams}`);
  await hand.clock.advance(drainMs - 1);
  assert.equal(hand.exchangesActive, 1, 'the request may take its time');
  await hand.clock.advance(1);
  const response = await responseOn(client);
  assert.equal(response.status, 503);
  assert.equal(JSON.parse(response.body.toString()).cause, 'drained');
  assert.equal(hand.exchangesActive, 0);
  client.close();
});
