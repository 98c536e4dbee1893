import assert from 'node:assert/strict';
import { type Case, assertRecord, pattern, unbuffered } from './cases.ts';
import type { ArrivedRequest, ClientActor, RequestText, World } from './world.ts';

const kib = 1024;

/** Slices of some sizes, until all of `body` has been sent; a pause after each. */
function drips(world: World, request: RequestText, body: Buffer, slices: readonly number[], pauseMs: number): void {
  const client = world.request(request);
  let at = 0;
  for (let turn = 0; at < body.length; turn++) {
    const end = Math.min(body.length, at + (slices[turn % slices.length] ?? 1));
    client.write(body.subarray(at, end));
    world.pass(pauseMs);
    at = end;
  }
  client.end();
  world.pass(20);
}

const arrivals = (world: World): number => world.endpoint('a').arrived.length;

export const slowUploadCases: readonly Case[] = [
  {
    name: 'a request whose body comes slowly gets a connection when the body is complete',
    run(world) {
      const client = world.request({ method: 'POST', expects: 9 });
      for (const part of ['one', 'two']) {
        client.write(part);
        world.pass(400);
        assert.equal(arrivals(world), 0, 'no connection is held');
      }
      client.write('six');
      world.pass(10);
      const [arrived] = world.endpoint('a').arrived;
      assert.deepEqual([arrived?.body.toString(), arrived?.whole], ['onetwosix', true]);
      arrived?.answer(200, 'ok');
      world.pass(10);
      const record = assertRecord(world, { end: 'forwarded', status: 200 });
      assert.ok(Math.abs((record.bodyMs ?? 0) - 800) < 20, `it waited ${record.bodyMs} ms for its body`);
      assert.equal(record.bytesFromClient, 9);
    },
  },
  {
    name: 'of a large body 64 KiB come before the request gets a connection, and no byte is lost',
    run(world) {
      const body = pattern(200 * kib);
      const client = world.request({ method: 'POST', expects: body.length });
      client.write(body.subarray(0, 60 * kib));
      world.pass(500);
      assert.equal(arrivals(world), 0);
      client.write(body.subarray(60 * kib, 80 * kib));
      world.pass(20);
      assert.equal(arrivals(world), 1);
      client.write(body.subarray(80 * kib));
      world.pass(200);
      const [arrived] = world.endpoint('a').arrived;
      assert.equal(arrived?.body.equals(body), true);
      assert.equal(world.bufferedBytes(), 0, 'what has been sent is not kept');
      arrived?.answer(200);
      world.pass(10);
      assertRecord(world, { end: 'forwarded', status: 200 });
    },
  },
  {
    name: 'a body of unknown length is waited for 50 ms, and streams from then on',
    run(world) {
      const client = world.request({ method: 'POST', expects: 'chunked' });
      client.write('one ');
      world.pass(40);
      assert.equal(arrivals(world), 0);
      world.pass(20);
      const [arrived] = world.endpoint('a').arrived;
      assert.equal(arrived?.body.toString(), 'one ');
      client.write('two');
      world.pass(10);
      assert.equal(arrived?.body.toString(), 'one two');
      client.end({ 'x-check': 'done' });
      world.pass(10);
      assert.deepEqual([arrived?.whole, arrived?.trailers.get('x-check')], [true, 'done']);
      arrived?.answer(200);
      world.pass(10);
    },
  },
  {
    name: 'a body of unknown length that is complete earlier is not waited for any longer, and keeps its trailers',
    run(world) {
      const client = world.request({ method: 'POST', expects: 'chunked' });
      client.write('all');
      client.end({ 'x-check': 'done' });
      world.pass(10);
      const [arrived] = world.endpoint('a').arrived;
      assert.deepEqual([arrived?.body.toString(), arrived?.trailers.get('x-check')], ['all', 'done']);
      arrived?.answer(200);
      world.pass(10);
    },
  },
  {
    name: 'a gRPC stream is not waited for',
    run(world) {
      const client = world.request({
        ...{ method: 'POST', expects: 'chunked', headers: { 'content-type': 'application/grpc' } },
      });
      world.pass(10);
      assert.equal(arrivals(world), 1);
      client.end();
      world.pass(10);
      world.endpoint('a').arrived[0]?.answer(200);
      world.pass(10);
    },
  },
  ...[
    { name: 'a route without a buffer passes bodies on as they come', options: { buffer: { requestBytesMax: 0 } } },
    { name: 'once the allowance of the worker is used up, bodies stream', options: { limits: { bufferBytesMax: 0 } } },
  ].map(({ name, options }) => ({
    name,
    options,
    run(world: World): void {
      const client = world.request({ method: 'POST', expects: 7 });
      client.write('con');
      world.pass(10);
      assert.equal(world.endpoint('a').arrived[0]?.body.toString(), 'con');
      assert.equal(world.bufferedBytes(), 0);
      client.write('tent');
      world.pass(10);
      assert.equal(world.endpoint('a').arrived[0]?.body.toString(), 'content');
      world.endpoint('a').arrived[0]?.answer(200);
      world.pass(10);
    },
  })),
  ...[
    [1, 7, 4096, 3],
    [1000, 20_000],
    [70_000, 1],
  ].flatMap((slices) =>
    ([150_000, 'chunked', 65_536] as const).map((expects) => ({
      name: `bytes arrive unchanged in slices of ${slices.join(', ')} (${expects === 'chunked' ? 'unknown length' : expects})`,
      options: { endpointWindowBytes: 16 * kib, limits: { bodyMs: 100_000 } },
      run(world: World): void {
        const body = pattern(expects === 'chunked' ? 100_000 : expects);
        world.endpoint('a').onRequest = (request) => void request;
        drips(world, { method: 'POST', expects }, body, slices, 1);
        world.pass(200);
        const [arrived] = world.endpoint('a').arrived;
        assert.equal(arrived?.whole, true);
        assert.equal(arrived?.body.equals(body), true);
        arrived?.answer(200);
        world.pass(20);
        assertRecord(world, { end: 'forwarded', status: 200 });
      },
    })),
  ),
  {
    name: 'a client that leaves before its body is complete: nothing was sent, nothing was executed',
    run(world) {
      const client = world.request({ method: 'POST', expects: 100 });
      client.write('some');
      world.pass(100);
      client.leave();
      world.pass(50);
      assert.equal(arrivals(world), 0);
      const record = assertRecord(world, {
        ...{ end: 'abandoned', cause: 'client_gone', status: 0, delivery: 'not_sent', attempts: 0 },
      });
      assert.ok((record.bodyMs ?? -1) > 90, 'the wait is recorded');
    },
  },
  {
    name: 'a client that leaves while its whole request waits for a connection: nothing is executed',
    options: { endpoints: ['a'], connectionsMax: 1, timeouts: { connectMs: 5000 } },
    run(world) {
      world.endpoint('a').accepts = 'never';
      const client = world.request({ method: 'POST', body: 'order' });
      world.pass(100);
      client.leave();
      world.pass(50);
      assertRecord(world, { end: 'abandoned', cause: 'client_gone', status: 0, delivery: 'not_sent' });
      world.pass(5000);
    },
  },
  {
    name: 'a client that does not send its body in time: 408, and nothing was sent',
    run(world) {
      const client = world.request({ method: 'POST', expects: 100 });
      client.write('some');
      world.pass(5100);
      assert.equal(client.status, 408);
      assert.equal(arrivals(world), 0);
      assertRecord(world, {
        ...{ end: 'generated', cause: 'request_body_timeout', status: 408, delivery: 'not_sent', attempts: 0 },
      });
      world.pass(3000);
    },
  },
  {
    name: 'a stream whose response has begun may be silent for longer than an upload',
    run(world) {
      const [client, arrived] = bothStream(world, 'chunked');
      for (let second = 0; second < 8; second++) {
        arrived.write('tick ');
        world.pass(1000);
      }
      assert.equal(client.state, 'open');
      client.write(' two');
      client.end();
      world.pass(20);
      assert.deepEqual([arrived.body.toString(), arrived.whole], ['one two', true]);
      arrived.end();
      world.pass(20);
      assert.equal(client.state, 'whole');
      assertRecord(world, { end: 'forwarded', status: 200 });
    },
  },
  {
    name: 'a stream whose response rests lasts while its client sends; the limit then counts from the last byte that the client sent',
    run(world) {
      const [client, arrived] = bothStream(world, 'chunked');
      for (let second = 0; second < 8; second++) {
        client.write(' more');
        world.pass(1000);
      }
      assert.equal(client.state, 'open');
      assert.equal(arrived.body.toString(), `one${' more'.repeat(8)}`);
      world.pass(1500);
      assert.equal(client.state, 'open');
      world.pass(1000);
      assert.equal(client.state, 'cut');
      assertRecord(world, { end: 'truncated', status: 200, cause: 'response_body_stalled' });
      world.pass(3000);
    },
  },
  {
    name: 'a stream whose client has ended and whose endpoint answers at the end alone has the limit from that end on',
    run(world) {
      const [client, arrived] = bothStream(world, 'chunked');
      world.pass(2000);
      client.end();
      world.pass(2000);
      arrived.write('sum');
      arrived.end();
      world.pass(20);
      assert.deepEqual([client.state, client.body.toString()], ['whole', 'sum']);
      assertRecord(world, { end: 'forwarded', status: 200 });
    },
  },
  {
    name: 'a stream whose endpoint is silent, too, is ended by the limit for that',
    run(world) {
      const [client] = bothStream(world, 'chunked');
      world.pass(3500);
      assert.equal(client.state, 'cut');
      assertRecord(world, { end: 'truncated', status: 200, cause: 'response_body_stalled' });
      world.pass(3000);
    },
  },
  {
    name: 'an upload that stops before the length that it announced is one that stopped, though its response has begun',
    options: unbuffered,
    run(world) {
      const [client, arrived] = bothStream(world, 100);
      for (let second = 0; second < 5; second++) {
        world.pass(1000);
        arrived.write('tick ');
      }
      world.pass(200);
      assert.equal(client.state, 'cut');
      assertRecord(world, { end: 'truncated', status: 200, cause: 'request_body_timeout' });
      world.pass(3000);
    },
  },
  {
    name: 'the limit of the exchange ends the wait for a body',
    options: { timeouts: { exchangeMs: 300 } },
    run(world) {
      const client = world.request({ method: 'POST', expects: 100 });
      client.write('some');
      world.pass(400);
      assert.equal(client.status, 504);
      const record = assertRecord(world, {
        ...{ end: 'generated', cause: 'exchange_timeout', status: 504, delivery: 'not_sent', attempts: 0 },
      });
      assert.equal(record.failure?.stage, 'request');
      world.pass(5000);
    },
  },
  {
    name: 'a client that waits for 100 gets it before an endpoint is chosen',
    run(world) {
      const client = world.request({ method: 'POST', expects: 7, headers: { Expect: '100-continue' } });
      world.pass(10);
      assert.deepEqual([client.informed, arrivals(world)], [[100], 0]);
      client.write('content');
      world.pass(10);
      world.endpoint('a').arrived[0]?.answer(200);
      world.pass(10);
      assert.equal(client.status, 200);
    },
  },
  {
    name: 'a client that waits for 100 does not get it where no endpoint is ready',
    run(world) {
      world.endpoint('a').setState('unhealthy');
      const client = world.request({ method: 'POST', expects: 7, headers: { Expect: '100-continue' } });
      world.pass(10_000);
      assert.deepEqual([client.informed, client.status], [[], 503]);
      world.pass(5000);
    },
  },
  {
    name: 'a PUT whose body is held whole is retried at another endpoint, with the same body',
    options: { endpoints: ['a', 'b'] },
    run(world) {
      const bodies: string[] = [];
      for (const name of ['a', 'b'])
        world.endpoint(name).onRequest = (request) => {
          if (bodies.length === 0) soon(world, () => request.breakOff('reset'));
          else soon(world, () => request.answer(200, 'ok'));
          soon(world, () => bodies.push(request.body.toString()));
        };
      const client = world.request({ method: 'PUT', expects: 7 });
      client.write('con');
      world.pass(100);
      client.write('tent');
      world.pass(100);
      assert.deepEqual([client.status, bodies], [200, ['content', 'content']]);
      assertRecord(world, { end: 'forwarded', status: 200, attempts: 2 });
    },
  },
  {
    name: 'a POST whose body is held whole is not sent a second time if it may have been executed',
    options: { endpoints: ['a', 'b'] },
    run(world) {
      for (const name of ['a', 'b']) world.endpoint(name).onRequest = (request) => request.breakOff('reset');
      const client = world.request({ method: 'POST', expects: 7 });
      client.write('con');
      world.pass(100);
      client.write('tent');
      world.pass(100);
      assert.equal(client.status, 502);
      const record = assertRecord(world, {
        ...{ end: 'generated', status: 502, attempts: 1 },
        cause: world.records[0]?.failure?.cause ?? null,
        delivery: world.records[0]?.delivery ?? 'not_sent',
      });
      assert.equal(record.attempts[0]?.retryReason, 'not_idempotent');
    },
  },
  {
    name: 'a body that waited goes to the next endpoint if the first one refuses connections, whatever the method',
    options: { endpoints: ['a', 'b'] },
    run(world) {
      world.endpoint('a').accepts = 'refuses';
      world.endpoint('b').onRequest = (request) => soon(world, () => request.answer(200, request.body));
      for (let turn = 0; turn < 4; turn++) {
        const client = world.request({ method: 'POST', expects: 7 });
        client.write('con');
        world.pass(20);
        client.write('tent');
        world.pass(50);
        assert.deepEqual([client.status, client.body.toString()], [200, 'content']);
      }
    },
  },
];

/** A request that has begun, and whose response has. */
function bothStream(world: World, expects: number | 'chunked'): readonly [ClientActor, ArrivedRequest] {
  const client = world.request({ method: 'POST', expects, headers: { 'content-type': 'application/grpc' } });
  client.write('one');
  world.pass(100);
  const [arrived] = world.endpoint('a').arrived;
  assert.ok(arrived);
  arrived.head(200, null);
  world.pass(100);
  return [client, arrived];
}

/** Runs `then` when the bytes that are on their way have arrived. */
function soon(world: World, then: () => void): void {
  world.clock.schedule((world.clock.now() + 5) as never, (run: () => void) => run(), then);
}
