import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lastResponseReadMs } from '../../src/core/client-engine.ts';
import { fail } from '#failures/failure.ts';
import { settingIds } from '../../src/wire/h2/protocol.ts';
import { Http1World } from './http1-world.ts';

const drained = fail('drained', 'request', { reason: 'gateway_stopping', what: 'request', retryAfterS: 1 });

/** An HTTP/1.1 client that sends a request and does not read the answer. */
function overHttp1(): Http1World {
  const world = new Http1World();
  world.request({}, { connection: 'one', windowBytes: 200 }).stopReading();
  return world;
}

/** An HTTP/2 client that sends a request and opens no window for the body of the answer. */
function overHttp2(): Http1World {
  const world = new Http1World({}, { clients: 'h2' });
  world.endpoint('a').onRequest = (request) => request.answer(204);
  world.request({}, { connection: 'one' });
  const { session } = world.http2Lines.get('one') ?? assert.fail();
  session.sender.writer.settings([[settingIds.initialWindowSize, 0]]);
  world.pass(100);
  world.endpoint('a').onRequest = () => {};
  world.request({}, { connection: 'one' });
  session.sender.flush();
  return world;
}

describe('a force close a second after the first', () => {
  for (const [protocol, begin] of [
    ['HTTP/1.1', overHttp1],
    ['HTTP/2', overHttp2],
  ] as const)
    for (const isUnread of [false, true])
      it(`ends an answer over ${protocol} that its client does not take${isUnread ? ', also if the first one found the request unread' : ''}`, () => {
        const world = begin();
        if (!isUnread) world.pass(100);
        const [connection = assert.fail()] = world.gatewayEnds;
        assert.equal(connection.hasUnread(), isUnread);
        const isHeldUp = (): boolean =>
          protocol === 'HTTP/2' ? world.counts.exchangesActive === 1 : connection.pendingBytes > 0;
        world.forceClose(drained);
        world.pass(lastResponseReadMs - 1);
        world.forceClose(drained);
        assert.equal(isHeldUp(), true);
        world.pass(1);
        world.forceClose(drained);
        assert.equal(isHeldUp(), false);
        assert.equal(world.records.at(-1)?.failure?.cause, 'drained');
        world.pass(3000);
        world.verifyAtRest();
      });
});
