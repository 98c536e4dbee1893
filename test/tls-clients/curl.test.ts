// Starts processes: curl is the client.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { findPeer } from '../../scripts/peers.ts';
import { freePort } from '../free-port.ts';
import { ok, RawOrigin, valuesOf } from '../gateway/raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { authority, certificatesIn, clientAuthority, edgeFiles } from './tls-edge.ts';

// curl over TLS. Its exit codes: 0 complete, 18 a transfer that ended early, 35 a failed handshake, 52 no response, 56 a
// connection that was reset, 60 a certificate that it does not accept.

const program = findPeer('curl');
const options = { skip: 'missing' in program ? program.missing : false };

const client = clientAuthority.issue({ names: ['client.test'], client: true });

let origin: RawOrigin;
let edge: YamlGateway;
let folder: string;
/** Not one of the system's choice: the redirect from clear text names it. */
let port: number;

interface Curled {
  readonly exit: number | null;
  readonly status: number;
  /** '1.1'. */
  readonly version: string;
  readonly redirects: number;
  /** The connections that were opened for all URLs. */
  readonly connections: number;
  readonly body: string;
}

/** Runs curl on a URL; `edge.test` and its neighbours are this machine. */
async function curl(url: string, args: readonly string[] = [], input: Uint8Array | null = null): Promise<Curled> {
  // A line for each URL.
  const write = ['-w', '%{stderr}%{http_code} %{http_version} %{num_redirects} %{num_connects}\n'];
  const names = ['edge.test', 'a.wild.test', 'other.test', 'unknown.test'];
  const ports = ['http', 'https', 'http1'].map((name) => edge.address(name).port);
  const resolved = names.flatMap((name) => ports.flatMap((one) => ['--resolve', `${name}:${one}:127.0.0.1`]));
  const trusted = ['--cacert', join(folder, 'authority.pem')];
  assert.ok('path' in program);
  const all = ['-s', '-N', '-m', '25', ...write, ...resolved, ...trusted, ...args, url];
  const child = spawn(program.path, all, { env: { ...process.env, ...program.env } });
  const out: Buffer[] = [];
  let facts = '';
  child.stdout.on('data', (bytes: Buffer) => void out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => void (facts += bytes.toString()));
  child.stdin.on('error', () => {}); // curl may end before it has read all of its input.
  child.stdin.end(input ?? undefined);
  const exit = await new Promise<number | null>((resolve) => void child.on('close', resolve));
  const lines = facts.trim().split('\n');
  const [status = '0', version = '', redirects = '0'] = lines[0]?.split(' ') ?? [];
  const connections = lines.reduce((sum, line) => sum + Number(line.split(' ')[3] ?? 0), 0);
  const body = Buffer.concat(out).toString('latin1');
  return { exit, status: Number(status), version, redirects: Number(redirects), connections, body };
}

const secured = (path = '/', host = 'edge.test', at = port): string => `https://${host}:${at}${path}`;

describe('curl over TLS', options, () => {
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'candor-curl-tls-'));
    const files = {
      'authority.pem': authority.certificate,
      'client.pem': client.certificate,
      'client.key': client.key,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, 'clients.pem'), clientAuthority.certificate);
    origin = await RawOrigin.start();
    port = await freePort();
    edge = await startFromYaml(
      `
listeners:
  http: "127.0.0.1:0"
  https:
    bind: "127.0.0.1:${port}"
    tls: { ${certificatesIn()}, hsts: 1d, client_certificates: { ca_file: clients.pem, required: false } }
  http1: { bind: "127.0.0.1:0", http2: false, tls: { ${certificatesIn()} } }
upstreams: { app: { endpoints: "${origin.address}", check: none } }
timeouts: { idle: 300ms }
`,
      { files: edgeFiles },
    );
  });
  after(async () => {
    await edge?.stop();
    await origin?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    origin.forget();
    origin.answer = () => ok('from the application');
  });

  type Served = readonly [name: string, version: string, args: readonly string[], url?: () => string];
  // curl offers HTTP/2 and HTTP/1.1 by ALPN unless it is told otherwise.
  const served: readonly Served[] = [
    ['without any setting', '2', []],
    ['with TLS 1.2 alone', '2', ['--tlsv1.2', '--tls-max', '1.2']],
    ['with TLS 1.3 alone', '2', ['--tlsv1.3']],
    ['that asks for HTTP/2', '2', ['--http2']],
    ['that asks for HTTP/1.1', '1.1', ['--http1.1']],
    ['that asks for HTTP/1.1, with TLS 1.2 alone', '1.1', ['--http1.1', '--tlsv1.2', '--tls-max', '1.2']],
    ['that asks for HTTP/1.1, with TLS 1.3 alone', '1.1', ['--http1.1', '--tlsv1.3']],
    ['without ALPN', '1.1', ['--no-alpn']],
    ['as HTTP/1.0', '1.1', ['--http1.0']],
    ['below a wildcard', '2', [], () => secured('/', 'a.wild.test')],
    ['at another host', '2', [], () => secured('/', 'other.test')],
    ['by the address, whose name it does not check', '2', ['--insecure'], () => `https://127.0.0.1:${port}/`],
  ];
  for (const [name, expected, args, url = secured] of served)
    test(`is served ${name}: HTTP/${expected}`, async () => {
      const { exit, status, version, body } = await curl(url(), args);
      assert.deepEqual([exit, status, version, body], [0, 200, expected, 'from the application']);
    });

  test('falls back from HTTP/2 where a listener does not offer it', async () => {
    const { exit, status, version, body } = await curl(secured('/', 'edge.test', edge.address('http1').port), [
      '--http2',
    ]);
    assert.deepEqual([exit, status, version, body], [0, 200, '1.1', 'from the application']);
  });

  const refused: readonly (readonly [name: string, exit: number, url: () => string, args?: readonly string[]])[] = [
    ['an unknown host', 35, () => secured('/', 'unknown.test')],
    ['TLS 1.1', 35, secured, ['--tls-max', '1.1', '--tlsv1.0', '--ciphers', 'DEFAULT@SECLEVEL=0']],
    ['a certificate for another name', 60, () => `https://127.0.0.1:${port}/`],
  ];
  for (const [name, exit, url, args = []] of refused)
    test(`fails at ${name} before it sends a request`, async () => {
      assert.equal((await curl(url(), args)).exit, exit);
      assert.deepEqual(origin.requests, []);
    });

  test('gets a 400 that says so where it speaks clear text to the TLS port', async () => {
    const { exit, status, body } = await curl(`http://edge.test:${port}/`, ['-H', 'Accept: application/json']);
    assert.deepEqual([exit, status], [0, 400]);
    assert.match(body, /TLS|https/i);
  });

  test('follows the redirect from clear text', async () => {
    const { port: plain } = edge.address('http');
    const { exit, status, redirects, body } = await curl(`http://edge.test:${plain}/a?b`, ['-L']);
    assert.deepEqual([exit, status, redirects, body], [0, 200, 1, 'from the application']);
    assert.deepEqual(
      origin.requests.map(({ line }) => line),
      ['GET /a?b HTTP/1.1'],
    );
    assert.deepEqual(valuesOf(origin.last, 'x-forwarded-proto'), ['https']);
  });

  test('repeats a POST that was redirected, with its body', async () => {
    const { port: plain } = edge.address('http');
    const { exit, status } = await curl(`http://edge.test:${plain}/`, ['-L', '--data-binary', 'content']);
    assert.deepEqual([exit, status], [0, 200]);
    assert.deepEqual(
      origin.requests.map(({ line, body }) => [line, body.toString()]),
      [['POST / HTTP/1.1', 'content']],
    );
  });

  test('shows a certificate, of which the application is told', async () => {
    const shown = ['--cert', join(folder, 'client.pem'), '--key', join(folder, 'client.key')];
    assert.equal((await curl(secured(), shown)).status, 200);
    assert.deepEqual(valuesOf(origin.last, 'x-client-cert-subject'), ['CN=client.test']);
  });

  test('uploads and downloads large bodies whole', async () => {
    const large = 'candor. '.repeat(1_000_000);
    origin.answer = () => ok(large);
    const down = await curl(secured());
    assert.deepEqual([down.exit, down.body === large], [0, true]);
    origin.answer = ({ body }) => ok(String(body.length));
    for (const args of [
      ['--data-binary', '@-'],
      ['-T', '-'],
    ] as const) {
      const up = await curl(secured(), args, Buffer.from(large.slice(0, 2_000_000)));
      assert.deepEqual([up.exit, up.body], [0, '2000000'], args[0]);
    }
  });

  test('takes a response that ends with its session for complete', async () => {
    const large = 'candor. '.repeat(50_000);
    origin.answer = () => (socket) => void socket.end(`HTTP/1.1 200 OK\r\n\r\n${large}`);
    for (const flag of ['--http1.1', '--http1.0']) {
      const { exit, status, body } = await curl(secured(), [flag]);
      assert.deepEqual([exit, status, body === large], [0, 200, true], flag);
    }
  });

  test('keeps its connection for several requests', async () => {
    const { exit, body, connections } = await curl(secured('/[1-9]'));
    assert.deepEqual([exit, body, connections], [0, 'from the application'.repeat(9), 1]);
  });

  /** How an answer ends too early. */
  const manners: Readonly<Record<string, (socket: Socket) => void>> = {
    closes: (socket) => void socket.end(),
    resets: (socket) => void socket.resetAndDestroy(),
    'says nothing more': () => {},
  };
  const forms: Readonly<Record<string, (body: string) => string>> = {
    'by length': (body) => `Content-Length: 1000000\r\n\r\n${body}`,
    'in chunks': (body) => `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`,
    'until the close': (body) => `\r\n${body}`,
  };
  for (const [form, answer] of Object.entries(forms))
    for (const [how, end] of Object.entries(manners)) {
      // Such an answer ends only with its connection: if the origin closes the connection, the answer is complete.
      if (form === 'until the close' && how === 'closes') continue;
      for (const flag of ['--http1.1', '--http1.0'])
        test(`never takes a broken answer for complete: sent ${form}, the origin ${how}, ${flag}`, async () => {
          const body = 'candor. '.repeat(10_000);
          origin.answer = () => (socket) => {
            socket.write(`HTTP/1.1 200 OK\r\n${answer(body)}`);
            // Longer than the response hold, so that the beginning has been forwarded when the end comes.
            setTimeout(() => end(socket), 150);
          };
          const curled = await curl(secured(), [flag]);
          assert.equal(curled.status, 200);
          assert.ok(curled.exit === 18 || curled.exit === 56, `exit code ${curled.exit}`);
          assert.ok(body.startsWith(curled.body), 'no other bytes');
        });
    }

  test('leaves no exchange and no client', async () => {
    await until('none is left', () => edge.counts().active === 0 && edge.counts().clients === 0);
    assert.equal(edge.counts().unclassified, 0);
  });
});
