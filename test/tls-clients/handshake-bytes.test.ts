import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { EngineListener } from '../gateway/engine-listener.ts';
import { responseOn, until } from '../gateway/start-from-yaml.ts';
import { SecureClient } from './secure-client.ts';
import { edgeTls, trusting } from './tls-edge.ts';
import {
  byteByByte,
  type Carrier,
  cutAfter,
  heldUntilRecords,
  helloInRecordsOf,
  recordStarts,
  whole,
  WireRelay,
} from './wire-relay.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

// However the network slices a handshake, and wherever it ends: the listener runs in this thread, so that it has read each
// slice before the next one is sent.

const request = 'GET / HTTP/1.1\r\nHost: edge.test\r\n\r\n';
const versions = ['TLSv1.2', 'TLSv1.3'] as const;

/** In so many records a ClientHello may come (`recordsMax` of `wire/client-hello.ts`). */
const helloRecordsMax = 64;

/** One group, which is that of the certificate, so that the ClientHello is short: it is cut at every byte. */
function only(version: (typeof versions)[number]): ConnectionOptions {
  return trusting({ minVersion: version, maxVersion: version, ecdhCurve: 'P-256' });
}

let listener: EngineListener;
let relay: WireRelay;

async function open(): Promise<void> {
  listener = new EngineListener({ stages: [], engines: [], tls: edgeTls });
  await listener.open();
  relay = await WireRelay.start(listener.address);
}

async function close(): Promise<void> {
  await relay.close();
  await until('all connections are gone', () => listener.counts.clientConnections === 0);
  listener.close();
}

/** A session and a request through the relay. */
async function visit(carrier: Carrier, options: ConnectionOptions): Promise<number> {
  relay.carrier = carrier;
  const client = new SecureClient(relay.address, options);
  try {
    client.write(request);
    return (await responseOn(client)).status;
  } finally {
    client.close();
  }
}

describe('a handshake in slices', () => {
  beforeEach(open);
  afterEach(close);

  for (const version of versions) {
    test(`of one byte each is completed: ${version}`, async () => {
      assert.equal(await visit(byteByByte, only(version)), 200);
      assert.deepEqual(listener.failedHandshakes, []);
    });

    test(`whose ClientHello has records of any size is completed: ${version}`, async () => {
      const hello = (await flightsOf(version)).starts[1] ?? assert.fail();
      for (let size = Math.ceil(hello / helloRecordsMax); size < hello; size++)
        assert.equal(await visit(helloInRecordsOf(size), only(version)), 200, `records of ${size} bytes`);
      assert.deepEqual(listener.failedHandshakes, []);
    });
  }

  test('whose ClientHello has a byte in each record is completed', async () => {
    assert.equal(await visit(helloInRecordsOf(1), only('TLSv1.2')), 200);
  });

  test('with a ClientHello of several segments is completed', async () => {
    // The usual groups, among them one of more than a kilobyte, and many protocols.
    const protocols = Array.from({ length: 100 }, (_, index) => `protocol-${index}`);
    const options = trusting({ ALPNProtocols: [...protocols, 'http/1.1'] });
    for (const carrier of [whole, byteByByte, helloInRecordsOf(100), helloInRecordsOf(1000)])
      assert.equal(await visit(carrier, options), 200);
  });

  test('whose last message comes together with the request is completed, and the request is served', async () => {
    // Of TLS 1.3: a message for old middleboxes, Finished, and the request.
    assert.equal(await visit(heldUntilRecords(3), only('TLSv1.3')), 200);
  });
});

describe('a handshake that is cut', () => {
  before(open);
  after(close);

  for (const version of versions) {
    for (const how of ['fin', 'reset'] as const) {
      test(`after any number of bytes is reported and forgotten: ${version}, ${how}`, {
        timeout: 120_000,
      }, async () => {
        const { starts, length } = await flightsOf(version);
        const handshake = starts.at(-1) ?? assert.fail('no records');
        await until('the visit is over', () => listener.counts.clientConnections === 0);
        listener.failedHandshakes.length = 0;
        const served = listener.handlers.length;
        const counts = sampled(
          Array.from({ length }, (_, count) => count),
          6,
        );
        for (const count of counts) {
          relay.carrier = cutAfter(count, how);
          const closed = relay.nextClosed();
          const client = new SecureClient(relay.address, only(version));
          client.write(request);
          await closed;
          client.close();
        }
        await until('all connections are gone', () => listener.counts.clientConnections === 0);
        assert.equal(listener.handlers.length, served, 'no request was complete');
        assert.deepEqual([...new Set(listener.failedHandshakes.map(({ reason }) => reason))], ['closed']);
        // A connection without a byte may be a check of a load balancer; one with a session has not failed.
        const cutShort = counts.filter((count) => count > 0 && count < handshake);
        assert.equal(listener.failedHandshakes.length, cutShort.length);
        assert.equal(await visit(whole, only(version)), 200, 'the next client is served');
      });
    }
  }
});

/** How many bytes a client sends for a handshake and a request, and where their records begin; the last one is the request. */
async function flightsOf(version: (typeof versions)[number]): Promise<{ starts: readonly number[]; length: number }> {
  const parts: Buffer[] = [];
  const recorded: Carrier = (gateway) => (bytes) => {
    parts.push(bytes);
    gateway.write(bytes);
  };
  assert.equal(await visit(recorded, only(version)), 200);
  const all = Buffer.concat(parts);
  const starts = recordStarts(all);
  // A client that closes says so in a last record (close_notify), which may have come by now.
  const requestAt = starts.findIndex((start) => all[start] === applicationData && all.length - start > request.length);
  const last = version === 'TLSv1.3' ? requestOf13(starts, all) : requestAt;
  return { starts: starts.slice(0, last + 1), length: starts[last + 1] ?? all.length };
}

const applicationData = 23;

/** In TLS 1.3 the Finished message has the type of application data too, and comes first. */
function requestOf13(starts: readonly number[], all: Buffer): number {
  const encrypted = starts.flatMap((start, index) => (all[start] === applicationData ? [index] : []));
  return encrypted[1] ?? assert.fail('Finished and a request');
}
