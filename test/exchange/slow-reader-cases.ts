import assert from 'node:assert/strict';
import { type Case, assertRecord, pattern } from './cases.ts';
import type { ClientActor, World } from './world.ts';

const kib = 1024;
/** A client whose system takes so much before it has to read. */
const windowBytes = 16 * kib;

/** A response of so many bytes, of known length or not, as fast as the gateway reads. */
function sends(world: World, bytes: number, lengthKnown: boolean, headers: Record<string, string> = {}): Buffer {
  const body = pattern(bytes);
  world.endpoint('a').onRequest = (request) => {
    request.head(200, lengthKnown ? bytes : null, headers);
    for (let at = 0; at < bytes; at += 8 * kib) request.write(body.subarray(at, Math.min(at + 8 * kib, bytes)));
    request.end({ 'x-check': 'done' });
  };
  return body;
}

/** A client that reads nothing until `readOn`. */
function slowReader(world: World): ClientActor {
  const client = world.request({ headers: { te: 'trailers' } }, { windowBytes });
  client.stopReading();
  return client;
}

/** Whether the endpoint's only connection serves another client meanwhile. */
function servesAnother(world: World): boolean {
  world.endpoint('a').onRequest = (request) => request.answer(200, 'for another');
  const other = world.request({});
  world.pass(20);
  return other.body.toString() === 'for another';
}

function readsAll(world: World, client: ClientActor, body: Buffer): void {
  client.readOn();
  world.pass(3000);
  assert.equal(client.state, 'whole');
  assert.equal(client.body.equals(body), true, 'no byte is lost or changed');
}

/** Requests to one endpoint that takes one connection; HTTP/2 shares it. */
const one = { connectionsMax: 1, endpointWindowBytes: 16 * kib } as const;

export const slowReaderCases: readonly Case[] = [
  ...[true, false].map((lengthKnown) => ({
    name: `a client that does not read 200 KiB holds no connection (${lengthKnown ? 'by length' : 'unknown length'})`,
    options: one,
    run(world: World): void {
      const body = sends(world, 200 * kib, lengthKnown);
      const client = slowReader(world);
      world.pass(200);
      assert.equal(servesAnother(world), true, 'the connection is free');
      readsAll(world, client, body);
      const record = assertRecord(world, { end: 'forwarded', status: 200 }, 1);
      assert.equal(record.bytesToClient, body.length);
      assert.ok((record.attempts[0]?.endedMs ?? 999) < 200, 'the attempt has ended when the endpoint was done');
    },
  })),
  {
    name: 'trailers follow a response that waited for its client',
    run(world) {
      const body = sends(world, 100 * kib, false);
      const client = slowReader(world);
      world.pass(200);
      readsAll(world, client, body);
      assert.equal(client.trailers.get('x-check'), 'done');
    },
  },
  ...[
    { name: 'a large response', length: true, bytes: 2000 * kib, headers: {}, buffer: {}, limits: {} },
    {
      name: 'a large response of unknown length',
      length: false,
      bytes: 2000 * kib,
      headers: {},
      buffer: {},
      limits: {},
    },
    {
      name: 'an event stream',
      ...{ length: false, bytes: 400 * kib, headers: { 'content-type': 'text/event-stream' }, buffer: {}, limits: {} },
    },
    {
      name: 'a response of a route without a buffer',
      ...{ length: true, bytes: 200 * kib, headers: {}, buffer: { responseBytesMax: 0 }, limits: {} },
    },
    {
      name: 'a response for which the allowance of the worker is used up',
      ...{ length: true, bytes: 200 * kib, headers: {}, buffer: {}, limits: { bufferBytesMax: 8 * kib } },
    },
  ].map(({ name, length, bytes, headers, buffer, limits }) => ({
    name: `${name} waits at its endpoint for a slow client`,
    options: { ...one, buffer, limits },
    run(world: World): void {
      const body = sends(world, bytes, length, headers);
      const client = slowReader(world);
      world.pass(200);
      const held = world.heldBytes();
      // What the endpoint has written waits in its own system, which this counts for transports in memory.
      assert.ok(world.bufferedBytes() <= 330 * kib, `${held} bytes are held`);
      if (bytes < 1000 * kib)
        assert.ok(world.bufferedBytes() <= 8 * kib, `${world.bufferedBytes()} bytes are buffered`);
      assert.equal(world.records.length, 0);
      readsAll(world, client, body);
      assert.equal(world.records[0]?.bytesToClient, body.length);
    },
  })),
  {
    name: 'a client that leaves while a response waits for it gives the memory back',
    options: one,
    run(world) {
      sends(world, 200 * kib, true);
      const client = slowReader(world);
      world.pass(200);
      assert.ok(world.bufferedBytes() > 0, 'bytes are buffered');
      client.leave();
      world.pass(20);
      assert.equal(world.bufferedBytes(), 0);
      assertRecord(world, { end: 'abandoned', status: 200, cause: 'client_gone', delivery: 'response_started' });
      assert.equal(world.records[0]?.attempts[0]?.failure, null, 'the endpoint has done its part');
    },
  },
  {
    name: 'a response that breaks while its beginning waits for the client is truncated',
    options: one,
    run(world) {
      world.endpoint('a').onRequest = (request) => {
        request.head(200, 200 * kib);
        request.write(pattern(100 * kib));
      };
      const client = slowReader(world);
      world.pass(200);
      world.endpoint('a').arrived[0]?.breakOff('reset');
      world.pass(200);
      client.readOn();
      world.pass(3000);
      assert.equal(client.state, 'cut');
      assertRecord(world, { end: 'truncated', status: 200, cause: world.records[0]?.failure?.cause ?? null });
    },
  },
];
