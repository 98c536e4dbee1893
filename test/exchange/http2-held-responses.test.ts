import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertRecord, pattern } from './cases.ts';
import { Http2Client } from './http2-client.ts';
import { Http2Arrived } from './http2-endpoint.ts';
import { Http1World } from './http1-world.ts';

const body = pattern(150_000);
const grpc = { 'content-type': 'application/grpc', te: 'trailers' };

/**
 * A call whose endpoint has answered before the request ended: head, body, trailers and END_STREAM. The client has a window for less
 * than half of the body, so that the gateway has the rest.
 */
function held(): { readonly world: Http1World; readonly client: Http2Client; readonly arrived: Http2Arrived } {
  const world = new Http1World({ buffer: { responseBytesMax: 0 } }, { clients: 'h2', endpoints: 'h2' });
  const client = world.request({ method: 'POST', expects: 'chunked', headers: grpc });
  client.write('a message');
  world.pass(10);
  const [arrived] = world.endpoint('a').arrived;
  assert.ok(client instanceof Http2Client && arrived instanceof Http2Arrived);
  client.holdWindow();
  arrived.head(200, null, grpc);
  for (let at = 0; at < body.length; at += 15_000) {
    arrived.write(body.subarray(at, at + 15_000));
    world.pass(10);
  }
  arrived.end({ 'grpc-status': '0' });
  world.pass(100);
  assert.deepEqual([client.state, world.records.length], ['open', 0]);
  return { world, client, arrived };
}

describe('a response of an HTTP/2 endpoint that is complete and waits for its client', () => {
  for (const [what, end] of [
    ['RST_STREAM(NO_ERROR), since the endpoint needs no more of the request', (arrived) => arrived.reset('NO_ERROR')],
    ['the loss of the connection', (arrived) => arrived.breakOff('reset')],
    ['the end of the connection', (arrived) => arrived.breakOff('closed')],
    [
      'DATA behind END_STREAM',
      ({ line, streamId }) => {
        line.session.sender.writer.data(streamId, Buffer.from('more'), 0, 4, false);
        line.session.sender.touch();
      },
    ],
  ] as const satisfies readonly (readonly [string, (arrived: Http2Arrived) => void])[])
    it(`is passed on whole after ${what}`, () => {
      const { world, client, arrived } = held();
      end(arrived);
      world.pass(100);
      client.readOn();
      world.pass(100);
      assert.deepEqual([client.status, client.state, client.body.equals(body)], [200, 'whole', true]);
      assert.equal(client.trailers.get('grpc-status'), '0');
      const { grpcStatus } = assertRecord(world, { end: 'forwarded', status: 200, attempts: 1 });
      assert.equal(grpcStatus, 0);
      world.verifyAtRest();
    });
});
