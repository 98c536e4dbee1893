import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Http1World } from './http1-world.ts';
import { StreamWorld } from './stream-world.ts';
import type { ClientActor, World } from './world.ts';

const grpc = { 'content-type': 'application/grpc+proto' };

/** A POST with these fields to an endpoint that is not there. */
function refused(world: World, fields: Readonly<Record<string, string>>): ClientActor {
  world.endpoint('a').accepts = 'refuses';
  const client = world.request({ method: 'POST', fields });
  world.pass(100);
  return client;
}

describe('a gRPC request whose endpoint is not there', () => {
  it('is answered by trailers alone over HTTP/2 where the client said te: trailers', () => {
    const client = refused(new StreamWorld(), { ...grpc, te: 'trailers' });
    assert.deepEqual([client.status, client.content.length], [200, 0]);
    assert.deepEqual([client.field('grpc-status'), client.field('content-type')], ['14', 'application/grpc+proto']);
  });

  for (const [what, world, fields] of [
    ['over HTTP/2 without te: trailers', new StreamWorld(), grpc],
    ['over HTTP/1.1', new Http1World(), grpc],
    ['over HTTP/1.1 with TE: trailers', new Http1World(), { ...grpc, connection: 'te', te: 'trailers' }],
  ] as const) {
    it(`is answered 502 as any other ${what}`, () => {
      const client = refused(world, fields);
      assert.deepEqual([client.status, client.field('grpc-status')], [502, null]);
      assert.match(client.field('proxy-status') ?? '', /error=connection_refused/);
      assert.equal(client.field('content-type'), 'application/problem+json');
    });
  }
});
