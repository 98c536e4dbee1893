import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { once } from 'node:events';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { ReloadedGateway, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

// The results of health checks decide which endpoints get requests.

let one: RawOrigin;
let two: RawOrigin;
let edge: YamlGateway;
/** One that a single test has. */
let own: YamlGateway | null = null;
const shared = new ReloadedGateway();
after(() => shared.stop());

async function start(yaml: string): Promise<void> {
  edge = own = await startFromYaml(yaml);
}

let upstreams = 0;

/** The gateway of all tests that need no start, with an upstream of which nothing is known yet. */
async function use(upstream: string): Promise<void> {
  upstreams += 1;
  edge = await shared.with(upstream.replace(' app: ', ` app${upstreams}: `));
}

before(async () => {
  one = await RawOrigin.start();
  two = await RawOrigin.start();
});
after(() => one.close());
after(() => two.close());
beforeEach(() => {
  one.answer = () => ok('one');
  two.answer = () => ok('two');
  one.forget();
  two.forget();
});
afterEach(async () => {
  await own?.stop();
  own = null;
});

const requestsOf = (origin: RawOrigin): number =>
  origin.requests.filter(({ line }) => !line.includes('/healthz')).length;

function stateOf(address: string): string {
  const endpoints = edge.gateway.status().upstreams.flatMap((upstream) => upstream.endpoints);
  return endpoints.find((endpoint) => endpoint.address === address)?.state ?? 'absent';
}

const quick = 'interval: 40ms, timeout: 1s, passes: 2, fails: 2';

describe('HTTP checks', () => {
  const pair = (): string => `
upstreams: { app: { endpoints: ["${one.address}", "${two.address}"], check: { path: /healthz, ${quick} } } }
`;

  test('an endpoint whose checks fail gets no requests; when they pass again it gets its share', async () => {
    let healthy = true;
    two.answer = ({ line }) => (line.includes('/healthz') && !healthy ? ok('', [], '500 No') : ok('two'));
    await start(pair());
    assert.deepEqual([stateOf(one.address), stateOf(two.address)], ['healthy', 'healthy']);
    for (let count = 0; count < 40; count++) await edge.get('/');
    assert.ok(requestsOf(one) > 0 && requestsOf(two) > 0, `${requestsOf(one)} and ${requestsOf(two)}`);

    healthy = false;
    await until('the endpoint is unhealthy', () => stateOf(two.address) === 'unhealthy');
    const before = requestsOf(two);
    for (let count = 0; count < 40; count++) assert.equal((await edge.get('/')).body.toString(), 'one');
    assert.equal(requestsOf(two), before);

    healthy = true;
    await until('the endpoint is healthy', () => stateOf(two.address) === 'healthy');
    await until('the endpoint gets requests', async () => (await edge.get('/')).body.toString() === 'two');
    const changes = edge.eventsOf('endpoint_state').filter(({ evidence }) => evidence.address === two.address);
    assert.deepEqual(
      changes.map(({ to }) => to),
      ['healthy', 'unhealthy', 'healthy'],
    );
    assert.match(changes[1]?.reason ?? '', /500/);
  });

  const expectations: readonly (readonly [string, string, string, string, RegExp])[] = [
    ['a status that is expected', 'expect: { status: [204, 401] }', ok('', [], '401 Unauthorized'), 'healthy', /401/],
    ['a range of statuses', 'expect: { status: 200-399 }', ok('', ['Location: /login'], '302 Found'), 'healthy', /302/],
    [
      'a status that is not expected',
      'expect: { status: 204 }',
      ok('fine'),
      'unhealthy',
      /200, which the check does not expect/,
    ],
    ['a body with the text', 'expect: { body: ready }', ok('all is ready'), 'healthy', /answered 200/],
    ['a body without it', 'expect: { body: ready }', ok('not yet'), 'unhealthy', /does not have the text/],
    ['the text, and a status that fails', 'expect: { body: ready }', ok('ready', [], '500 No'), 'unhealthy', /500/],
  ];
  for (const [name, keys, answer, state, reason] of expectations) {
    test(`an endpoint is ${state} that answers with ${name}`, async () => {
      one.answer = () => answer;
      await use(`upstreams: { app: { endpoints: "${one.address}", check: { path: /healthz, ${keys}, ${quick} } } }\n`);
      await until('it is checked', () => stateOf(one.address) === state);
      const [upstream] = edge.gateway.status().upstreams;
      assert.match(upstream?.endpoints[0]?.reason ?? '', reason);
    });
  }

  test('a check sends the headers of the configuration', async () => {
    await use(
      `upstreams: { app: { endpoints: "${one.address}", check: { path: /healthz, headers: { X-Check: "a b", Authorization: "Bearer t" }, ${quick} } } }\n`,
    );
    // Checks of an upstream of before may have come too.
    const sent = one.requests.flatMap(({ headers }) => headers.map((header) => header.join(': ')));
    assert.ok(sent.includes('X-Check: a b') && sent.includes('Authorization: Bearer t'), sent.join(', '));
  });

  test('interim responses without end fail a check', async () => {
    one.answer = () => 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(150);
    await use(
      `upstreams: { app: { endpoints: "${one.address}", check: { path: /healthz, interval: 40ms, timeout: 20s } } }\n`,
    );
    await until('the check has failed', () => stateOf(one.address) === 'unhealthy');
    assert.match(edge.gateway.status().upstreams[0]?.endpoints[0]?.reason ?? '', /interim responses/);
  });

  test('while no endpoint is healthy: 503 with the time of the next check as Retry-After, and nothing is sent', async () => {
    for (const origin of [one, two]) origin.answer = () => ok('no such page', [], '404 Not Found');
    await use(pair());
    const response = await edge.get('/', ['Accept: application/json']);
    assert.equal(response.status, 503);
    assert.equal(headerOf(response, 'retry-after'), '1');
    assert.equal(JSON.parse(response.body.toString()).cause, 'no_endpoint_ready');
    assert.equal(requestsOf(one) + requestsOf(two), 0);
    assert.match((await edge.record(response)).detail ?? '', /404/);
    // What came with the head of an error says why.
    const [upstream] = edge.gateway.status().upstreams;
    assert.equal(upstream?.endpoints[0]?.lastCheck?.body, 'no such page');
  });

  test('while every endpoint is unhealthy for the same cause: the answer names the cause and the responsible party', async () => {
    for (const origin of [one, two]) origin.answer = () => Buffer.from('SSH-2.0-OpenSSH_9.9\r\n');
    await use(pair());
    const response = await edge.get('/', ['Accept: application/json']);
    assert.equal(response.status, 503);
    const { cause, whose, detail } = await edge.record(response);
    assert.deepEqual([cause, whose], ['no_endpoint_ready', 'operator']);
    assert.match(detail ?? '', /\(response_not_http\)\.$/);
  });
});

describe('TCP checks', () => {
  test('are used for an endpoint without `check`, and notice when it goes and when it comes back', async () => {
    const { port } = one;
    await use(`
upstreams: { app: { endpoints: ["${one.address}"], check: { ${quick} } } }
`);
    assert.equal(stateOf(one.address), 'healthy');
    await one.close();
    await until('the endpoint is unhealthy', () => stateOf(`127.0.0.1:${port}`) === 'unhealthy');
    assert.equal((await edge.get('/')).status, 503);
    one = await RawOrigin.start(() => ok('one'), port);
    await until('the endpoint is healthy', () => stateOf(one.address) === 'healthy');
    await until('it serves', async () => (await edge.get('/')).status === 200);
    assert.ok(
      one.requests.every(({ line }) => line === 'GET / HTTP/1.1'),
      'a TCP check sends nothing',
    );
  });

  test('are the default', async () => {
    await use(`
upstreams: { app: ["${one.address}", "127.0.0.1:1"] }
`);
    assert.deepEqual([stateOf(one.address), stateOf('127.0.0.1:1')], ['healthy', 'unhealthy']);
    for (let count = 0; count < 10; count++) assert.equal((await edge.get('/')).status, 200);
  });
});

describe('endpoints without a check result', () => {
  let silent: Server;
  let silentAddress: string;
  before(async () => {
    // Accepts connections, but answers neither checks nor requests.
    silent = createServer((socket) => void socket.on('error', () => {}));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    silentAddress = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  after(() => silent.close());

  const check = 'check: { path: /healthz, interval: 10s, timeout: 10s }';

  test('are used only while no endpoint is healthy; listeners wait one second for their results', async () => {
    await start(`
upstreams: { app: { endpoints: ["${silentAddress}", "${one.address}"], ${check} } }
`);
    const at = (kind: 'process_started' | 'worker_started'): number => edge.eventsOf(kind)[0]?.at ?? NaN;
    assert.ok(at('worker_started') - at('process_started') >= 900, 'the listeners have waited');
    // The first check has ten seconds, which are not over.
    assert.deepEqual([stateOf(silentAddress), stateOf(one.address)], ['unknown', 'healthy']);
    for (let count = 0; count < 20; count++) assert.equal((await edge.get('/')).body.toString(), 'one');
  });

  test('are used while there is no other endpoint, and the record says so', async () => {
    await use(`
upstreams: { app: { endpoints: ["${silentAddress}"], ${check} } }
timeouts: { response_head: 100ms }
`);
    const response = await edge.get('/');
    assert.equal(response.status, 504);
    assert.equal((await edge.record(response)).attempts[0]?.state, 'unknown');
  });

  test('listeners open as soon as every endpoint has its first result', async () => {
    const checkedAt: number[] = [];
    one.answer = () => {
      checkedAt.push(Date.now());
      return ok('one');
    };
    await start(`
upstreams: { app: { endpoints: ["${one.address}", "127.0.0.1:1"], check: { path: /healthz, interval: 100ms } } }
`);
    const beganAt = edge.eventsOf('worker_started')[0]?.at ?? Infinity;
    const before = checkedAt.filter((at) => at < beganAt).length;
    assert.ok(before >= 1 && before <= 4, `a second would have had time for ten checks: ${before}`);
    assert.deepEqual([stateOf(one.address), stateOf('127.0.0.1:1')], ['healthy', 'unhealthy']);
  });

  test('are used and never checked with check: none', async () => {
    await use(`
upstreams: { app: { endpoints: ["${one.address}", "127.0.0.1:1"], check: none } }
`);
    assert.deepEqual([stateOf(one.address), stateOf('127.0.0.1:1')], ['unchecked', 'unchecked']);
    for (let count = 0; count < 20; count++) assert.equal((await edge.get('/')).body.toString(), 'one');
    assert.equal(requestsOf(one), 20);
    assert.equal(edge.eventsOf('endpoint_state').length, 0);
  });
});
