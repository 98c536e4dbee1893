import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointSnapshot } from '../../src/core/snapshot.ts';
import { ExchangeRecords } from '../../src/record/exchange-record.ts';
import { assertRecord, unbuffered } from './cases.ts';
import { Http1Arrived, Http1World } from './http1-world.ts';
import type { WorldOptions } from './world.ts';

/** A client that writes bytes as it likes, and what comes back. */
function typing(
  world: Http1World,
  windowBytes?: number,
): {
  readonly send: (text: string) => void;
  readonly finish: () => void;
  readonly got: () => string;
  readonly ended: () => boolean;
} {
  const client = world.request(
    { target: '/first' },
    { connection: 'typing', ...(windowBytes === undefined ? {} : { windowBytes }) },
  );
  world.pass(10);
  assert.equal(client.state, 'whole');
  const line = world.lines.get('typing') ?? assert.fail('the line is open');
  let text = '';
  let ended = false;
  line.transport.listener = {
    onBytes: (bytes, start, end) => void (text += Buffer.from(bytes.slice(start, end)).toString('latin1')),
    onEnd: () => void (ended = true),
    onWritten() {},
    onClosed: () => void (ended = true),
  };
  return { send: (bytes) => line.send(bytes), finish: () => line.halfClose(), got: () => text, ended: () => ended };
}

function answering(options: WorldOptions = {}): Http1World {
  const world = new Http1World(options);
  world.endpoint('a').onRequest = (request) => request.answer(200, `to ${request.target}`);
  return world;
}

const get = (target: string, more = ''): string => `GET ${target} HTTP/1.1\r\nHost: example.org\r\n${more}\r\n`;
const post = (target: string, body: string): string =>
  `POST ${target} HTTP/1.1\r\nHost: example.org\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

function bodies(text: string): string[] {
  return [...text.matchAll(/to (\/[a-z])/g)].map(([, target]) => target as string);
}

function rest(world: Http1World): void {
  world.pass(3000);
  world.verifyAtRest();
}

describe('requests on one connection', () => {
  it('are answered in order when they come at once', () => {
    const world = answering();
    const { send, got } = typing(world);
    send(get('/a') + get('/b') + get('/c'));
    world.pass(20);
    assert.deepEqual(bodies(got()), ['/a', '/b', '/c']);
    assert.equal(world.records.length, 4);
    rest(world);
  });

  it('are answered in order when the first takes long and the others are complete', () => {
    const world = answering();
    const { send, got } = typing(world);
    world.endpoint('a').onRequest = () => {};
    send(get('/a') + post('/b', 'content') + get('/c'));
    world.pass(500);
    assert.equal(world.endpoint('a').arrived.length, 2);
    world.endpoint('a').onRequest = (request) => request.answer(200, `to ${request.target}`);
    world.endpoint('a').arrived[1]?.answer(200, 'to /a');
    world.pass(20);
    assert.deepEqual(bodies(got()), ['/a', '/b', '/c']);
    assert.equal(world.endpoint('a').arrived[2]?.body.toString(), 'content');
    rest(world);
  });

  it('all get their answers when the client half-closes behind the last one', () => {
    const world = answering();
    const { send, finish, got, ended } = typing(world);
    send(get('/a') + get('/b') + get('/c'));
    finish();
    world.pass(50);
    assert.deepEqual(bodies(got()), ['/a', '/b', '/c']);
    assert.equal(ended(), true);
    rest(world);
  });

  it('all get their answers when the client half-closes later, while the first is being answered', () => {
    const world = answering();
    const { send, finish, got, ended } = typing(world);
    world.endpoint('a').onRequest = () => {};
    send(get('/a') + get('/b') + get('/c'));
    world.pass(500);
    finish();
    world.pass(500);
    world.endpoint('a').onRequest = (request) => request.answer(200, `to ${request.target}`);
    world.endpoint('a').arrived.at(-1)?.answer(200, 'to /a');
    world.pass(50);
    assert.deepEqual(bodies(got()), ['/a', '/b', '/c']);
    assert.equal(ended(), true);
    rest(world);
  });

  it('all get their answers from the gateway itself, half-closed or not', () => {
    const world = answering({
      routes: [
        { match: { hosts: [], pathPrefix: '/first', methods: [] } },
        {
          action: { kind: 'feature', feature: 'respond' },
          features: { respond: { status: 200, contentType: 'text/plain', body: 'to /x ' } },
        },
      ],
    });
    const { send, finish, got, ended } = typing(world);
    send(get('/first') + get('/a') + get('/b') + get('/c'));
    finish();
    world.pass(50);
    assert.equal(bodies(got()).length, 4);
    assert.equal(ended(), true);
    rest(world);
  });

  it('may be followed by half a request: a half-closed connection does not wait for the rest', () => {
    const world = answering();
    const { send, finish, got, ended } = typing(world);
    send(`${get('/a')}GET /b HT`);
    finish();
    world.pass(100);
    assert.deepEqual(bodies(got()), ['/a']);
    assert.equal(ended(), true);
    rest(world);
    assert.equal(world.counts.clientConnections, 0);
  });

  it('of a client that half-closes at once keep no event stream for longer than a minute and some seconds', () => {
    const world = answering();
    const { send, finish } = typing(world);
    world.endpoint('a').onRequest = () => {};
    send(get('/events'));
    finish();
    world.pass(50);
    const stream = world.endpoint('a').arrived.at(-1) ?? assert.fail('it has arrived');
    stream.head(200, null);
    const until = (seconds: number): void => {
      for (let second = 0; second < seconds && !stream.gone; second++) {
        stream.write('data: tick\n\n');
        world.pass(1000);
      }
    };
    until(55);
    assert.equal(stream.gone, false);
    until(15);
    assert.equal(stream.gone, true);
    rest(world);
    const record = world.records.at(-1);
    assert.deepEqual([record?.endKind, record?.failure?.cause], ['abandoned', 'client_gone']);
    assert.equal(world.counts.clientConnections, 0);
  });

  it('of a client that sends much behind its last one, and leaves, keep no drain waiting with a stream that is quiet', () => {
    const world = answering({ timeouts: { idleMs: 60_000 } });
    const { send, finish } = typing(world);
    world.endpoint('a').onRequest = () => {};
    send('SOURCE /radio HTTP/1.0\r\nHost: example.org\r\n\r\n');
    world.pass(50);
    const stream = world.endpoint('a').arrived.at(-1) ?? assert.fail('it has arrived');
    for (let second = 0; second < 5; second++) {
      send('x'.repeat(30_000));
      world.pass(500);
    }
    stream.head(200, null);
    for (let second = 0; second < 5; second++) {
      send('x'.repeat(30_000));
      world.pass(500);
    }
    finish();
    world.pass(1000);
    assert.equal(stream.gone, false);
    world.closeIdle();
    world.pass(8000);
    assert.equal(stream.gone, true);
    rest(world);
    assert.equal(world.counts.clientConnections, 0);
  });

  it('of a client that half-closes at once are answered whole where the answer says its length, however long it takes', () => {
    const world = answering();
    const { send, finish, got } = typing(world);
    world.endpoint('a').onRequest = () => {};
    send(get('/slow'));
    finish();
    world.pass(50);
    const answer = world.endpoint('a').arrived.at(-1) ?? assert.fail('it has arrived');
    answer.head(200, 200);
    for (let second = 0; second < 100; second++) {
      answer.write('xx');
      world.pass(1000);
    }
    answer.end();
    world.pass(50);
    assert.equal(got().split('\r\n\r\n')[1]?.length, 200);
    rest(world);
  });

  it('a chunk too many is refused once, and the connection ends', () => {
    const world = answering({ limits: { bodyBytesMax: 10 } });
    const { send, got, ended } = typing(world);
    world.endpoint('a').onRequest = () => {};
    send('POST /a HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\n\r\n');
    world.pass(10);
    send('8\r\n12345678\r\n8\r\n12345678\r\n8\r\n12345678\r\n');
    world.pass(10);
    assert.match(got(), /^HTTP\/1\.1 413 /);
    assertRecord(world, { end: 'generated', cause: 'request_refused', status: 413 }, 1);
    world.pass(3000);
    assert.equal(ended(), true);
    world.pass(10_000);
    assert.equal(world.counts.clientConnections, 0);
    rest(world);
  });

  it('an answer that is on its way is not cut by what is wrong with the rest of the request', () => {
    const world = answering({ ...unbuffered, endpointWindowBytes: 1_000_000 });
    world.endpoint('a').onRequest = () => {};
    const client = world.request({ method: 'POST', expects: 'chunked' }, { connection: 'slow', windowBytes: 200 });
    world.pass(10);
    client.stopReading();
    world.endpoint('a').arrived[0]?.breakOff('closed');
    world.pass(10);
    world.lines.get('slow')?.send('no chunk at all\r\n');
    world.pass(10);
    client.readOn();
    world.pass(100);
    assert.deepEqual([client.status, client.state], [502, 'whole']);
    assertRecord(world, { end: 'generated', cause: 'closed_before_response', status: 502, delivery: 'partial' });
    rest(world);
  });

  it('a broken chunk is refused, and the connection ends', () => {
    const world = answering();
    const { send, got } = typing(world);
    world.endpoint('a').onRequest = () => {};
    send('POST /a HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n');
    world.pass(10);
    assert.match(got(), /^HTTP\/1\.1 400 /);
    world.pass(13_000);
    assert.equal(world.counts.clientConnections, 0);
    rest(world);
  });

  it('a request without its head in time is answered with 408, one that has not begun is closed', () => {
    const world = answering({ limits: { headMs: 1000, keepAliveMs: 2000 } });
    const { send, got } = typing(world);
    send('GET /slow HTTP/1.1\r\nHos');
    world.pass(1100);
    assert.match(got(), /^HTTP\/1\.1 408 /);
    rest(world);
    const second = typing(answering({ limits: { keepAliveMs: 500 } }));
    assert.equal(second.got(), '');
  });

  it('a client of HTTP/1.0 is closed after its answer, unless it asks to be kept', () => {
    const world = answering();
    const { send, got, ended } = typing(world);
    send('GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    world.pass(10);
    assert.match(got(), /Connection: keep-alive/i);
    assert.equal(ended(), false);
    send('GET /b HTTP/1.0\r\n\r\n');
    world.pass(10);
    assert.deepEqual([bodies(got()), ended()], [['/a', '/b'], true]);
    rest(world);
  });

  it('a client of HTTP/1.0 gets a body of unknown length to the end of the connection; a cut one is a reset', () => {
    const world = answering();
    const { send, got } = typing(world);
    let errno: string | null | undefined;
    const line = world.lines.get('typing') ?? assert.fail();
    line.transport.listener.onClosed = (how) => void (errno = how);
    world.endpoint('a').onRequest = (request) => {
      request.head(200, null);
      request.write('to /a');
    };
    send('GET /a HTTP/1.0\r\n\r\n');
    world.pass(10);
    world.endpoint('a').arrived.at(-1)?.breakOff('closed');
    world.pass(10);
    assert.deepEqual([bodies(got()), errno], [['/a'], 'ECONNRESET']);
    assertRecord(world, { end: 'truncated', status: 200, cause: 'response_chunked_truncated' }, 1);
    rest(world);
  });

  it('bytes of several connections that wait for their endpoints are not mixed', () => {
    const world = new Http1World();
    const clients = Array.from({ length: 20 }, (_, n) =>
      world.request({ method: 'POST', body: String(n).repeat(500) }),
    );
    world.endpoint('a').onRequest = () => {};
    world.pass(50);
    for (const request of world.endpoint('a').arrived) request.answer(200, request.body);
    world.pass(50);
    clients.forEach((client, n) => assert.equal(client.body.toString(), String(n).repeat(500)));
    rest(world);
  });

  it('a response that ends with its connection is passed on in chunks, and is whole', () => {
    const world = answering();
    world.endpoint('a').onRequest = (request) => {
      request.raw('HTTP/1.0 200 OK\r\n\r\nall of it');
      request.breakOff('closed');
    };
    const client = world.request({});
    world.pass(20);
    assert.deepEqual(
      [client.state, client.body.toString(), client.header('transfer-encoding')],
      ['whole', 'all of it', 'chunked'],
    );
    rest(world);
  });

  it('an endpoint that sends bytes after its response loses the connection, and the client notices nothing', () => {
    const world = answering();
    world.endpoint('a').onRequest = (request) =>
      request.raw('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
    const client = world.request({});
    world.pass(20);
    assert.equal(client.body.toString(), 'ok');
    world.endpoint('a').onRequest = (request) => request.answer(200, 'good');
    const next = world.request({});
    world.pass(20);
    assert.equal(next.body.toString(), 'good');
    assert.equal(world.endpoint('a').connectionsMade, 2);
    rest(world);
  });

  it('an endpoint that takes its request slowly is not given up while it does', () => {
    // 1,000 bytes each 200 ms: the whole takes four times as long as the limit between bytes.
    const slowly = { windowBytes: 1000, latencyMs: 200 };
    const world = new Http1World({ attemptsMax: 1 }, { pairOptions: (side) => (side === 'endpoint' ? slowly : {}) });
    const client = world.request({ method: 'PUT', body: 'x'.repeat(60_000) });
    world.pass(14_000);
    const [arrived] = world.endpoint('a').arrived;
    assert.equal(arrived?.whole, true);
    arrived?.answer(200);
    world.pass(500);
    assert.equal(client.status, 200);
    rest(world);
  });

  it('no connection serves on under TLS settings that it was not opened with', () => {
    const world = answering();
    world.request({});
    world.pass(20);
    assert.equal(world.counts.upstreamConnectionsIdle, 1);
    world.endpoint('a').onRequest = () => {};
    const underWay = world.request({});
    world.pass(20);
    world.changedTls({ serverName: null, verify: true, ca: null, certificate: null, key: null });
    world.endpoint('a').arrived.at(-1)?.answer(200, 'old');
    world.pass(20);
    assert.equal(underWay.body.toString(), 'old');
    assert.deepEqual([world.counts.upstreamConnectionsIdle, world.counts.upstreamConnections], [0, 0]);
    rest(world);
  });

  it('an idle connection is closed when the TLS settings change', () => {
    const world = answering();
    world.request({});
    world.pass(20);
    world.changedTls({ serverName: null, verify: true, ca: null, certificate: null, key: null });
    assert.deepEqual([world.counts.upstreamConnectionsIdle, world.counts.upstreamConnections], [0, 0]);
    rest(world);
  });

  it('an unsolicited 101 is garbage', () => {
    const world = answering();
    world.endpoint('a').onRequest = (request) => request.raw('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n');
    const client = world.request({});
    world.pass(20);
    assert.equal(client.status, 502);
    assertRecord(world, { end: 'generated', cause: 'response_upgrade_unexpected', status: 502 });
    rest(world);
  });
});

describe('a response that stops while its client has not ended the request', () => {
  const stalled = (endpointWindowBytes: number, takesAll: boolean): Http1World => {
    const world = new Http1World({ ...unbuffered, endpointWindowBytes });
    const client = world.request({ method: 'POST', expects: 'chunked' });
    world.pass(10);
    const arrived = world.endpoint('a').arrived[0];
    assert.ok(arrived instanceof Http1Arrived);
    if (!takesAll) arrived.transport.pause();
    client.write('x'.repeat(5000));
    arrived.head(200, null);
    arrived.write('part');
    world.pass(200_000);
    world.verifyAtRest();
    return world;
  };
  const evidenceOf = (world: Http1World): object => world.records[0]?.failure?.evidence ?? {};

  it('does not blame the endpoint that has taken all of it: both may rest', () => {
    const world = stalled(1_000_000, true);
    assertRecord(world, { end: 'truncated', cause: 'response_body_stalled' });
    assert.equal((evidenceOf(world) as { requestOpen?: true }).requestOpen, true);
  });

  it('is waited for while the endpoint takes the request, if slowly', () => {
    const world = new Http1World({ ...unbuffered, endpointWindowBytes: 1000 });
    const client = world.request({ method: 'POST', expects: 'chunked' });
    world.pass(10);
    const arrived = world.endpoint('a').arrived[0];
    assert.ok(arrived instanceof Http1Arrived);
    arrived.transport.pause();
    arrived.head(200, null);
    client.write('x'.repeat(9000));
    for (let part = 0; part < 4; part++) {
      world.pass(2000);
      arrived.transport.resume();
      arrived.transport.deliverNext();
      arrived.transport.pause();
    }
    assert.equal(client.state, 'open');
    assert.ok(arrived.body.length < 9000, `${arrived.body.length} bytes`);
    world.pass(20_000);
    assert.equal(client.state, 'cut');
    world.verifyAtRest();
  });

  it('blames the endpoint that takes no more of it', () => {
    const world = stalled(1000, false);
    assertRecord(world, { end: 'truncated', cause: 'response_body_stalled' });
    assert.ok(!('requestOpen' in evidenceOf(world)));
  });
});

it('the release of the endpoint that was tried last stands in the record, and nothing in that of one without a release', () => {
  const endpointChanges = (name: string): Partial<EndpointSnapshot> => (name === 'c' ? {} : { release: `of ${name}` });
  const world = new Http1World({ endpoints: ['a', 'b', 'c'] }, { endpointChanges });
  const records = new ExchangeRecords({
    ...{ deployment: 'd', member: 'm', processStartedUnixMs: 0, processKey: 'k3f9xa', worker: 1, queryAllowed: [] },
  });
  const names = ['a', 'b', 'c'];
  const byAddress = new Map(names.map((name) => [world.endpoint(name).address, name]));
  for (const name of names) world.endpoint(name).onRequest = (request) => request.answer(200, 'ok');
  for (let number = 0; number < 12; number += 1) {
    // Each request is tried at one endpoint that refuses, and then at another.
    names.forEach((name, index) => (world.endpoint(name).accepts = index === number % 3 ? 'refuses' : 'yes'));
    world.request({ target: `/${number}` }, { connection: `${number}` });
    world.pass(20_000);
  }
  const seen = world.records.map((exchange) => {
    const { release, attempts } = records.recordOf(exchange);
    const last = byAddress.get(attempts.at(-1)?.address ?? '');
    assert.equal(release, last === 'c' ? undefined : `of ${last}`);
    return `${last}`;
  });
  assert.deepEqual(new Set(seen), new Set(names));
  assert.ok(world.records.some(({ attempts }) => attempts.length > 1));
});
