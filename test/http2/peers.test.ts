// Starts processes: other programs are the clients.

import assert from 'node:assert/strict';
import { execFile, type ExecFileOptionsWithStringEncoding } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import http2 from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { findPeer, type PeerName } from '../../scripts/peers.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { authority, certificatesIn, edgeFiles } from '../tls-clients/tls-edge.ts';
import { isWholeSweep } from '../../src/testing/sweep.test-support.ts';

// Other implementations of HTTP/2 as clients: Node's (nghttp2), curl, nghttp and h2load.

/** Several times what any window on the way takes. */
const megabytes = isWholeSweep ? 20 : 4;
const largeBytes = megabytes * 1024 * 1024;

function patternOf(bytes: number): Buffer {
  const pattern = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) pattern.writeUInt32BE((at * 2_654_435_761) >>> 0, at);
  return pattern;
}

const large = patternOf(largeBytes);
const sumOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const largeSum = sumOf(large);

function has(program: PeerName): string | false {
  const peer = findPeer(program);
  return 'missing' in peer ? peer.missing : false;
}

/** Runs a client to its end. */
function run(
  program: PeerName,
  args: readonly string[],
  options: ExecFileOptionsWithStringEncoding,
): Promise<{ stdout: string }> {
  const peer = findPeer(program);
  assert.ok('path' in peer);
  return promisify(execFile)(peer.path, args, { ...options, env: { ...process.env, ...peer.env } });
}

interface Answer {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends a request with Node's client, and waits for its response. */
async function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: Uint8Array,
): Promise<Answer> {
  const stream = session.request({ ':authority': 'edge.test', ...headers });
  const parts: Buffer[] = [];
  let answered: http2.IncomingHttpHeaders & { ':status'?: number | undefined } = {};
  let trailers: http2.IncomingHttpHeaders = {};
  stream.on('response', (come) => (answered = come));
  stream.on('trailers', (come) => (trailers = come));
  stream.on('data', (bytes: Buffer) => void parts.push(bytes));
  stream.end(body);
  await once(stream, 'end');
  return { status: Number(answered[':status']), headers: answered, trailers, body: Buffer.concat(parts) };
}

describe('clients of HTTP/2', () => {
  let origin: Server;
  let gateway: YamlGateway;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-http2-'));
    writeFileSync(join(folder, 'authority.pem'), authority.certificate);
    writeFileSync(join(folder, 'large'), large);
    origin = createServer((request, response) => {
      if (request.url === '/large') return void response.setHeader('content-length', largeBytes).end(large);
      if (request.url === '/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (let count = 0; count < 5; count++) setTimeout(() => response.write(`data: ${count}\n\n`), 20 * count);
        return void setTimeout(() => response.end(), 120);
      }
      if (request.url === '/trailers') {
        response.writeHead(200, { trailer: 'x-sum' });
        response.write('content');
        response.addTrailers({ 'x-sum': '7' });
        return void response.end();
      }
      const hash = createHash('sha256');
      let bytes = 0;
      request.on('data', (part: Buffer) => {
        hash.update(part);
        bytes += part.length;
      });
      request.on('end', () => response.end(`${request.method} ${request.url} ${bytes} ${hash.digest('hex')}`));
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const { port } = origin.address() as { port: number };
    gateway = await startFromYaml(
      `
workers: 2
client: { connections_per_address_max: none }
listeners:
  http: { bind: "127.0.0.1:0", http2: true }
  https: { bind: "127.0.0.1:0", http2: true, tls: { ${certificatesIn()}, redirect_http: false } }
upstreams: { app: { endpoints: "127.0.0.1:${port}", check: none, connections: { max: 1000 } } }
`,
      { files: edgeFiles },
    );
  });
  after(async () => {
    await gateway?.stop();
    origin?.close();
    origin?.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });

  const urlOf = (path: string, listener: string): string =>
    listener === 'http'
      ? `http://127.0.0.1:${gateway.address('http').port}${path}`
      : `https://edge.test:${gateway.address('https').port}${path}`;

  for (const listener of ['http', 'https'] as const) {
    const open = (): http2.ClientHttp2Session => {
      const { port } = gateway.address(listener);
      const session = http2.connect(`${listener}://127.0.0.1:${port}`, {
        ca: authority.certificate,
        servername: 'edge.test',
        // Node's client resets its own streams when it holds more than this, and says ENHANCE_YOUR_CALM.
        maxSessionMemory: 1000,
      });
      session.on('error', () => {});
      return session;
    };

    describe(`Node over ${listener}`, () => {
      let session: http2.ClientHttp2Session;
      before(() => void (session = open()));
      after(() => session?.destroy());

      test('gets 100 responses at once', async () => {
        const paths = Array.from({ length: 100 }, (_, number) => `/${number}`);
        const answers = await Promise.all(paths.map((path) => ask(session, { ':path': path })));
        assert.deepEqual(
          answers.map(({ body }) => body.toString().split(' ').slice(0, 3).join(' ')),
          paths.map((path) => `GET ${path} 0`),
        );
      });

      test(`downloads ${megabytes} MB`, async () => {
        const { status, body, headers } = await ask(session, { ':path': '/large' });
        assert.equal(status, 200);
        assert.equal(Number(headers['content-length']), largeBytes);
        assert.equal(sumOf(body), largeSum);
      });

      test(`uploads ${megabytes} MB, with a length and without`, async () => {
        for (const length of [{ 'content-length': largeBytes }, {}]) {
          const { body } = await ask(session, { ':method': 'POST', ':path': '/', ...length }, large);
          assert.equal(body.toString(), `POST / ${largeBytes} ${largeSum}`);
        }
      });

      test('does all of that at once', async () => {
        const [down, up, ...small] = await Promise.all([
          ask(session, { ':path': '/large' }),
          ask(session, { ':method': 'POST', ':path': '/' }, large),
          ...Array.from({ length: 20 }, () => ask(session, { ':path': '/small' })),
        ]);
        assert.equal(sumOf(down.body), largeSum);
        assert.equal(up.body.toString(), `POST / ${largeBytes} ${largeSum}`);
        for (const { status } of small) assert.equal(status, 200);
      });

      test('gets trailers, HEAD without a body, and events as they come', async () => {
        const trailers = await ask(session, { ':path': '/trailers', te: 'trailers' });
        assert.equal(trailers.trailers['x-sum'], '7');
        const head = await ask(session, { ':method': 'HEAD', ':path': '/large' });
        assert.equal(head.body.length, 0);
        assert.equal(Number(head.headers['content-length']), largeBytes);
        const events = await ask(session, { ':path': '/events' });
        assert.equal(events.body.toString(), [0, 1, 2, 3, 4].map((count) => `data: ${count}\n\n`).join(''));
      });

      test('may leave requests in the middle, and go on', async () => {
        for (let count = 0; count < 50; count++) {
          const stream = session.request({ ':authority': 'edge.test', ':path': '/large' });
          stream.on('error', () => {});
          await once(stream, 'response');
          stream.close(http2.constants.NGHTTP2_CANCEL);
          await once(stream, 'close');
        }
        assert.equal((await ask(session, { ':path': '/after' })).status, 200);
      });
    });

    describe(`curl over ${listener}`, { skip: has('curl') }, () => {
      const curl = async (...args: readonly string[]): Promise<string> => {
        const version = listener === 'http' ? '--http2-prior-knowledge' : '--http2';
        const resolve = `edge.test:${gateway.address('https').port}:127.0.0.1`;
        const trust = ['--cacert', join(folder, 'authority.pem'), '--resolve', resolve];
        const { stdout } = await run('curl', ['-sS', '-m', '60', version, ...trust, ...args], { encoding: 'latin1' });
        return stdout;
      };

      test('speaks HTTP/2', async () => {
        const facts = await curl('-o', '/dev/null', '-w', '%{http_code} %{http_version}', urlOf('/', listener));
        assert.equal(facts, '200 2');
      });

      test(`downloads ${megabytes} MB`, async () => {
        await curl('-o', join(folder, 'got'), urlOf('/large', listener));
        assert.equal(sumOf(readFileSync(join(folder, 'got'))), largeSum);
      });

      test(`uploads ${megabytes} MB`, async () => {
        const said = await curl('--data-binary', `@${join(folder, 'large')}`, urlOf('/', listener));
        assert.equal(said, `POST / ${largeBytes} ${largeSum}`);
      });

      // curl 7.88 fails at this with prior knowledge, also before Node's server.
      if (listener === 'http') return;
      test('gets 100 responses at once', async () => {
        const urls = `${urlOf('/', listener)}[1-100]`;
        const said = await curl(
          '--parallel',
          '--parallel-max',
          '100',
          '-o',
          '/dev/null',
          '-w',
          '%{http_code} %{http_version}\n',
          urls,
        );
        assert.deepEqual(said.trim().split('\n'), new Array<string>(100).fill('200 2'));
      });
    });
  }

  test('nghttp gets 200 responses over one connection', { skip: has('nghttp') }, async () => {
    const { stdout } = await run('nghttp', ['-nv', '-m', '200', urlOf('/', 'http')], {
      encoding: 'utf8',
      maxBuffer: 1 << 24,
    });
    assert.equal(stdout.match(/:status: 200/g)?.length, 200);
    assert.doesNotMatch(stdout, /recv GOAWAY|recv RST_STREAM/);
  });

  for (const [name, args] of [
    ['small ones', ['-n', '3000', '-c', '4', '-m', '50']],
    ['large ones', ['-n', '20', '-c', '2', '-m', '10']],
    ['with small windows', ['-n', '4', '-c', '1', '-m', '4', '-w', '14', '-W', '14']],
  ] as const)
    test(`h2load gets all responses: ${name}`, { skip: has('h2load') }, async () => {
      const path = name === 'small ones' ? '/' : '/large';
      const { stdout } = await run('h2load', [...args, urlOf(path, 'http')], { encoding: 'utf8' });
      const [, total, succeeded] = /(\d+) total, .* (\d+) succeeded/.exec(stdout) ?? [];
      assert.ok(total !== undefined && total === succeeded, stdout);
    });
});
