import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Http1World } from './http1-world.ts';

/** The status of a target of 200 bytes where `targetBytesMax` is the limit. */
function statusWhere(targetBytesMax: number): number | undefined {
  const world = new Http1World({ limits: { targetBytesMax } });
  world.endpoint('a').onRequest = (request) => request.answer(200);
  const client = world.request({ target: `/${'x'.repeat(199)}` });
  world.pass(20);
  return client.status;
}

test('each connection is held to the limits of its own listener, whichever was connected to before', () => {
  assert.deepEqual(
    [1000, 100, 1000, 100].map((targetBytesMax) => statusWhere(targetBytesMax)),
    [200, 414, 200, 414],
  );
});
