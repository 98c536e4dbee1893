import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type FaultOrigin, type RawClient, startFaultOrigin } from '../../src/testing/testing.ts';
import { timeoutMs, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { SecureClient } from './secure-client.ts';
import { secureClientOf, startTlsEdge } from './tls-edge.ts';

// Clients that leave at every stage of an exchange, in every way. TLS changes nothing: what the record says of a client in
// clear text that leaves in the same way is what it says of a client within TLS.

/** Beyond the time after a request in which a FIN means that no further request follows (ADR 10). */
const lateMs = 100;

/** More than the kernel buffers for a connection. */
const large = 50_000_000;

interface Stage {
  readonly name: string;
  /** Brings the client to the stage. */
  readonly reach: (client: RawClient, id: string) => Promise<void>;
  /** Whether the exchange has a record under the id of the request. */
  readonly isRecorded: boolean;
}

const head = (method: string, path: string, id: string, more = ''): string =>
  `${method} ${path} HTTP/1.1\r\nHost: edge.test\r\nX-Request-Id: ${id}\r\n${more}`;

const received = async (client: RawClient): Promise<void> => {
  assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\n'), timeoutMs), 'a response');
};

const stages: readonly Stage[] = [
  {
    name: 'after the handshake',
    reach: async (client) => {
      if (client instanceof SecureClient) await client.handshake;
      await until('the connection is counted', () => edge.counts().clients > 0);
    },
    isRecorded: false,
  },
  {
    name: 'within the head of the request',
    reach: async (client, id) => {
      client.write(head('GET', '/ok', id, 'X-More: '));
      await until('the connection is counted', () => edge.counts().clients > 0);
    },
    isRecorded: false,
  },
  {
    name: 'within the body of the request',
    reach: async (client, id) => {
      client.write(`${head('POST', '/echo', id, 'Content-Length: 100\r\n')}\r\nsome`);
      await origin.seen(id);
    },
    isRecorded: true,
  },
  {
    name: 'within a chunk of the request',
    reach: async (client, id) => {
      client.write(`${head('POST', '/echo', id, 'Transfer-Encoding: chunked\r\n')}\r\n4\r\nsome\r\n8\r\nhalf`);
      await origin.seen(id);
    },
    isRecorded: true,
  },
  {
    name: 'while it waits for the response',
    reach: async (client, id) => {
      client.write(`${head('GET', '/fault/silent', id)}\r\n`);
      await origin.seen(id);
    },
    isRecorded: true,
  },
  {
    name: 'within the body of the response',
    reach: async (client, id) => {
      client.write(`${head('GET', '/fault/stall-mid-content', id)}\r\n`);
      await received(client);
    },
    isRecorded: true,
  },
  {
    name: 'between two requests',
    reach: async (client, id) => {
      client.write(`${head('GET', '/ok', id)}\r\n`);
      await client.response('GET', timeoutMs);
    },
    isRecorded: true,
  },
];

interface Way {
  readonly name: string;
  readonly secured: (client: SecureClient) => void;
  /** The same for a client in clear text. */
  readonly plain: (client: RawClient) => void;
}

const ways: readonly Way[] = [
  { name: 'close_notify and FIN', secured: (client) => client.finish(), plain: (client) => client.finish() },
  { name: 'FIN alone', secured: (client) => client.finishBelow(), plain: (client) => client.finish() },
  { name: 'RST', secured: (client) => client.reset(), plain: (client) => client.reset() },
];

let origin: FaultOrigin;
let edge: YamlGateway;

/** What a client met, and what the record says of it. */
interface Left {
  readonly status: number | null;
  readonly record: unknown;
}

async function leave<C extends RawClient>(client: C, stage: Stage, how: (client: C) => void): Promise<Left> {
  const id = randomUUID();
  await stage.reach(client, id);
  const reachedMs = client.elapsedMs;
  await until('a FIN means that the client has left', () => client.elapsedMs > reachedMs + lateMs);
  how(client);
  const { response } = await client.response('GET', timeoutMs);
  client.close();
  await until('no exchange is in flight', () => edge.counts().active === 0);
  await until('the connection is gone', () => edge.counts().clients === 0);
  if (!stage.isRecorded) return { status: response?.status ?? null, record: null };
  const { status, cause, shape, delivery, end } = await edge.record(id);
  return { status: response?.status ?? null, record: { status, cause, shape, delivery, end } };
}

describe('a client within TLS that leaves', () => {
  before(async () => {
    origin = await startFaultOrigin();
    edge = await startTlsEdge(
      origin.address,
      { https: '' },
      `
trusted_peers: [127.0.0.0/8]
client: { head_timeout: 3s, body_timeout: 3s }
timeouts: { response_head: 600ms, idle: 600ms }
routes: [{ path: /, to: app, commit_delay: none, buffer: none }]
`,
    );
  });
  after(async () => {
    await edge?.stop();
    await origin?.close();
  });

  for (const stage of stages)
    for (const way of ways)
      test(`${stage.name} by ${way.name} is recorded as one in clear text`, { timeout: 60_000 }, async () => {
        const plain = await leave(edge.connect(), stage, way.plain);
        const secured = await leave(secureClientOf(edge), stage, way.secured);
        assert.deepEqual(secured, plain);
      });

  test('within a response that it does not read leaves nothing behind', { timeout: 60_000 }, async () => {
    for (const way of ways) {
      const id = randomUUID();
      const client = secureClientOf(edge);
      client.secure.pause();
      client.write(`${head('GET', `/bytes/${large}`, id)}\r\n`);
      await origin.seen(id);
      way.secured(client);
      client.close();
      const { end, status } = await edge.record(id);
      assert.deepEqual([end, status], ['abandoned', 200], way.name);
    }
  });

  test('leaves no exchange, no connection and no failure without a name', async () => {
    await until('nothing is left', () => edge.counts().active === 0 && edge.counts().clients === 0);
    await until('the origin has no connection in use', () => origin.connectionsOpen <= edge.counts().upstream);
    assert.equal(edge.counts().unclassified, 0);
  });
});
