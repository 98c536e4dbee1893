import assert from 'node:assert/strict';
import { assertRecord, type Case, pattern, unbuffered } from './cases.ts';
import type { RequestText } from './world.ts';

const elsewhere = { match: { hosts: ['other.example'], pathPrefix: '/', methods: [] } };

const bodies: readonly { readonly what: string; readonly request: RequestText; readonly bytes: number }[] = [
  { what: 'with the head', request: { body: 'ping' }, bytes: 4 },
  { what: 'of more than one read', request: { body: pattern(30_000) }, bytes: 30_000 },
  { what: 'none', request: {}, bytes: 0 },
];

/** What came of a body counts, also where the gateway never read it. */
export const unreadBodyCases: readonly Case[] = [
  ...bodies.flatMap(({ what, request, bytes }): readonly Case[] => [
    {
      name: `a request without an endpoint counts the body that came (${what})`,
      options: unbuffered,
      run(world) {
        world.endpoint('a').setState('unhealthy');
        world.request({ method: 'POST', ...request });
        world.pass(20);
        const record = assertRecord(world, { end: 'generated', cause: 'no_endpoint_ready', status: 503, attempts: 0 });
        assert.equal(record.bytesFromClient, bytes);
        world.pass(3000);
      },
    },
    {
      name: `a request that waited in vain for a connection counts the body that came (${what})`,
      options: unbuffered,
      run(world) {
        world.endpoint('a').accepts = 'never';
        world.request({ method: 'POST', ...request });
        world.pass(20_000);
        const record = assertRecord(world, { end: 'generated', cause: 'connect_timeout', status: 504 });
        assert.equal(record.bytesFromClient, bytes);
        world.pass(3000);
      },
    },
  ]),
  {
    name: 'a request without a route counts the body that came',
    options: { ...unbuffered, routes: [elsewhere] },
    run(world) {
      world.request({ method: 'POST', body: 'ping' });
      world.pass(20);
      assert.equal(
        assertRecord(world, { end: 'generated', cause: 'no_route', status: 404, attempts: 0 }).bytesFromClient,
        4,
      );
      world.pass(3000);
    },
  },
  {
    name: 'a request that waited in vain counts the chunks that came, without their framing',
    options: unbuffered,
    run(world) {
      world.endpoint('a').accepts = 'never';
      const client = world.request({ method: 'POST', expects: 'chunked' });
      client.write('onethree');
      world.pass(20_000);
      assert.equal(assertRecord(world, { end: 'generated', cause: 'connect_timeout', status: 504 }).bytesFromClient, 8);
      world.pass(3000);
    },
  },
  {
    name: 'a body that was read counts once',
    run(world) {
      world.endpoint('a').accepts = 'refuses';
      world.request({ method: 'POST', body: 'ping' });
      world.pass(20);
      assert.equal(assertRecord(world, { end: 'generated', cause: 'connect_refused', status: 502 }).bytesFromClient, 4);
      world.pass(3000);
    },
  },
];
