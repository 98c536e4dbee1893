import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { Agent, request } from 'node:http';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { headerOf } from '../../src/testing/testing.ts';
import { originForTests } from './origin-for-tests.ts';
import { ok, type RawOrigin, valuesOf } from './raw-origin.ts';
import { ReloadedGateway, timeoutMs, requestText, responseOn, until, type YamlGateway } from './start-from-yaml.ts';

// A reload is applied as a whole or not at all, and disturbs no request.

const one = originForTests('one');
const two = originForTests('two');
const shared = new ReloadedGateway();
let edge: YamlGateway;
after(() => shared.stop());

/** The gateway with this configuration, all of whose requests and clients are of this test. */
async function use(yaml: string): Promise<void> {
  edge = await shared.with(yaml);
  edge.forgetEvents();
  await until('no client is left', () => edge.counts().active === 0 && edge.counts().clients === 0);
}

const upstreams = (check = 'none'): string => `
upstreams:
  one: { endpoints: "${one.address}", check: ${check} }
  two: { endpoints: "${two.address}", check: ${check} }
`;
const to = (name: 'one' | 'two', more = ''): string => `${upstreams()}
routes:
  - { path: /, to: ${name}, response_headers: { set: { X-Route: ${name} } } }
${more}`;

/** Sends one request with Node's own client; the agent decides which connection it uses. */
async function fetchWith(agent: Agent, path: string): Promise<{ status: number; body: string }> {
  const { host, port } = edge.address();
  const asked = request({ agent, host, port, path, headers: { host: 'example.org' } });
  asked.end();
  const [response] = await once(asked, 'response');
  let body = '';
  for await (const piece of response.setEncoding('utf8')) body += piece;
  return { status: response.statusCode ?? 0, body };
}

describe('a reload under load', () => {
  test('loses nothing: kept connections, new ones, pipelined requests, and a long request', async (context) => {
    await use(to('one'));
    const { revision: first } = edge.gateway.status();
    one.answer = ({ line }) => (line.includes('/long') ? null : ok('one'));
    const long = edge.connect();
    long.write(requestText('GET', '/long'));
    await until('the long request is in flight', () => one.requests.length === 1);

    const kept = new Agent({ keepAlive: true, maxSockets: 8 });
    const fresh = new Agent({ keepAlive: false });
    let going = true;
    const seen = { one: 0, two: 0 };
    const count = ({ status, body }: { status: number; body: string }): void => {
      assert.equal(status, 200);
      seen[body as 'one' | 'two']++;
    };
    const lane = async (agent: Agent): Promise<void> => {
      while (going) count(await fetchWith(agent, '/quick'));
    };
    const pipeline = async (): Promise<void> => {
      const client = edge.connect();
      while (going) {
        client.write(requestText('GET', '/1') + requestText('GET', '/2') + requestText('GET', '/3'));
        for (let time = 0; time < 3; time++) {
          const { status, body } = await responseOn(client);
          count({ status, body: body.toString() });
        }
      }
      client.close();
    };
    context.after(() => {
      going = false;
      kept.destroy();
      fresh.destroy();
      long.close();
    });
    const lanes = [lane(kept), lane(kept), lane(fresh), lane(fresh), pipeline()];
    const allLanes = Promise.all(lanes);
    const total = (): number => seen.one + seen.two;
    for (let time = 0; time < 6; time++) {
      const goal = total() + 60;
      await Promise.race([until('requests pass', () => total() >= goal), allLanes]);
      const outcome = await edge.reload(to(time % 2 === 0 ? 'two' : 'one'));
      assert.equal(outcome.ok, true);
    }
    going = false;
    await allLanes;
    assert.ok(seen.one >= 60 && seen.two >= 60, JSON.stringify(seen));

    // The long request has outlived six revisions; its own route and endpoint still answer it.
    const held = edge.counts();
    assert.ok(held.active >= 1);
    assert.equal(edge.gateway.status().revision, first + 6);
    await edge.reload(to('two'));
    sendLate(one);
    const response = await responseOn(long);
    assert.deepEqual([response.body.toString(), headerOf(response, 'x-route')], ['late', 'one']);
    const record = await edge.record(response);
    assert.deepEqual([record.revision, record.upstream, record.end], [first, 'one', 'forwarded']);
    // The connection continues, with the active revision.
    long.write(requestText('GET', '/next'));
    assert.equal(headerOf(await responseOn(long), 'x-route'), 'two');
    long.close();
    assert.equal(edge.counts().unclassified, 0);
  });

  test('may remove an upstream while it has a request in flight', async () => {
    await use(to('one'));
    one.answer = () => null;
    const client = edge.connect();
    client.write(requestText('GET', '/'));
    await until('the request is in flight', () => one.requests.length === 1);
    const outcome = await edge.reload(`upstreams: { two: { endpoints: "${two.address}", check: none } }`);
    assert.equal(outcome.ok, true);
    sendLate(one);
    const response = await responseOn(client);
    assert.deepEqual([response.status, response.body.toString()], [200, 'late']);
    client.write(requestText('GET', '/'));
    assert.equal((await responseOn(client)).body.toString(), 'two');
    client.close();
    await until('the connection is not kept', () => one.connectionsOpen === 0);
  });

  test('does not hide the failure of a request to a removed upstream', async () => {
    await use(to('one'));
    let cut = (): void => {};
    one.answer = () => (socket) => {
      cut = () => void socket.resetAndDestroy();
    };
    const client = edge.connect();
    client.write(requestText('GET', '/'));
    await until('the request is in flight', () => one.requests.length >= 1);
    await edge.reload(`upstreams: { two: { endpoints: "${two.address}", check: none } }`);
    cut();
    const response = await responseOn(client);
    assert.equal(response.status, 502);
    assert.equal((await edge.record(response)).cause, 'reset_before_response');
    client.close();
  });

  test('may change the endpoints of an upstream, and requests follow', async () => {
    const app = (address: string): string => `upstreams: { app: { endpoints: "${address}", check: none } }`;
    await use(app(one.address));
    assert.equal((await edge.get('/')).body.toString(), 'one');
    await edge.reload(app(two.address));
    assert.equal((await edge.get('/')).body.toString(), 'two');
    await until('idle connections to the old endpoint are closed', () => one.connectionsOpen === 0);
  });
});

/** Answers the request that the origin has kept waiting. */
function sendLate(origin: RawOrigin): void {
  origin.sendOnFirst(ok('late'));
}

describe('a refused reload changes nothing', () => {
  test('for an invalid file: the outcome and an event say what is wrong', async () => {
    await use(to('one'));
    const before = edge.gateway.status();
    const outcome = await edge.reload(`${to('two')}\ntimeout: { connect: 5 }\n`);
    assert.equal(outcome.ok, false);
    assert.match(outcome.ok ? '' : outcome.errors.join('\n'), /timeout/);
    const [event] = edge.eventsOf('configuration_rejected');
    assert.ok(event !== undefined);
    assert.equal(event.actor, 'the test');
    assert.match(event.evidence.errors.join('\n'), /timeout/);
    assert.match(event.reason, /^the configuration was refused: .*timeout.*; nothing has changed$/);
    const [problem] = edge.gateway.status().problems;
    assert.equal(problem?.kind, 'configuration_refused');
    assert.match(problem.reason, /is active: .* and 1 more\.$/);
    assert.equal((await edge.get('/')).body.toString(), 'one');
    const now = edge.gateway.status();
    assert.deepEqual([now.revision, now.contentHash], [before.revision, before.contentHash]);
    assert.equal((await edge.reload(to('two'))).ok, true, 'the next valid file is applied');
    assert.deepEqual(edge.gateway.status().problems, []);
    assert.equal((await edge.get('/')).body.toString(), 'two');
  });

  test('for a new listener whose port is in use: routes, upstreams, limits and other listeners stay the same', async (context) => {
    const app = (address: string): string => `app: { endpoints: "${address}", check: { interval: 50ms, passes: 1 } }`;
    await use(`
listeners: { http: "127.0.0.1:0" }
upstreams: { ${app(one.address)} }
`);
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    context.after(() => void taken.close());
    const before = edge.gateway.status();
    const beforeChecks = edge.gateway.status().upstreams[0]?.endpoints[0]?.sinceS;
    const reload = edge.reload(`
listeners: { http: "127.0.0.1:0", other: "127.0.0.1:0", taken: "127.0.0.1:${port}" }
client: { target_max: 16B }
upstreams: { ${app(two.address)}, more: { endpoints: "${two.address}", check: none } }
routes: [ { path: /, to: app, response_headers: { set: { X-New: "1" } } } ]
`);
    // No request sees the new file while it is tried, or afterwards.
    let tried = 0;
    let over = false;
    const trying = (async () => {
      while (!over) {
        const response = await edge.get('/a-target-of-more-than-sixteen');
        assert.deepEqual([response.status, response.body.toString()], [200, 'one']);
        tried++;
      }
    })();
    const outcome = await reload;
    assert.equal(outcome.ok, false);
    assert.match(outcome.ok ? '' : outcome.errors.join('\n'), new RegExp(`taken .*${port}.*EADDRINUSE`));
    const enough = tried + 20;
    await Promise.race([until('more requests', () => tried >= enough), trying]);
    over = true;
    await trying;
    assert.equal(two.requests.filter(({ line }) => line.includes('/a-target')).length, 0);
    const now = edge.gateway.status();
    assert.deepEqual(now.listeners, before.listeners);
    assert.deepEqual([now.revision, now.contentHash], [before.revision, before.contentHash]);
    assert.deepEqual(
      now.upstreams.map(({ id, endpoints }) => [id, endpoints.map(({ address, state }) => [address, state])]),
      [['app', [[one.address, 'healthy']]]],
    );
    assert.ok(beforeChecks !== undefined);
    assert.deepEqual(edge.eventsOf('listener_opened'), []);
    assert.equal(edge.eventsOf('configuration_rejected').length, 1);
  });
});

describe('a reload adds and removes listeners', () => {
  const listeners = (names: string): string => `
listeners: { ${names} }
upstreams: { one: { endpoints: "${one.address}", check: none } }
`;

  test('an added listener leaves the connections of the old one alone', async () => {
    await use(listeners('http: "127.0.0.1:0"'));
    const kept = edge.connect();
    kept.write(requestText('GET', '/'));
    await responseOn(kept);
    const { port } = edge.address();
    const outcome = await edge.reload(listeners('http: "127.0.0.1:0", more: "127.0.0.1:0"'));
    assert.equal(outcome.ok, true);
    assert.equal(edge.address().port, port);
    assert.notEqual(edge.address('more').port, port);
    assert.equal((await edge.send(requestText('GET', '/'), 'more')).status, 200);
    kept.write(requestText('GET', '/'));
    assert.equal((await responseOn(kept)).status, 200);
    kept.close();
    const opened = edge.eventsOf('listener_opened').map(({ evidence }) => evidence.listener);
    assert.deepEqual(opened, ['more']);
  });

  test('a removed listener finishes its requests in flight, closes idle connections, and refuses new ones', async () => {
    await use(listeners('http: "127.0.0.1:0", more: "127.0.0.1:0"'));
    const { host, port } = edge.address('more');
    const idle = edge.connect('more');
    idle.write(requestText('GET', '/'));
    await responseOn(idle);
    one.forget();
    one.answer = () => null;
    const busy = edge.connect('more');
    busy.write(requestText('GET', '/'));
    await until('the request is in flight', () => one.requests.length === 1);
    const partial = edge.connect('more');
    partial.write('GET / HTTP/1.1\r\nHo');
    await until('all three are connected', () => edge.counts().clients === 3);
    assert.equal((await edge.reload(listeners('http: "127.0.0.1:0"'))).ok, true);
    assert.ok(await idle.waitFor(() => idle.state !== 'open', timeoutMs), 'the idle connection is closed');
    assert.equal(idle.bytes.length, 0);
    sendLate(one);
    const response = await responseOn(busy);
    assert.deepEqual([response.body.toString(), headerOf(response, 'connection')], ['late', 'close']);
    one.answer = () => ok('one');
    partial.write('st: a\r\n\r\n');
    const last = await responseOn(partial);
    assert.deepEqual([last.status, headerOf(last, 'connection')], [200, 'close']);
    for (const client of [idle, busy, partial]) client.close();
    const [closed] = edge.eventsOf('listener_closed');
    assert.equal(closed?.evidence.listener, 'more');
    const late = createServer();
    late.listen(port, host);
    await once(late, 'listening'); // The port is free again.
    await new Promise((resolve) => late.close(resolve));
  });

  test('name, trusted peers and limits of a listener may change without closing it', async () => {
    await use(`
upstreams: { one: { endpoints: "${one.address}", check: none } }
`);
    const kept = edge.connect();
    kept.write(requestText('GET', '/'));
    await responseOn(kept);
    await edge.reload(`
upstreams: { one: { endpoints: "${one.address}", check: none } }
client: { target_max: 20B }
trusted_peers: [127.0.0.1]
`);
    assert.equal((await edge.get('/a-target-of-more-than-twenty')).status, 414);
    kept.write(requestText('GET', '/', ['X-Forwarded-For: 203.0.113.9']));
    await responseOn(kept);
    assert.deepEqual(valuesOf(one.last, 'x-forwarded-for'), ['203.0.113.9, 127.0.0.1']);
    kept.close();
  });
});
