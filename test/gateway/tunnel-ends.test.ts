import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { renderExplanation } from '../../src/cli/explanation.ts';
import { plain } from '../../src/cli/style.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import type { RawClient } from '../../src/testing/testing.ts';
import { timeoutMs, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';
import { WebSocketServer } from './web-socket-server.ts';
import { websocketRequest } from '../websocket-request.ts';

// A WebSocket may end in order, break, lose its process or be closed by the gateway. The record distinguishes the four,
// and says who did it.

const program = join(import.meta.dirname, 'fixtures', 'web-socket-application.mjs');

const configuration = (more = ''): string => `
applications:
  chat:
    command: ["${process.execPath}", "${program}"]
    readiness: { path: /, interval: 50ms, passes: 1 }
    restart: { first_delay: 100ms }
drain: { timeout: 300ms }
${more}`;

/** A frame as clients send it; its mask is zero, so that its payload can be read here. */
function frame(opcode: number, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0), payload]);
}

const say = (text: string): Buffer => frame(1, Buffer.from(text));
const closing = (code: number): Buffer => frame(8, Buffer.of(code >> 8, code & 0xff));

/** Opens a WebSocket through the gateway, and waits until a message comes back. */
async function opened(edge: YamlGateway, listener = 'http'): Promise<{ client: RawClient; id: string }> {
  await until('the application is ready', () => instanceOf(edge)?.phase === 'ready', 30_000);
  const client = edge.connect(listener);
  client.write(websocketRequest);
  client.write(say('hello'));
  assert.ok(await client.waitFor(() => client.bytes.includes('hello'), timeoutMs), client.bytes.toString());
  const id = /x-request-id: (\S+)/i.exec(client.bytes.toString('latin1'))?.[1] ?? '';
  return { client, id };
}

function instanceOf(edge: YamlGateway) {
  return edge.gateway.status().applications[0]?.instances[0];
}

async function recordOf(edge: YamlGateway, id: string): Promise<ExchangeRecord> {
  await until('the tunnel is recorded', async () => (await edge.gateway.findExchange(id)) !== null);
  return edge.record(id);
}

interface Row {
  readonly what: string;
  readonly act: (client: RawClient) => void;
  readonly tunnel: Partial<NonNullable<ExchangeRecord['tunnel']>>;
  readonly end: string;
  readonly cause: string | null;
  readonly says: RegExp;
  /** The application ends its process with it. */
  readonly exits?: true;
}

const rows: readonly Row[] = [
  {
    what: 'an application that closes it',
    act: (client) => client.write(say('close')),
    tunnel: { how: 'closed', by: 'application', close_code: 1000 },
    end: 'forwarded',
    cause: null,
    says: /by the application, in order, with close code 1000 \(normal closure\)/,
  },
  {
    what: 'an application that closes it and exits in order',
    act: (client) => client.write(say('leave')),
    tunnel: { how: 'closed', by: 'application', close_code: 1001 },
    end: 'forwarded',
    cause: null,
    says: /by the application, in order, with close code 1001 \(going away\)/,
    exits: true,
  },
  {
    what: 'an application that ends the connection without a close frame',
    act: (client) => client.write(say('end')),
    tunnel: { how: 'unclosed', by: 'application', close_code: null },
    end: 'truncated',
    cause: 'tunnel_unclosed',
    says: /by the application, without a close frame/,
  },
  {
    what: 'an application that ends it with an error page',
    act: (client) => client.write(say('page')),
    tunnel: { how: 'unclosed', by: 'application', close_code: null },
    end: 'truncated',
    cause: 'tunnel_unclosed',
    says: /by the application, without a close frame/,
  },
  {
    what: 'a client that sends other bytes than frames and ends the connection',
    act: (client) => {
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      client.finish();
    },
    tunnel: { how: 'unclosed', by: 'client', close_code: null },
    end: 'abandoned',
    cause: 'client_gone',
    says: /by the client, without a close frame/,
  },
  {
    what: 'an application that resets it',
    act: (client) => client.write(say('reset')),
    tunnel: { how: 'reset', by: 'application', close_code: null },
    end: 'truncated',
    cause: 'response_body_reset',
    says: /by the application, by a reset/,
  },
  ...[1000, 1001].map((code) => ({
    what: `a client that closes it with ${code}`,
    act: (client: RawClient) => client.write(closing(code)),
    tunnel: { how: 'closed' as const, by: 'client' as const, close_code: code },
    end: 'forwarded',
    cause: null,
    says: new RegExp(`by the client, in order, with close code ${code}`),
  })),
  {
    what: 'a client that vanishes by a reset',
    act: (client) => client.reset(),
    tunnel: { how: 'reset', by: 'client', close_code: null },
    end: 'abandoned',
    cause: 'client_gone',
    says: /by the client, by a reset/,
  },
  {
    what: 'a client that ends the connection without a close frame',
    act: (client) => client.finish(),
    tunnel: { how: 'unclosed', by: 'client', close_code: null },
    end: 'abandoned',
    cause: 'client_gone',
    says: /by the client, without a close frame/,
  },
  {
    what: 'a client that closes it and resets the connection when the answering close frame has come',
    act: (client) => {
      client.write(closing(1000));
      void client.waitFor(() => client.bytes.includes(Buffer.of(0x88)), timeoutMs).then(() => client.reset());
    },
    tunnel: { how: 'closed', by: 'client', close_code: 1000 },
    end: 'forwarded',
    cause: null,
    says: /by the client, in order/,
  },
];

describe('a WebSocket through the gateway', { timeout: 120_000 }, () => {
  let edge: YamlGateway;
  before(async () => {
    edge = await startFromYaml(configuration());
  });
  after(() => edge.stop());

  for (const row of rows) {
    test(`with ${row.what} is recorded as such, and explained`, async () => {
      const { client, id } = await opened(edge);
      row.act(client);
      await client.waitFor(() => client.state !== 'open', timeoutMs);
      client.finish();
      const record = await recordOf(edge, id);
      client.close();
      assert.deepEqual(record.tunnel, { protocol: 'websocket', ...row.tunnel });
      assert.deepEqual([record.kind, record.end, record.cause], ['tunnel', row.end, row.cause]);
      assert.match(renderExplanation(record, plain).replace(/\s+/g, ' '), row.says);
      await until('each is recorded once', () => edge.counts().active === 0);
      // Until then the status says that the instance is ready.
      if (row.exits) await until('its exit is noticed', () => edge.eventsOf('instance_exited').length > 0);
    });
  }

  test('whose process is killed is recorded as that exit, never as an orderly end', async () => {
    // On a machine so busy that the system reports the exit too late, the next exit is tried; none may be recorded as
    // an orderly end.
    for (let death = 0; death < 4; death++) {
      const { client, id } = await opened(edge);
      const pid = instanceOf(edge)?.pid;
      client.write(say('kill'));
      await client.waitFor(() => client.state !== 'open', timeoutMs);
      client.finish();
      const record = await recordOf(edge, id);
      client.close();
      assert.equal(record.end, 'truncated');
      assert.equal(record.whose, 'application');
      await until('another instance is started', () => instanceOf(edge)?.pid !== pid, 30_000);
      if (record.tunnel?.how !== 'exit') continue;
      assert.deepEqual(record.tunnel, { protocol: 'websocket', how: 'exit', by: 'application', close_code: null });
      assert.equal(record.cause, 'tunnel_exit');
      assert.equal(record.attempts.at(-1)?.exit?.signal, 'SIGKILL');
      const text = renderExplanation(record, plain).replace(/\s+/g, ' ');
      assert.match(text, /ended by the application, because its process ended/);
      assert.match(text, /SIGKILL/);
      return;
    }
    assert.fail('no record of four exits names its exit');
  });
});

test('a WebSocket that a drain force closes is recorded as ended by the gateway, after a reload and after a stop', {
  timeout: 60_000,
}, async () => {
  const two = 'listeners: { http: "127.0.0.1:0", more: "127.0.0.1:0" }';
  const edge = await startFromYaml(configuration(two));
  try {
    const { client, id } = await opened(edge, 'more');
    const outcome = await edge.reload(configuration('listeners: { http: "127.0.0.1:0" }'));
    assert.ok(outcome.ok, JSON.stringify(outcome));
    assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs));
    assert.equal(client.state, 'fin', 'the application has answered the close frame, and ended its connection');
    assert.deepEqual(client.bytes.subarray(-4), Buffer.of(0x88, 2, 0x03, 0xe9));
    client.finish();
    const record = await recordOf(edge, id);
    assert.deepEqual(record.tunnel, { protocol: 'websocket', how: 'drained', by: 'gateway', close_code: 1001 });
    assert.deepEqual([record.end, record.cause, record.whose], ['truncated', 'drained', 'operator']);
    assert.match(
      renderExplanation(record, plain).replace(/\s+/g, ' '),
      /ended by the gateway, because it, or the listener, was stopping, with close code 1001/,
    );
    client.close();
  } finally {
    await edge.stop();
  }
});

test('a WebSocket gets 1001 of the gateway before its application, which ends abruptly, is stopped by a second signal', {
  timeout: 60_000,
}, async () => {
  const edge = await startFromYaml(configuration().replace('timeout: 300ms', 'timeout: 60s'));
  try {
    const { client } = await opened(edge);
    client.write(say('abrupt'));
    client.write(say('and on'));
    assert.ok(await client.waitFor(() => client.bytes.includes('and on'), timeoutMs));
    const stopping = edge.gateway.stop('SIGINT');
    const reason = (): unknown => edge.gateway.status().drain?.phase;
    await until('the gateway drains', () => reason() === 'draining');
    void edge.gateway.stop('a second signal, SIGINT');
    assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs));
    assert.deepEqual(client.bytes.subarray(-4), Buffer.of(0x88, 2, 0x03, 0xe9));
    client.finish();
    await stopping;
  } finally {
    await edge.stop();
  }
});

for (const tunnels of ['wait', 'end'] as const)
  test(`a WebSocket of a real client gets 1001 when the gateway stops, with drain.tunnels: ${tunnels}`, {
    timeout: 60_000,
  }, async () => {
    const server = await WebSocketServer.start();
    const upstream = `upstreams: { app: { endpoints: "127.0.0.1:${server.port}", check: none } }`;
    const edge = await startFromYaml(`${upstream}\ndrain: { timeout: 300ms, tunnels: ${tunnels} }\n`);
    try {
      const { host, port } = edge.address();
      const client = new WebSocket(`ws://${host}:${port}/`);
      await once(client, 'open');
      const closed = once(client, 'close');
      const stopping = edge.gateway.stop('the test');
      const [{ code, wasClean }] = (await closed) as [CloseEvent];
      assert.deepEqual([code, wasClean], [1001, true]);
      await stopping;
      assert.deepEqual(server.closed, [1001], 'the application gets a close frame too');
    } finally {
      await edge.stop();
      await server.close();
    }
  });

test('a WebSocket with pings stays open beyond its idle timeout, and neither side sees pongs of the other', {
  timeout: 60_000,
}, async () => {
  const server = await WebSocketServer.start();
  const upstream = `upstreams: { app: { endpoints: "127.0.0.1:${server.port}", check: none } }`;
  const edge = await startFromYaml(`${upstream}\nwebsocket: { ping: 150ms, idle_timeout: 2s }\n`);
  try {
    const { host, port } = edge.address();
    const client = new WebSocket(`ws://${host}:${port}/`);
    const messages: string[] = [];
    client.addEventListener('message', ({ data }) => void messages.push(String(data)));
    await once(client, 'open');
    await until('the gateway has pinged the application for longer than that', () => server.pings * 150 > 2400);
    client.send('still here');
    await until('the message is back', () => messages.includes('still here'));
    assert.equal(server.pongs, 0, "the client's pongs are for the gateway");
    client.close(1000);
    const [{ code }] = (await once(client, 'close')) as [CloseEvent];
    assert.equal(code, 1000);
  } finally {
    await edge.stop();
    await server.close();
  }
});

test('a client that does not answer pings is closed, and recorded as silent', { timeout: 60_000 }, async () => {
  const pings = 'websocket: { ping: 100ms, idle_timeout: 500ms }';
  const edge = await startFromYaml(configuration(pings));
  try {
    const { client, id } = await opened(edge);
    assert.ok(await client.waitFor(() => client.bytes.includes(Buffer.of(0x89, 8)), timeoutMs), 'a ping comes');
    assert.ok(await client.waitFor(() => client.state !== 'open', timeoutMs));
    client.finish();
    const record = await recordOf(edge, id);
    client.close();
    assert.deepEqual([record.cause, record.tunnel?.how, record.tunnel?.by], ['tunnel_idle', 'idle', 'gateway']);
  } finally {
    await edge.stop();
  }
});
