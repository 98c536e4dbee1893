import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { connect } from 'node:tls';
import { type Pebble, needsPebble, SharedPebble } from '../certificates/pebble-server.test-support.ts';
import { freePort } from '../free-port.ts';
import { requestText, responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';
import { RawClient } from '../../src/testing/testing.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

// Certificates that a gateway obtains by itself, from a CA in another process.

const issueMs = 30_000;

const shared = new SharedPebble();
after(() => shared.end());

interface Settings {
  readonly tls: string;
  readonly http?: number;
  readonly workers?: number;
}

function yaml(
  { directoryUrl, tlsPort, httpPort }: Pebble,
  state: string,
  { tls, http = httpPort, workers = 1 }: Settings,
) {
  return `
workers: ${workers}
state: ${state}
listeners:
  http: "127.0.0.1:${http}"
  https:
    bind: "127.0.0.1:${tlsPort}"
    tls:
      auto: { contact: ops@example.org, directory: "${directoryUrl}", ca_file: ca.pem${tls} }
routes:
  - { host: [shop.example.org, blog.example.org], respond: { status: 200, body: "served" } }
  - { path: /maintained, host: closed.example.org, maintenance: true }
`;
}

async function start(context: TestContext, pebble: Pebble, state: string, settings: Settings): Promise<YamlGateway> {
  const edge = await startFromYaml(yaml(pebble, state, settings), { files: { 'ca.pem': pebble.root } });
  context.after(() => edge.stop());
  return edge;
}

function stateFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'candor-state-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Seen {
  readonly serial: string;
  readonly names: string;
  readonly status: number;
}

/** A GET within TLS; the alert or errno of a handshake that fails. */
async function getSecure(port: number, host: string): Promise<Seen | string> {
  const secure = connect({ host: '127.0.0.1', port, servername: host, rejectUnauthorized: false });
  const failure = await new Promise<string | null>((resolve) => {
    secure.once('secureConnect', () => resolve(null));
    secure.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
  });
  if (failure !== null) return failure;
  const { serialNumber: serial, subjectaltname: names = '' } = secure.getPeerCertificate();
  const client = new RawClient({ host: '127.0.0.1', port, open: () => secure });
  try {
    client.write(requestText('GET', '/', [`Host: ${host}`]));
    const { status } = await responseOn(client);
    return { serial, names, status };
  } finally {
    client.close();
  }
}

async function issued(edge: YamlGateway, count: number): Promise<void> {
  const met = (): boolean => edge.eventsOf('certificate_issued').length >= count;
  await until(`${count} certificates are issued`, met, issueMs);
}

// `npm test` obtains one by tls-alpn-01 in `test/certificates/pebble.test.ts`.
for (const kind of sampled(['http-01', 'tls-alpn-01'], 2))
  test(
    `hosts of routes get certificates by ${kind}, in every worker, and keep them over a restart`,
    needsPebble,
    async (t) => {
      const pebble = await shared.get();
      const state = stateFolder(t);
      const first = await start(t, pebble, state, { tls: `, challenges: ${kind}`, workers: 2 });
      await issued(first, 3);
      const seen = await getSecure(pebble.tlsPort, 'shop.example.org');
      assert.ok(typeof seen === 'object', JSON.stringify(seen));
      assert.equal(seen.names, 'DNS:shop.example.org');
      assert.equal(seen.status, 200);
      // Each connection may meet another worker.
      for (let i = 0; i < 16; i++) assert.deepEqual(await getSecure(pebble.tlsPort, 'shop.example.org'), seen);
      await first.stop();
      const second = await start(t, pebble, state, { tls: `, challenges: ${kind}`, workers: 2 });
      assert.deepEqual(await getSecure(pebble.tlsPort, 'shop.example.org'), seen);
      assert.deepEqual(second.eventsOf('certificate_issued'), []);
    },
  );

test(
  'a host that has no certificate yet is refused with the reason, and who answers on port 80 is named',
  needsPebble,
  async (t) => {
    const pebble = await shared.get();
    const other = createServer((_request, response) => response.writeHead(404, { server: 'nginx/1.22' }).end());
    await once(other.listen(pebble.httpPort, '127.0.0.1'), 'listening');
    t.after(() => other.close());
    const settings = { tls: ', challenges: http-01, hosts: localhost', http: await freePort() };
    const edge = await start(t, pebble, stateFolder(t), settings);
    await until('an attempt has failed', () => edge.eventsOf('certificate_renewal_failed').length > 0, issueMs);
    assert.equal(await getSecure(pebble.tlsPort, 'localhost'), 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
    await until('the handshake is reported', () => edge.eventsOf('tls_handshakes_failed').length > 0);
    const [failed] = edge.eventsOf('tls_handshakes_failed');
    assert.equal(failed?.evidence.reason, 'no_certificate_yet');
    assert.match(failed?.reason ?? '', /no certificate yet: .*; next attempt in \d+ (?:s|min)$/);
  },
);

test('a reload adds hosts, and a worker that is replaced has all certificates', needsPebble, async (t) => {
  const pebble = await shared.get();
  const state = stateFolder(t);
  const edge = await start(t, pebble, state, { tls: ', hosts: shop.example.org', workers: 2 });
  await issued(edge, 1);
  assert.equal(await getSecure(pebble.tlsPort, 'blog.example.org'), 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
  const both = ', hosts: [shop.example.org, blog.example.org]';
  const outcome = await edge.reload(yaml(pebble, state, { tls: both, workers: 2 }));
  assert.ok(outcome.ok, JSON.stringify(outcome));
  await issued(edge, 2);
  const more = await edge.reload(yaml(pebble, state, { tls: both, workers: 3 }));
  assert.ok(more.ok, JSON.stringify(more));
  for (let i = 0; i < 24; i++) {
    const seen = await getSecure(pebble.tlsPort, 'blog.example.org');
    assert.ok(typeof seen === 'object', JSON.stringify(seen));
  }
  const { certificates } = edge.gateway.status();
  assert.deepEqual(
    certificates.map(({ name, state: one, failure }) => ({ name, one, failure })),
    ['shop.example.org', 'blog.example.org'].map((name) => ({ name, one: 'valid', failure: null })),
  );
});

test(
  'a CA that is down takes no certificate away, also where it is another one than before',
  needsPebble,
  async (t) => {
    const pebble = await shared.get();
    const state = stateFolder(t);
    const first = await start(t, pebble, state, { tls: ', hosts: shop.example.org' });
    await issued(first, 1);
    const seen = await getSecure(pebble.tlsPort, 'shop.example.org');
    await first.stop();
    const down = { ...pebble, directoryUrl: `https://127.0.0.1:${await freePort()}/dir` };
    const second = await start(t, down, state, { tls: ', hosts: [shop.example.org, blog.example.org]' });
    await until('both hosts failed', () => second.eventsOf('certificate_renewal_failed').length > 1, issueMs);
    assert.deepEqual(await getSecure(pebble.tlsPort, 'shop.example.org'), seen);
    const [shop, blog] = second.gateway.status().certificates;
    assert.deepEqual([shop?.state, blog?.state], ['valid', 'pending']);
    assert.match(blog?.failure?.reason ?? '', /refused the connection/);
    // A redirect to a port that refuses the host would cut it off.
    const statusOf = async (host: string): Promise<number> =>
      (await second.send(requestText('GET', '/', [`Host: ${host}`]))).status;
    assert.deepEqual([await statusOf('shop.example.org'), await statusOf('blog.example.org')], [308, 200]);
  },
);

test('tls: internal shows certificates of a CA that is kept, and that is for these hosts alone', async (t) => {
  const port = await freePort();
  const state = stateFolder(t);
  const text = (host: string): string => `
workers: 1
state: ${state}
listeners: { https: { bind: "127.0.0.1:${port}", tls: internal } }
routes: [{ host: ${host}, respond: { status: 200, body: "served" } }]
`;
  const edge = await startFromYaml(text('app.localhost'));
  t.after(() => edge.stop());
  const root = (): string => readFileSync(join(state, 'certificates', 'local-ca.pem'), 'utf8');
  const ca = root();
  assert.equal(await handshake(port, 'app.localhost', ca), 'authorized');
  assert.equal(await handshake(port, 'other.localhost', ca), 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME');
  assert.ok((await edge.reload(text('[app.localhost, "*.shop.localhost"]'))).ok);
  assert.equal(root(), ca, 'the CA is for all names below .localhost');
  assert.equal(await handshake(port, 'a.shop.localhost', ca), 'authorized');
  assert.ok((await edge.reload(text('[app.localhost, shop.internal]'))).ok);
  assert.notEqual(root(), ca, 'the first certificate of the CA may not issue for the new host');
  assert.equal(await handshake(port, 'shop.internal', root()), 'authorized');
  assert.equal(await handshake(port, 'app.localhost', root()), 'authorized');
  assert.equal(await handshake(port, 'app.localhost', ca), 'authorized', 'clients of before are not disturbed');
  assert.match(await handshake(port, 'shop.internal', ca), /^(?!authorized)/);
  const kept = root();
  await edge.stop();
  const next = await startFromYaml(text('app.localhost'));
  t.after(() => next.stop());
  assert.equal(root(), kept);
  assert.equal(await handshake(port, 'app.localhost', kept), 'authorized');
  assert.deepEqual(
    ['local-ca.json', 'local-ca.pem'].map((name) =>
      (statSync(join(state, 'certificates', name)).mode & 0o777).toString(8),
    ),
    ['600', '600'],
  );
});

/** 'authorized', or why the client does not go on. */
function handshake(port: number, servername: string, ca: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername, ca });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    socket.once('secureConnect', () => {
      resolve('authorized');
      socket.destroy();
    });
  });
}
