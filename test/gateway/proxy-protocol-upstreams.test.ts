// Starts processes: other programs read the PROXY protocol.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findPeer } from '../../scripts/peers.ts';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { RawClient } from '../../src/testing/testing.ts';
import { parseProxyProtocol } from '../../src/wire/proxy-protocol.ts';
import { freePort } from '../free-port.ts';
import { startPeerProcess } from '../peer-process.ts';
import { ReloadedGateway, requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// Upstreams that expect a PROXY protocol header: they learn from it who the client is, and believe it for every request.

const listeners = `listeners: { v4: "127.0.0.1:0", v6: "[::1]:0" }`;
const certificates = certificateAuthority(systemClock.wallTime());
const issued = certificates.issue({ names: ['origin.test'] });

/** A client's connection that stays open for several requests. */
class KeptClient {
  readonly client: RawClient;
  readonly #socket: Socket;

  constructor(gateway: YamlGateway, listener = 'v4') {
    const { host, port } = gateway.address(listener);
    const address = { host: host.replace(/^\[|\]$/g, ''), port };
    this.#socket = connect(address);
    this.client = new RawClient({ ...address, open: () => this.#socket });
  }

  async get(headers: readonly string[] = []): Promise<string> {
    this.client.write(requestText('GET', '/', headers));
    const { status, body } = await responseOn(this.client);
    return `${status} ${body.toString()}`.trim();
  }

  /** The addresses that the endpoint should have been told. */
  get facts(): string {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#socket;
    return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
  }

  close(): void {
    this.client.close();
  }
}

/** A real server that expects the header on two ports, and answers with what it has read and the number of its connection. */
interface RealServer {
  readonly port: number;
  readonly tlsPort: number;
  stop(): Promise<void>;
}

async function startServer(name: 'nginx' | 'haproxy'): Promise<RealServer> {
  const found = findPeer(name);
  if ('missing' in found) throw new Error(found.missing);
  const folder = mkdtempSync(join(tmpdir(), 'candor-proxy-'));
  const [port, tlsPort] = [await freePort(), await freePort()];
  writeFileSync(join(folder, 'both.pem'), `${issued.certificate}${issued.key}`);
  const [text, args] = name === 'nginx' ? nginx(port, tlsPort) : haproxy(port, tlsPort);
  writeFileSync(join(folder, 'server.conf'), text);
  const program = await startPeerProcess(found, args, { folder, port });
  return { port, tlsPort, stop: () => program.stop() };
}

function nginx(port: number, tlsPort: number): readonly [text: string, args: readonly string[]] {
  const seen = '$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port';
  const text = `
daemon off; master_process off; pid nginx.pid; error_log error.log crit;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server {
    listen 127.0.0.1:${port} proxy_protocol;
    listen 127.0.0.1:${tlsPort} ssl proxy_protocol;
    ssl_certificate both.pem; ssl_certificate_key both.pem;
    location / { return 200 "${seen} $connection"; }
  }
}
`;
  return [text, ['-p', '.', '-c', 'server.conf', '-e', 'error.log']];
}

function haproxy(port: number, tlsPort: number): readonly [text: string, args: readonly string[]] {
  const text = `
defaults
  mode http
  timeout client 9s
frontend seen
  bind 127.0.0.1:${port} accept-proxy
  bind 127.0.0.1:${tlsPort} accept-proxy ssl crt both.pem
  tcp-request session set-var(sess.number) rand(1000000000)
  http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port] %[var(sess.number)]"
`;
  return [text, ['-db', '-f', 'server.conf']];
}

for (const name of ['nginx', 'haproxy'] as const) {
  const found = findPeer(name);
  describe(`${name} behind the gateway`, { skip: 'missing' in found ? found.missing : false }, () => {
    let server: RealServer;
    const gateways = new ReloadedGateway({ files: { 'ca.pem': certificates.certificate } });
    before(async () => {
      server = await startServer(name);
    });
    after(() => gateways.stop());
    after(() => server.stop());

    for (const version of ['v1', 'v2'])
      for (const secure of [false, true])
        test(`reads from version ${version} who each client is${secure ? ', before TLS' : ''}`, async () => {
          const endpoint = secure ? `"https://127.0.0.1:${server.tlsPort}"` : `"127.0.0.1:${server.port}"`;
          const tls = secure ? ', tls: { ca_file: ca.pem, server_name: origin.test }' : '';
          const gateway = await gateways.with(
            `${listeners}\nupstreams: { app: { endpoints: ${endpoint}${tls}, check: / , proxy_protocol: ${version} } }\n`,
          );
          const clients = [new KeptClient(gateway), new KeptClient(gateway, 'v6'), new KeptClient(gateway)];
          try {
            const answers: string[][] = [];
            for (const client of clients) answers.push([await client.get()]);
            for (const [index, client] of clients.entries()) answers[index]?.push(await client.get());
            const connections = new Set<string>();
            for (const [index, client] of clients.entries()) {
              const [first = '', second] = answers[index] ?? [];
              assert.equal(second, first, 'the client keeps its connection');
              const number = first.split(' ').at(-1) ?? '';
              assert.equal(first, `200 ${client.facts} ${number}`);
              connections.add(number);
            }
            assert.equal(connections.size, clients.length, 'and no other client gets it');
            const { endpoints = [] } = gateway.gateway.status().upstreams[0] ?? {};
            assert.deepEqual(
              endpoints.map(({ state }) => state),
              ['healthy'],
            );
          } finally {
            for (const client of clients) client.close();
          }
        });

    for (const version of ['v1', 'v2'])
      test(`reads from version ${version} the client that a trusted peer has named, of either family`, async () => {
        const gateway = await gateways.with(
          `${listeners}\ntrusted_peers: ["127.0.0.1", "::1"]\nupstreams: { app: { endpoints: "127.0.0.1:${server.port}", check: none, proxy_protocol: ${version} } }\n`,
        );
        const peers = [new KeptClient(gateway), new KeptClient(gateway, 'v6')];
        try {
          for (const peer of peers)
            for (const address of ['192.0.2.1', '2001:db8::7']) {
              const [, seen = ''] = (await peer.get([`X-Forwarded-For: ${address}`])).split(' ');
              assert.equal(seen.replace('::ffff:', ''), address);
            }
        } finally {
          for (const peer of peers) peer.close();
        }
      });
  });
}

/** What came on one connection before its first request: the header's source, 'none', or 'the gateway'. */
type Announced = string;

/** Answers with what the connection began with, and remembers it. */
class AnnouncedOrigin {
  readonly seen: Announced[] = [];
  readonly #open = new Set<Socket>();
  readonly #server = createServer((socket) => this.#accept(socket));

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  #accept(socket: Socket): void {
    let announced: Announced | null = null;
    let bytes = Buffer.alloc(0);
    this.#open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('data', (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      if (announced === null) {
        const header = parseProxyProtocol(bytes, 0, bytes.length);
        if (header.state === 'partial') return;
        announced = header.state === 'refused' ? 'none' : (header.source?.address ?? 'the gateway');
        this.seen.push(announced);
        if (header.state === 'done') bytes = bytes.subarray(header.consumed);
      }
      for (let end = bytes.indexOf('\r\n\r\n'); end >= 0; end = bytes.indexOf('\r\n\r\n')) {
        bytes = bytes.subarray(end + 4);
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${announced.length}\r\n\r\n${announced}`);
      }
    });
  }

  stop(): void {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
  }
}

describe('an upstream with proxy_protocol', () => {
  let origin: AnnouncedOrigin;
  let port: number;
  before(async () => {
    origin = new AnnouncedOrigin();
    port = await origin.start();
  });
  after(() => origin.stop());

  const yaml = (rest: string): string =>
    `trusted_peers: ["127.0.0.1"]\nupstreams: { app: { endpoints: "127.0.0.1:${port}", ${rest} } }\n`;
  const as = (number: number): readonly string[] => [`X-Forwarded-For: 192.0.2.${number}`];

  test('never sends a request on a connection of another client, with fewer connections than clients', async () => {
    const gateway = await startFromYaml(
      yaml('check: none, proxy_protocol: v2, connections: { max: 3, queue_timeout: 9s }'),
    );
    try {
      const send = async (first: number): Promise<void> => {
        for (let step = 0; step < 40; step++) {
          const number = 1 + ((first + step * step) % 7);
          const response = await gateway.get('/', as(number));
          assert.equal(response.body.toString(), `192.0.2.${number}`);
        }
      };
      await Promise.all([1, 2, 3, 4, 5, 6].map(send));
      assert.ok(gateway.counts().upstream <= 3);
    } finally {
      await gateway.stop();
    }
  });

  test('keeps the newest idle connections: those of clients that left are closed first', async () => {
    const gateway = await startFromYaml(yaml('check: none, proxy_protocol: v1, connections: { idle_max: 2 }'));
    try {
      for (const number of [1, 2, 3, 4]) await gateway.get('/', as(number));
      origin.seen.length = 0;
      for (const number of [4, 3]) await gateway.get('/', as(number));
      assert.deepEqual(origin.seen, []);
      await gateway.get('/', as(1));
      assert.deepEqual(origin.seen, ['192.0.2.1']);
    } finally {
      await gateway.stop();
    }
  });

  for (const check of ['tcp', '/'])
    for (const version of ['v1', 'v2'])
      test(`is checked by ${check === '/' ? 'requests' : 'connections'} of no client (${version})`, async () => {
        origin.seen.length = 0;
        const gateway = await startFromYaml(yaml(`check: ${check}, proxy_protocol: ${version}`));
        try {
          await until('a check has come', () => origin.seen.length > 0);
          assert.deepEqual(origin.seen, ['the gateway']);
        } finally {
          await gateway.stop();
        }
      });

  test('begins connections as the configuration says after a reload', async () => {
    const gateway = await startFromYaml(yaml('check: none, proxy_protocol: v1'));
    try {
      const body = async (): Promise<string> => (await gateway.get('/', as(1))).body.toString();
      const bodies = [await body()];
      for (const next of ['none', 'v2', 'v1', 'none']) {
        const outcome = await gateway.reload(yaml(`check: none, proxy_protocol: ${next}`));
        assert.ok(outcome.ok, JSON.stringify(outcome));
        bodies.push(await body());
      }
      assert.deepEqual(bodies, ['192.0.2.1', 'none', '192.0.2.1', '192.0.2.1', 'none']);
    } finally {
      await gateway.stop();
    }
  });
});
