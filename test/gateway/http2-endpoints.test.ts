// Starts processes: nghttpd is the endpoint.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer as createHttp1Server } from 'node:http';
import {
  connect,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { findPeer } from '../../scripts/peers.ts';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/certificates.ts';
import { freePort } from '../free-port.ts';
import { startPeerProcess } from '../peer-process.ts';
import { ReloadedGateway, requestText, until, type YamlGateway } from './start-from-yaml.ts';

// HTTP/2 with endpoints of other makes: Node's server (nghttp2) in clear text and within TLS, and nghttpd.

const authority = certificateAuthority(systemClock.wallTime());
const issued = authority.issue({ names: ['origin.test'] });
const files = { 'ca.pem': authority.certificate };
const credentials = { cert: issued.certificate, key: issued.key };

type Serve = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

class Origin {
  readonly server: Http2Server | Http2SecureServer;
  readonly sessions: ServerHttp2Session[] = [];
  port = 0;

  constructor(server: Http2Server | Http2SecureServer, serve: Serve) {
    this.server = server;
    server.on('session', (session: ServerHttp2Session) => {
      this.sessions.push(session);
      session.on('error', () => undefined);
    });
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on('error', () => undefined);
      serve(stream, headers);
    });
  }

  async listen(): Promise<this> {
    this.port = await portOf(this.server as unknown as Server);
    return this;
  }

  close(): void {
    for (const session of this.sessions) session.destroy();
    this.server.close();
  }
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Echoes the request's body, and says what it was asked for. */
const echo: Serve = (stream, headers) => {
  const { ':method': method, ':path': path, ':scheme': scheme, ':authority': host } = headers;
  stream.respond({
    ':status': 200,
    'x-asked': `${method} ${scheme} ${host} ${path}`,
    'x-length': headers['content-length'] ?? '',
  });
  stream.pipe(stream);
};

const gateways = new ReloadedGateway({ files });

async function withGateway(yaml: string, run: (edge: YamlGateway) => Promise<void>): Promise<void> {
  await run(await gateways.with(yaml));
}

const opened: { close(): void }[] = [];
after(async () => {
  await gateways.stop();
  for (const one of opened) one.close();
});

async function start(server: Http2Server | Http2SecureServer, serve: Serve = echo): Promise<Origin> {
  const origin = await new Origin(server, serve).listen();
  opened.push(origin);
  return origin;
}

describe('an endpoint that speaks HTTP/2 in clear text', () => {
  test('gets requests of HTTP/1.1 clients, with a body', async () => {
    const origin = await start(createServer());
    await withGateway(`upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", http2: true } }`, async (edge) => {
      const response = await edge.send(requestText('POST', '/x?y', ['Content-Length: 5'], 'hello'));
      assert.deepEqual([response.status, response.body.toString()], [200, 'hello']);
      const asked = response.headers.find(([name]) => name.toLowerCase() === 'x-asked')?.[1];
      assert.equal(asked, `POST http example.org /x?y`);
      const { client, attempts } = await edge.record(response);
      assert.deepEqual([client.protocol, attempts.map(({ protocol }) => protocol)], ['HTTP/1.1', ['HTTP/2']]);
    });
  });

  test('carries 5 MB either way at once, with HTTP/2 clients too', async () => {
    const origin = await start(createServer({ maxSessionMemory: 1000 }));
    const yaml = `
listeners: { http: { bind: "127.0.0.1:0", http2: true } }
upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", http2: true, check: none } }`;
    await withGateway(yaml, async (edge) => {
      const { port } = edge.address();
      // Node allows 10 MB for all streams of a session.
      const client = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 1000 });
      const body = Buffer.alloc(5_000_000, 'content ');
      const streams = Array.from({ length: 4 }, () => {
        const stream = client.request({ ':method': 'POST', ':path': '/' });
        stream.end(body);
        return stream;
      });
      const received = await Promise.all(streams.map((stream) => buffer(stream)));
      assert.ok(received.every((bytes) => bytes.equals(body)));
      assert.equal(origin.sessions.length, 1, 'on one connection');
      client.close();
    });
  });

  test('that stops in order (GOAWAY) loses no request', async () => {
    const origins = [await start(createServer()), await start(createServer())];
    const endpoints = origins.map(({ port }) => `"127.0.0.1:${port}"`).join(', ');
    const yaml = `upstreams: { app: { endpoints: [${endpoints}], http2: true, check: none } }`;
    await withGateway(yaml, async (edge) => {
      let isOver = false;
      let asked = 0;
      const ask = async (): Promise<void> => {
        while (!isOver) {
          const { status } = await edge.send(requestText('POST', '/', ['Content-Length: 5'], 'hello'));
          assert.equal(status, 200);
          asked++;
        }
      };
      const clients = Promise.all(Array.from({ length: 8 }, ask));
      for (let round = 1; round <= 10; round++) {
        await until('requests have been answered', () => asked >= round * 20);
        for (const { sessions } of origins) for (const session of sessions.splice(0)) session.close();
      }
      isOver = true;
      await clients;
      assert.ok(asked >= 200);
    });
  });

  test('is checked over HTTP/2', async () => {
    const paths: unknown[] = [];
    const origin = await start(createServer(), (stream, headers) => {
      paths.push(headers[':path']);
      stream.respond({ ':status': 204 }, { endStream: true });
    });
    const check = '{ path: /up, interval: 100ms }';
    const yaml = `upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", http2: true, check: ${check} } }`;
    await withGateway(yaml, async (edge) => {
      const stateOf = (): string | undefined => edge.gateway.status().upstreams[0]?.endpoints[0]?.state;
      await until('it is healthy', () => stateOf() === 'healthy');
      assert.ok(paths.includes('/up'));
    });
  });

  test('is no HTTP/1.1 server: what came instead is told, by checks too', async () => {
    const plain = createHttp1Server((_, response) => response.end('HTTP/1.1'));
    const port = await portOf(plain);
    opened.push(plain);
    const yaml = `
upstreams:
  checked: { endpoints: "127.0.0.1:${port}", http2: true, check: { path: /up, interval: 50ms, fails: 1 } }
  app: { endpoints: "127.0.0.1:${port}", http2: true, check: none }
routes: [{ path: /, to: app }, { path: /checked, to: checked }]`;
    await withGateway(yaml, async (edge) => {
      await until('it is unhealthy', () =>
        edge.gateway.status().upstreams.some(({ endpoints }) => endpoints[0]?.state === 'unhealthy'),
      );
      const response = await edge.get('/');
      assert.equal(response.status, 502);
      const { cause, detail } = await edge.record(response);
      assert.equal(cause, 'response_not_http2');
      assert.match(detail ?? '', /it is HTTP\/1, beginning with "HTTP\/1\.1 [45]/);
    });
  });
});

describe('an endpoint within TLS', () => {
  const tls = 'tls: { ca_file: ca.pem, server_name: origin.test }';

  test('gets HTTP/2 where it chooses h2', async () => {
    const origin = await start(createSecureServer(credentials));
    const yaml = `upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", http2: true, ${tls} } }`;
    await withGateway(yaml, async (edge) => {
      const response = await edge.send(requestText('POST', '/', ['Content-Length: 5'], 'hello'));
      assert.deepEqual([response.status, response.body.toString()], [200, 'hello']);
      assert.match(response.headers.find(([name]) => name.toLowerCase() === 'x-asked')?.[1] ?? '', /^POST https /);
    });
  });

  test('gets HTTP/1.1 where it chooses that, and where the upstream does not say http2', async () => {
    const server = createSecureServer({ ...credentials, allowHTTP1: true }, (request, response) => {
      response.end(`by ${request.httpVersion}`);
    });
    const port = await portOf(server as unknown as Server);
    opened.push(server);
    const http1 = createSecureServer({ ...credentials, allowHTTP1: true, ALPNProtocols: ['http/1.1'] }, (_, response) =>
      response.end('by 1.1 alone'),
    );
    const http1Port = await portOf(http1 as unknown as Server);
    opened.push(http1);
    const yaml = `
upstreams:
  both: { endpoints: "127.0.0.1:${port}", http2: true, ${tls} }
  old: { endpoints: "127.0.0.1:${port}", ${tls} }
  one: { endpoints: "127.0.0.1:${http1Port}", http2: true, ${tls} }
routes: [{ path: /both, to: both }, { path: /old, to: old }, { path: /one, to: one }]`;
    await withGateway(yaml, async (edge) => {
      const bodies = [];
      for (const path of ['/both', '/old', '/one']) bodies.push((await edge.get(path)).body.toString());
      assert.deepEqual(bodies, ['by 2.0', 'by 1.1', 'by 1.1 alone']);
    });
  });

  test('gets upgrades over HTTP/1.1, beside its HTTP/2', async () => {
    const server = createSecureServer({ ...credentials, allowHTTP1: true }, (request, response) => {
      response.end(`by ${request.httpVersion}`);
    });
    server.on('upgrade', (_, socket: Socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.pipe(socket);
    });
    const port = await portOf(server as unknown as Server);
    opened.push(server);
    const yaml = `upstreams: { app: { endpoints: "127.0.0.1:${port}", http2: true, ${tls} } }`;
    await withGateway(yaml, async (edge) => {
      assert.equal((await edge.get('/')).body.toString(), 'by 2.0');
      const client = edge.connect();
      client.write(requestText('GET', '/', ['Connection: upgrade', 'Upgrade: echo']));
      await until('the tunnel is there', () => client.bytes.toString('latin1').includes('101 Switching'));
      client.write('echoed');
      await until('bytes pass', () => client.bytes.toString('latin1').endsWith('echoed'));
      client.close();
      assert.equal((await edge.get('/')).body.toString(), 'by 2.0');
    });
  });
});

const nghttpd = findPeer('nghttpd');
const skip = 'missing' in nghttpd ? nghttpd.missing : false;

test('nghttpd serves a file of 1 MB to 20 clients at a time', { skip }, async () => {
  if ('missing' in nghttpd) return;
  const folder = mkdtempSync(join(tmpdir(), 'candor-nghttpd-'));
  const body = Buffer.alloc(1_000_000, 'nghttpd ');
  writeFileSync(join(folder, 'file'), body);
  const port = await freePort();
  const server = await startPeerProcess(nghttpd, ['--no-tls', '-d', folder, String(port)], { folder, port });
  try {
    await withGateway(`upstreams: { app: { endpoints: "127.0.0.1:${port}", http2: true } }`, async (edge) => {
      const responses = await Promise.all(Array.from({ length: 20 }, () => edge.get('/file')));
      assert.ok(responses.every((response) => response.body.equals(body)));
      assert.equal((await edge.get('/missing')).status, 404);
    });
  } finally {
    await server.stop();
  }
});

test('the text of a stream reaches an HTTP/2 client as it comes', async () => {
  const origin = await start(createServer(), (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
    stream.on('data', (part: Buffer) => stream.write(`data: ${part.toString()}\n\n`));
    stream.on('end', () => stream.end());
  });
  const yaml = `
listeners: { http: { bind: "127.0.0.1:0", http2: true } }
upstreams: { app: { endpoints: "127.0.0.1:${origin.port}", http2: true } }`;
  await withGateway(yaml, async (edge) => {
    const client = connect(`http://127.0.0.1:${edge.address().port}`);
    const stream = client.request({ ':method': 'POST', ':path': '/' });
    stream.setEncoding('utf8');
    for (const part of ['one', 'two', 'three']) {
      stream.write(part);
      const [come] = (await once(stream, 'data')) as [string];
      assert.equal(come, `data: ${part}\n\n`);
    }
    stream.end();
    assert.equal(await text(stream), '');
    client.close();
  });
});
