import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, describe, test } from 'node:test';
import type { ServerOptions } from 'ws';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { ReloadedGateway, startFromYaml, timeoutMs, until, type YamlGateway } from './start-from-yaml.ts';
import { EchoApplication, Peer } from './web-socket-peers.ts';
import { websocketRequest } from '../websocket-request.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

// WebSockets between a client and an application that share no code with the gateway: messages pass unchanged, both ends
// close in order when the gateway closes, and the record distinguishes their own ends.

interface Open {
  readonly edge: YamlGateway;
  readonly application: EchoApplication;
  readonly client: Peer;
  /** The application's end. */
  readonly served: Peer;
}

const toEnd: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of toEnd.splice(0).toReversed()) await end();
});

const certificate = certificateAuthority(systemClock.wallTime()).issue({ names: ['edge.test'] });
const overTls =
  'listeners: { http: { bind: "127.0.0.1:0", tls: { certificates: [{ certificate_file: a.pem, key_file: a.key }] } } }';

const shared = new ReloadedGateway({ files: { 'a.pem': certificate.certificate, 'a.key': certificate.key } });
after(() => shared.stop());

/** `options` are those of the application; its compression is offered by the client too. */
async function opened(settings = '', options: ServerOptions = {}): Promise<Open> {
  const application = await EchoApplication.start(options);
  toEnd.push(() => application.stop());
  const endpoint = `upstreams: { app: { endpoints: "127.0.0.1:${application.port}", check: none } }`;
  const edge = await shared.with(`${endpoint}\n${settings}\n`);
  const { host, port } = edge.address();
  const url = `${settings.includes(overTls) ? 'wss' : 'ws'}://${host}:${port}/`;
  const perMessageDeflate = options.perMessageDeflate ?? false;
  const client = await Peer.connect(url, { perMessageDeflate, rejectUnauthorized: false });
  toEnd.push(async () => client.socket.terminate());
  await until('the application has the WebSocket', () => application.opened.length === 1);
  return { edge, application, client, served: application.opened[0] as Peer };
}

async function recordOf(edge: YamlGateway, { id }: Peer): Promise<ExchangeRecord> {
  await until('the tunnel is recorded', async () => (await edge.gateway.findExchange(id)) !== null);
  return edge.record(id);
}

/** Every length has another form in a frame, or another number of reads. */
const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000];
const timeout = 60_000;

const switching = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n';
/** Of a server, with 1001. */
const closeFrame = Buffer.of(0x88, 2, 0x03, 0xe9);

/** Pings are frequent, so that many stand between the frames of large messages. */
const variants = [
  ['without pings of the gateway', ''],
  ['with pings', 'websocket: { ping: 5ms }'],
  ['over TLS, with pings', `websocket: { ping: 5ms }\n${overTls}`],
] as const;

describe('a WebSocket between independent peers', { timeout: 120_000 }, () => {
  for (const perMessageDeflate of [false, { threshold: 0 }]) {
    const how = perMessageDeflate === false ? 'as they are' : 'compressed';
    for (const [which, settings] of sampled(variants, 3, perMessageDeflate === false ? 1 : 2))
      test(`echoes messages of every length, ${how}, ${which}`, async () => {
        const { client, served } = await opened(settings, { perMessageDeflate });
        assert.equal(client.socket.extensions.includes('permessage-deflate'), perMessageDeflate !== false);
        const sent = lengths.flatMap((length) => [
          { bytes: Buffer.alloc(length, 'text, and '), isBinary: false },
          { bytes: Buffer.alloc(length, 0x89), isBinary: true },
        ]);
        for (const { bytes, isBinary } of sent) client.socket.send(bytes, { binary: isBinary });
        await until('all are back', () => client.messages.length === sent.length);
        assert.deepEqual(client.messages, sent);
        assert.deepEqual(served.messages, sent);
        assert.deepEqual([client.errors, served.errors, client.pongs, served.pongs], [[], [], [], []]);
      });
  }

  test('passes fragments of a message, and pings and pongs between them, in both directions', async () => {
    for (const perMessageDeflate of [false, { threshold: 0 }]) {
      const { application, client, served } = await opened('websocket: { ping: 5ms }', { perMessageDeflate });
      application.echoes = false;
      for (const [sender, receiver] of [
        [client, served],
        [served, client],
      ] as const) {
        const parts = ['one ', 'two ', 'three '.repeat(30_000), 'four'];
        for (const [index, part] of parts.entries()) {
          sender.socket.send(part, { fin: index === parts.length - 1 });
          sender.socket.ping(`ping ${index}`);
        }
        await until('the message has come', () => receiver.messages.length === 1);
        assert.equal(receiver.messages[0]?.bytes.toString(), parts.join(''));
        // An end need answer the last of several pings only; `ws` answers each of them.
        await until('all are answered', () => sender.pongs.length === parts.length);
        assert.deepEqual(sender.pongs, ['ping 0', 'ping 1', 'ping 2', 'ping 3']);
        assert.deepEqual(
          receiver.pings.filter((text) => text.startsWith('ping ')),
          sender.pongs,
        );
        assert.deepEqual([sender.errors, receiver.errors], [[], []]);
      }
    }
  });

  const ends: readonly (readonly [
    what: string,
    act: (open: Open) => void,
    hows: readonly string[],
    by: string,
    code: number | null,
    end: string,
    seen: (open: Open) => Promise<readonly [number, string]>,
    codeSeen: readonly [number, string],
  ])[] = [
    [
      'the client closes it',
      ({ client }) => client.socket.close(4001, 'enough'),
      ['closed'],
      'client',
      4001,
      'forwarded',
      ({ served }) => served.ended,
      [4001, 'enough'],
    ],
    [
      'the application closes it',
      ({ served }) => served.socket.close(4002, 'full'),
      ['closed'],
      'application',
      4002,
      'forwarded',
      ({ client }) => client.ended,
      [4002, 'full'],
    ],
    [
      'the client vanishes',
      ({ client }) => client.socket.terminate(),
      ['unclosed', 'reset'],
      'client',
      null,
      'abandoned',
      ({ served }) => served.ended,
      [1006, ''],
    ],
    [
      'the application vanishes',
      ({ served }) => served.socket.terminate(),
      ['unclosed', 'reset'],
      'application',
      null,
      'truncated',
      ({ client }) => client.ended,
      [1006, ''],
    ],
  ];
  for (const [what, act, hows, by, code, end, seen, codeSeen] of ends)
    for (const [which, settings] of sampled(
      variants,
      3,
      ends.findIndex(([one]) => one === what),
    ))
      test(`is recorded as such when ${what}, ${which}`, async () => {
        const open = await opened(settings);
        act(open);
        assert.deepEqual(await seen(open), codeSeen);
        const { tunnel, end: ended } = await recordOf(open.edge, open.client);
        assert.ok(hows.includes(tunnel?.how ?? ''), `it is recorded as ${tunnel?.how}`);
        assert.deepEqual([tunnel?.by, tunnel?.close_code, ended], [by, code, end]);
      });
});

describe('a WebSocket between independent peers that the gateway closes', { timeout: 120_000 }, () => {
  // Most of these tests stop it.
  afterEach(() => shared.stop());

  for (const [which, settings] of [
    ['with drain.tunnels: wait', 'drain: { timeout: 300ms, tunnels: wait }'],
    ['with drain.tunnels: end', 'drain: { timeout: 300ms, tunnels: end }'],
    ['over TLS', `drain: { timeout: 300ms }\n${overTls}`],
  ] as const)
    test(`gets 1001 on both sides when the gateway stops amid messages, ${which}`, async () => {
      const open = await opened(settings);
      const { edge, application, client, served } = open;
      application.echoes = false;
      const bytes = Buffer.alloc(100_000, 0x88);
      const keepSending = (peer: Peer): void => {
        const { socket } = peer;
        if (socket.readyState === socket.OPEN) socket.send(bytes, () => setImmediate(keepSending, peer));
      };
      for (const peer of [client, served]) keepSending(peer);
      await until('messages pass', () => client.messages.length > 5 && served.messages.length > 5);
      const stopping = edge.gateway.stop('the test');
      assert.deepEqual(
        [await client.ended, await served.ended],
        [
          [1001, ''],
          [1001, ''],
        ],
      );
      await stopping;
      for (const { messages, errors } of [client, served]) {
        assert.ok(messages.every((message) => message.bytes.equals(bytes)));
        assert.deepEqual(errors, []);
      }
    });

  test('gets the rest of a frame before the close frame, from a client that has sent half of it', {
    timeout,
  }, async () => {
    const { edge, application, served, client } = await opened('drain: { timeout: 5s, tunnels: end }');
    client.socket.close();
    await served.ended;
    const raw = edge.connect();
    toEnd.push(async () => raw.close());
    raw.write(websocketRequest);
    raw.write(Buffer.of(0x81, 0x86, 0, 0, 0, 0, ...Buffer.from('hal')));
    assert.ok(await raw.waitFor(() => raw.bytes.includes('\r\n\r\n'), timeoutMs));
    await until('the application has the WebSocket', () => application.opened.length === 2);
    const receiver = application.opened[1] as Peer;
    const stopping = edge.gateway.stop('the test');
    assert.ok(
      await raw.waitFor(() => raw.bytes.includes(closeFrame), timeoutMs),
      'the client gets its close frame at once',
    );
    raw.write('ves');
    assert.deepEqual(await receiver.ended, [1001, '']);
    assert.deepEqual([receiver.messages.map(({ bytes }) => bytes.toString()), receiver.errors], [['halves'], []]);
    raw.finish();
    await stopping;
  });

  test('gets the rest of a frame before the close frame, from an application that has sent half of it', {
    timeout,
  }, async () => {
    const server = createServer();
    toEnd.push(async () => void server.close());
    server.on('upgrade', ({ headers }, socket) => {
      const accept = createHash('sha1').update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
      socket.write(`${switching}Sec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`);
      socket.write(Buffer.of(0x81, 6, ...Buffer.from('hal')));
      // What comes is the close frame of the gateway: the client of this test sends nothing.
      socket.once('data', () => socket.end(Buffer.concat([Buffer.from('ves'), closeFrame])));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const endpoint = `upstreams: { app: { endpoints: "127.0.0.1:${port}", check: none } }`;
    const edge = await startFromYaml(`${endpoint}\ndrain: { timeout: 5s, tunnels: end }\n`);
    toEnd.push(() => edge.stop());
    const client = await Peer.connect(`ws://127.0.0.1:${edge.address().port}/`);
    const stopping = edge.gateway.stop('the test');
    assert.deepEqual(await client.ended, [1001, '']);
    assert.deepEqual([client.messages.map(({ bytes }) => bytes.toString()), client.errors], [['halves'], []]);
    await stopping;
  });

  test('keeps its time to answer beyond the end of the drain timeout', { timeout }, async () => {
    const { edge, client, served } = await opened('drain: { timeout: 300ms }');
    client.socket.pause();
    const stopping = edge.gateway.stop('the test');
    assert.deepEqual(await served.ended, [1001, '']);
    await until('the drain timeout is over', () =>
      edge.eventsOf('drain_phase').some(({ to }) => to === 'force_closing'),
    );
    client.socket.resume();
    assert.deepEqual(await client.ended, [1001, '']);
    assert.deepEqual(client.errors, []);
    await stopping;
  });

  test('gets 1001 on both sides when it has been idle, and is recorded so', { timeout }, async () => {
    const { edge, client, served } = await opened('websocket: { idle_timeout: 300ms }');
    assert.deepEqual(
      [await client.ended, await served.ended],
      [
        [1001, ''],
        [1001, ''],
      ],
    );
    const { tunnel, cause } = await recordOf(edge, client);
    assert.deepEqual([tunnel?.how, tunnel?.by, tunnel?.close_code, cause], ['idle', 'gateway', 1001, 'tunnel_idle']);
  });

  for (const [silent, of] of [
    ['client', ({ client }: Open) => client],
    ['application', ({ served }: Open) => served],
  ] as const)
    test(`is closed when the ${silent} answers no pings, and recorded so`, { timeout }, async () => {
      const open = await opened('websocket: { ping: 100ms, idle_timeout: 2s }');
      const peer = of(open);
      const other = peer === open.client ? open.served : open.client;
      peer.socket.pause();
      assert.deepEqual(await other.ended, [1001, '']);
      peer.socket.resume();
      const record = await recordOf(open.edge, open.client);
      assert.deepEqual([record.cause, record.whose, record.tunnel?.how], ['tunnel_idle', silent, 'idle']);
    });

  test('stays open as long as both sides answer pings, which neither sees the answer of', { timeout }, async () => {
    const { client, served } = await opened('websocket: { ping: 50ms, idle_timeout: 2s }');
    await until('the gateway has pinged for longer than the idle timeout', () =>
      [client, served].every(({ pings }) => pings.length > 45),
    );
    client.socket.send('still here');
    await until('the message is back', () => client.messages.length === 1);
    assert.deepEqual([client.pongs, served.pongs, client.errors, served.errors], [[], [], [], []]);
  });
});
