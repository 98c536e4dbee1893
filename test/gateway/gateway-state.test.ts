import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import { RawOrigin, ok, type RawAnswer } from './raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// What the gateway knew when a request failed, and the bytes that it could not parse.

let origin: RawOrigin;
let frames: Server;
let edge: YamlGateway;

const canary = 'canary-4711';
const head = `HTTP/1.1 200 OK\r\nX-Fine: 1\r\nX Broken: 2\r\nSet-Cookie: sid=${canary}\r\n\r\nbody \x1b[31m`;
const chunks = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5x\r\nworld\r\n';

const answers: Readonly<Record<string, RawAnswer>> = {
  '/reset': (socket) => socket.resetAndDestroy(),
  '/slow': () => {},
  '/head': head,
  '/chunks': chunks,
  '/ssh': 'SSH-2.0-OpenSSH_9.6\r\n',
  '/error': 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n',
};

/** An HTTP/2 endpoint whose SETTINGS are right, and whose next frame is a PING that is too short. */
const shortPing = Buffer.from('000000040000000000000003060000000000616263', 'hex');

before(async () => {
  origin = await RawOrigin.start(({ line }) => answers[line.split(' ')[1] ?? ''] ?? ok('here'));
  frames = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(shortPing);
    socket.resume();
  });
  frames.listen(0, '127.0.0.1');
  await once(frames, 'listening');
  const { port } = frames.address() as AddressInfo;
  edge = await startFromYaml(`
upstreams:
  app: { endpoints: "${origin.address}", check: none, outlier_detection: none, circuit_breaker: false, connections: { max: 7, requests_max: 5 } }
  gone: { endpoints: ["127.0.0.1:1", "127.0.0.1:2"], check: none, outlier_detection: none }
  frames: { endpoints: "127.0.0.1:${port}", check: none, http2: true }
routes:
  - { path: /gone, to: gone }
  - { path: /frames, to: frames }
  - { path: /, to: app, timeouts: { response_head: 300ms }, concurrency: { max: 3 }, circuit_breaker: { consecutive_failures: 1000 } }
store: { path: ./store }
log: { path: ./candor.log }`);
});
after(async () => {
  await (edge as YamlGateway | undefined)?.stop();
  await origin.close();
  frames.close();
});

const recordOf = async (path: string): Promise<ExchangeRecord> => edge.record(await edge.get(path));

for (const [path, shape] of [
  ['/gone', 'unreachable'],
  ['/slow', 'too_slow'],
  ['/reset', 'reset'],
  ['/head', 'garbage'],
  ['/error', 'app_error'],
] as const)
  test(`the record of a failure (${shape}) says what the gateway knew`, async () => {
    const record = await recordOf(path);
    assert.equal(record.shape, shape);
    const { configuration, endpoints = [], ...state } = record.gateway_state ?? { configuration: null };
    assert.equal(configuration, edge.gateway.status().contentHash);
    const tried = [...new Set(record.attempts.map(({ endpoint }) => endpoint))];
    assert.deepEqual(new Set(endpoints.map(({ endpoint }) => endpoint)), new Set(tried));
    for (const { state: word, reason, waiting, since_ms } of endpoints)
      assert.deepEqual([word, reason, waiting, since_ms >= 0], ['unchecked', 'it is not checked', 0, true]);
    if (path === '/gone') {
      assert.ok(endpoints.every(({ refusing }) => refusing === true));
      return assert.deepEqual(state, { endpoints_ready: 0, endpoints_total: 2 });
    }
    const [{ open_max: openMax, in_flight_max: inFlightMax } = { open_max: 0 }] = endpoints;
    assert.deepEqual([openMax, inFlightMax], [7, 5]);
    const queue = { queue: `route ${record.route}`, for: 'turn', waiting: 0, in_flight: 0, in_flight_max: 3 };
    assert.deepEqual(state, {
      ...{ endpoints_ready: 1, endpoints_total: 1 },
      breaker: { state: 'closed', reason: null },
      queues: [queue],
    });
  });

test('requests in flight, waiting ones and connections are those of that moment', async () => {
  const clients = [1, 2, 3, 4, 5].map(() => edge.connect());
  for (const client of clients) client.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  const answers = await Promise.all(clients.map((client) => client.response('GET', 10_000)));
  for (const client of clients) client.close();
  const records = await Promise.all(answers.map(({ response }) => edge.record(response ?? '')));
  const states = records.flatMap(({ gateway_state }) => gateway_state ?? []);
  const queues = states.flatMap((state) => state.queues ?? []);
  // Three were in flight at first; those that waited went on as the others failed.
  assert.ok(
    queues.some(({ in_flight = 0, waiting }) => in_flight >= 1 && waiting >= 1),
    JSON.stringify(states),
  );
  assert.ok(
    states.some(({ endpoints }) => (endpoints?.[0]?.in_flight ?? 0) >= 1),
    JSON.stringify(states),
  );
});

test('a success says nothing of it', async () => {
  const record = await recordOf('/');
  assert.deepEqual([record.status, record.gateway_state], [200, undefined]);
});

for (const [path, what, beginning] of [
  [
    '/head',
    { part: 'head', offset: 0 },
    'HTTP/1.1 200 OK\r\nX-Fine: 1\r\nX Broken: 2\r\nSet-Cookie: ...\r\n\r\nbody \x1b[31m',
  ],
  ['/ssh', { part: 'head', offset: 0 }, 'SSH-2.0-OpenSSH_9.6\r\n'],
  ['/chunks', { part: 'body', offset: null }, '5x\r\nworld\r\n'],
  ['/frames', { part: 'frame', offset: 0 }, '\0\0\x03\x06\0\0\0\0\0abc'],
] as const)
  test(`the bytes that could not be parsed are stored (${path}), and neither logged nor in the record`, async () => {
    const client = edge.connect();
    client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: ignored\r\nConnection: close\r\n\r\n`);
    const { response } = await client.response('GET', 10_000);
    client.close();
    assert.ok(response !== null);
    const record = await edge.record(response);
    assert.equal(record.shape, 'garbage', JSON.stringify(record));
    const { unparsed } = await edge.gateway.requestContext(record);
    const { bytes = '', attempt, ...found } = unparsed.at(-1) ?? {};
    assert.deepEqual([attempt, found], [record.attempts.length, what]);
    assert.equal(Buffer.from(bytes, 'hex').toString('latin1'), beginning);
    assert.ok(!JSON.stringify(record).includes(canary));
  });

test('files with such bytes can be read by their user alone, and no other file has a credential that was in them', async () => {
  const store = join(edge.folder, 'store');
  const names = readdirSync(store).filter((name) => name.startsWith('unparsed-'));
  assert.ok(names.length > 0);
  for (const name of names) assert.equal(statSync(join(store, name)).mode & 0o777, 0o600, name);
  await until('the log has the exchanges', () =>
    readFileSync(join(edge.folder, 'candor.log'), 'latin1').includes('/frames'),
  );
  const hexadecimal = Buffer.from(canary).toString('hex');
  for (const path of [join(edge.folder, 'candor.log'), ...readdirSync(store).map((name) => join(store, name))]) {
    const text = readFileSync(path, 'latin1');
    assert.ok(!text.includes(canary) && !text.includes(hexadecimal), path);
    assert.ok(path.includes('unparsed-') || !text.includes(Buffer.from('X Broken').toString('hex')), path);
  }
});

test('a request without a route says which configuration served it', async () => {
  await edge.reload(`
upstreams: { app: { endpoints: "${origin.address}", check: none } }
routes: [{ host: other.example, to: app }]
store: { path: ./store }
log: { path: ./candor.log }`);
  const record = await recordOf('/');
  assert.deepEqual(
    [record.cause, record.gateway_state],
    ['no_route', { configuration: edge.gateway.status().contentHash }],
  );
});
