import assert from 'node:assert/strict';
import { contentKinds } from '../../src/core/content-kind.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import { explain, whoseOf } from '#failures/failure-texts.ts';
import type { EndedExchange, EndKind } from '../../src/core/exchange.ts';
import type { Cause } from '#failures/failure.ts';
import type { Delivery } from '#failures/shape.ts';
import { loopCases } from './loop-cases.ts';
import { urlHeaderCases } from './url-header-cases.ts';
import type { World, WorldOptions } from './world.ts';

const emptyResponse = 'HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n';

/** One promise of the exchange, told once and kept in every world. */
export interface Case {
  readonly name: string;
  readonly options?: WorldOptions;
  /** Why the case does not exist for streams, which have no bytes or no pool; absent where it exists for both. */
  readonly onlyBytes?: string;
  /** Why it is otherwise with HTTP/2 endpoints; absent where it is not. */
  readonly notOverHttp2?: string;
  readonly run: (world: World) => void;
}

interface Expected {
  readonly end: EndKind;
  readonly cause?: Cause | null;
  readonly status?: number;
  readonly delivery?: Delivery;
  readonly attempts?: number;
}

/** The one record, or the nth, says this. */
export function assertRecord(world: World, expected: Expected, nth = 0): EndedExchange {
  const record = world.records[nth] ?? assert.fail(`there are ${world.records.length} records`);
  const { endKind: end, failure, statusSent, delivery, attempts } = record;
  const said = { end, cause: failure?.cause ?? null, status: statusSent, delivery, attempts: attempts.length };
  assert.deepEqual(said, { ...said, cause: null, ...expected });
  return record;
}

/** Request bodies are passed on as they come. */
export const unbuffered: WorldOptions = { buffer: { requestBytesMax: 0 } };

const large = 1024 * 1024;

const patterns = new Map<string, Buffer>();

/** Bytes that say where they stand. */
export function pattern(bytes: number, salt = 0): Buffer {
  const known = patterns.get(`${bytes} ${salt}`);
  if (known !== undefined) return Buffer.from(known);
  const made = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at++) made[at] = (at * 31 + (at >> 8) + salt) & 0xff;
  patterns.set(`${bytes} ${salt}`, made);
  return Buffer.from(made);
}

const forwarded: readonly Case[] = [
  {
    name: "a GET is answered with its endpoint's response, and with the gateway's own headers",
    run(world) {
      world.endpoint('a').onRequest = (request) => request.answer(200, 'hello', { 'X-App': 'yes' });
      const client = world.request({ target: '/x?y=1', headers: { 'X-Mine': 'too' } });
      world.pass(20);
      const [arrived] = world.endpoint('a').arrived;
      assert.equal(client.status, 200);
      assert.equal(client.body.toString(), 'hello');
      assert.equal(client.header('x-app'), 'yes');
      assert.equal(client.header('x-request-id'), world.records[0]?.id);
      assert.equal(arrived?.target, '/x?y=1');
      assert.equal(arrived?.header('x-mine'), 'too');
      assert.match(arrived?.header('via') ?? '', / edge$/);
      assert.equal(arrived?.header('x-forwarded-for'), '192.0.2.7');
      const record = assertRecord(world, { end: 'forwarded', status: 200, delivery: 'response_started', attempts: 1 });
      assert.equal(record.bytesToClient, 5);
    },
  },
  {
    name: 'a POST brings its body, whole and unchanged',
    run(world) {
      const body = pattern(200_000);
      world.endpoint('a').onRequest = (request) => request.answer(201, 'made');
      const client = world.request({ method: 'POST', body });
      world.pass(50);
      assert.equal(client.status, 201);
    },
  },
  {
    name: 'the endpoint gets every byte of the body',
    run(world) {
      const body = pattern(300_000);
      const client = world.request({ method: 'PUT', body });
      world.pass(50);
      const [arrived] = world.endpoint('a').arrived;
      assert.equal(arrived?.whole, true);
      assert.equal(arrived?.body.equals(body), true);
      arrived?.answer(204);
      world.pass(50);
      assert.equal(client.status, 204);
      assert.equal(assertRecord(world, { end: 'forwarded', status: 204 }).bytesFromClient, 300_000);
    },
  },
  {
    name: 'each attempt says how much of the bodies has passed',
    run(world) {
      world.endpoint('a').onRequest = (request) => request.breakOff('reset');
      world.endpoint('b').onRequest = (request) => {
        request.head(200, 100);
        request.write('only this');
      };
      world.request({ method: 'PUT', body: pattern(3000) });
      world.pass(20);
      world.endpoint('b').arrived[0]?.breakOff('reset');
      world.pass(20);
      const [first, second] = world.records[0]?.attempts ?? [];
      assert.deepEqual([first?.bytesToEndpoint, first?.bytesFromEndpoint], [3000, 0]);
      assert.deepEqual([second?.bytesToEndpoint, second?.bytesFromEndpoint], [3000, 9]);
    },
    options: { endpoints: ['a', 'b'] },
  },
  {
    name: 'a HEAD is answered without a body, with the length that it would have',
    run(world) {
      world.endpoint('a').onRequest = (request) => request.raw('HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n');
      const client = world.request({ method: 'HEAD' });
      world.pass(20);
      assert.deepEqual([client.status, client.state, client.header('content-length')], [200, 'whole', '42']);
      assertRecord(world, { end: 'forwarded', status: 200 });
    },
    onlyBytes: 'a stream in memory has no Content-Length field beside its framing',
  },
  ...[204, 304].map((status) => ({
    name: `${status} has no content, and the connection lives on`,
    run(world: World): void {
      world.endpoint('a').onRequest = (request) => request.answer(status);
      const first = world.request({}, { connection: 'one' });
      world.pass(20);
      const second = world.request({}, { connection: 'one' });
      world.pass(20);
      assert.deepEqual([first.status, first.state, second.status, second.state], [status, 'whole', status, 'whole']);
    },
  })),
  {
    name: 'a POST with an empty body is sent whole, and its endpoint must answer in time',
    run(world) {
      const client = world.request({ method: 'POST', body: '' });
      world.pass(9000);
      assert.equal(world.endpoint('a').arrived[0]?.whole, true);
      assert.equal(client.status, 504);
      assertRecord(world, { end: 'generated', cause: 'response_head_timeout', status: 504, delivery: 'sent_unknown' });
    },
  },
  {
    name: 'a body in small pieces arrives in both directions, and at once',
    options: unbuffered,
    run(world) {
      const client = world.request({ method: 'POST', expects: 'chunked' });
      for (const piece of ['one ', 'two ', 'three']) {
        client.write(piece);
        world.pass(10);
        assert.match(world.endpoint('a').arrived[0]?.body.toString() ?? '', new RegExp(`${piece}$`));
      }
      client.end();
      const [arrived] = world.endpoint('a').arrived;
      arrived?.head(200, null);
      for (const piece of ['uno ', 'due ', 'tre']) {
        arrived?.write(piece);
        world.pass(10);
        assert.match(client.body.toString(), new RegExp(`${piece}$`));
      }
      arrived?.end();
      world.pass(10);
      assert.deepEqual([client.state, client.body.toString()], ['whole', 'uno due tre']);
      assertRecord(world, { end: 'forwarded', status: 200 });
    },
  },
  {
    name: 'a slow client pauses its endpoint: little is buffered, nothing is lost',
    options: { endpointWindowBytes: 16_384 },
    run(world) {
      const body = pattern(large);
      world.endpoint('a').onRequest = (request) => request.head(200, large);
      const client = world.request({}, { windowBytes: 16_384 });
      client.stopReading();
      world.pass(5);
      const [arrived] = world.endpoint('a').arrived;
      for (let at = 0; at < large; at += 2048) {
        arrived?.write(body.subarray(at, at + 2048));
        if (at % 8192 === 0) world.pass(1);
        assert.ok(world.heldBytes() <= 160_000, `${world.heldBytes()} bytes are held`);
      }
      client.readOn();
      world.pass(2000);
      assert.equal(client.state, 'whole');
      assert.equal(client.body.equals(body), true);
      assertRecord(world, { end: 'forwarded' });
    },
  },
  {
    name: 'a slow endpoint pauses its client: little is buffered, nothing is lost, nothing fails',
    options: { endpointWindowBytes: 16_384, limits: { bodyMs: 500 } },
    run(world) {
      const body = pattern(large);
      world.endpoint('a').onRequest = (request) => request.stopReading();
      const client = world.request({ method: 'PUT', expects: large });
      for (let at = 0; at < large; at += 2048) {
        client.write(body.subarray(at, at + 2048));
        if (at % 8192 === 0) world.pass(1);
        assert.ok(world.heldBytes() <= 160_000, `${world.heldBytes()} bytes are held`);
      }
      // Longer than the client's limit: it is not the client who is slow.
      world.pass(1500);
      const [arrived] = world.endpoint('a').arrived;
      arrived?.readOn();
      world.pass(2000);
      assert.equal(arrived?.body.equals(body), true);
      arrived?.answer(200, 'ok');
      world.pass(20);
      assert.equal(client.status, 200);
      assertRecord(world, { end: 'forwarded' });
    },
  },
  {
    name: 'an endpoint that does not read the body in time is too slow',
    options: { endpointWindowBytes: 4096 },
    run(world) {
      world.endpoint('a').onRequest = (request) => request.stopReading();
      const client = world.request({ method: 'PUT', body: pattern(500_000) });
      // Its kernel took some at first, which counts as taking: so twice the limit.
      world.pass(6200);
      assert.equal(client.status, 504);
      assertRecord(world, { end: 'generated', cause: 'request_write_timeout', status: 504, delivery: 'partial' });
      world.pass(3000);
    },
  },
  {
    name: 'interim responses are passed on, an unsolicited 100 too',
    run(world) {
      const client = world.request({});
      world.pass(5);
      const [arrived] = world.endpoint('a').arrived;
      arrived?.inform(100);
      arrived?.inform(103, { Link: '</style.css>' });
      world.pass(5);
      assert.deepEqual(client.informed, [100, 103]);
      arrived?.answer(200, 'later');
      world.pass(10);
      assert.deepEqual([client.status, client.body.toString()], [200, 'later']);
    },
  },
  {
    name: 'trailers go both ways',
    run(world) {
      const client = world.request({ method: 'POST', expects: 'chunked' });
      client.write('content');
      client.end({ 'X-Sum': '42' });
      world.pass(10);
      const [arrived] = world.endpoint('a').arrived;
      assert.equal(arrived?.trailers.get('x-sum'), '42');
      arrived?.head(200, null);
      arrived?.write('answer');
      arrived?.end({ 'X-Done': 'yes' });
      world.pass(10);
      assert.equal(client.trailers.get('x-done'), 'yes');
      assertRecord(world, { end: 'forwarded' });
    },
  },
  {
    name: 'a client that waits for 100 gets it when its body is read',
    run(world) {
      const client = world.request({ method: 'POST', expects: 7, headers: { Expect: '100-continue' } });
      world.pass(10);
      assert.deepEqual(client.informed, [100]);
      client.write('content');
      world.pass(10);
      const [arrived] = world.endpoint('a').arrived;
      assert.deepEqual([arrived?.body.toString(), arrived?.header('expect')], ['content', null]);
      arrived?.inform(100);
      world.pass(10);
      assert.deepEqual(client.informed, [100], 'told once: this one is for whoever asked the endpoint');
      arrived?.answer(200);
      world.pass(10);
      assert.equal(client.status, 200);
    },
  },
  {
    name: 'the second request reuses the connection of the first',
    run(world) {
      world.endpoint('a').onRequest = (request) => request.answer(200, 'x'.repeat(10));
      world.request({});
      world.pass(20);
      world.request({});
      world.pass(20);
      assert.equal(world.endpoint('a').connectionsMade, 1);
      assert.equal(assertRecord(world, { end: 'forwarded' }, 1).attempts[0]?.reused, true);
    },
  },
];

const declined: readonly Case[] = [
  {
    name: 'no route: 404, and no endpoint is asked',
    options: { routes: [{ match: { hosts: ['other.example'], pathPrefix: '/', methods: [] } }] },
    run(world) {
      const client = world.request({ target: '/nowhere' });
      world.pass(10);
      assert.equal(client.status, 404);
      assert.match(client.header('proxy-status') ?? '', /^edge; ?error=destination_not_found/);
      assertRecord(world, { end: 'generated', cause: 'no_route', status: 404, delivery: 'not_sent', attempts: 0 });
    },
  },
  {
    name: 'no route for the method alone: 404 that says which methods the path takes',
    options: { routes: [{ match: { hosts: [], pathPrefix: '/read', methods: ['GET', 'HEAD'] } }] },
    run(world) {
      const post = world.request({ method: 'POST', target: '/read/x' });
      world.pass(10);
      assert.equal(post.status, 404);
      assert.match(String(post.body), /This address takes GET, HEAD, and not the method of this request/);
      const { failure } = assertRecord(world, { end: 'generated', cause: 'no_route', status: 404, attempts: 0 });
      assert.equal(failure?.cause === 'no_route' && failure.evidence.allow, 'GET, HEAD');
    },
  },
  {
    name: 'maintenance: 503 with Retry-After',
    options: {
      routes: [
        {
          action: { kind: 'feature', feature: 'maintenance' },
          features: { maintenance: { message: 'We move house.', retryAfterS: 120 } },
        },
      ],
    },
    run(world) {
      const client = world.request({});
      world.pass(10);
      assert.deepEqual([client.status, client.header('retry-after')], [503, '120']);
      assertRecord(world, { end: 'generated', cause: 'maintenance', status: 503, attempts: 0 });
    },
  },
  {
    name: 'a readiness route: 200',
    options: { routes: [{ action: { kind: 'feature', feature: 'readiness' }, features: { readiness: {} } }] },
    run(world) {
      const client = world.request({});
      world.pass(10);
      assert.deepEqual([client.status, client.body.toString()], [200, 'ready\n']);
      assert.equal(client.header('cache-control'), 'no-store');
      assertRecord(world, { end: 'generated', cause: null, status: 200, attempts: 0 });
      world.pass(3000);
    },
  },
  {
    name: 'a readiness route of a gateway that is about to stop: 503 with Retry-After',
    options: {
      routes: [{ action: { kind: 'feature', feature: 'readiness' }, features: { readiness: {} } }],
      stopping: true,
    },
    run(world) {
      const client = world.request({});
      world.pass(10);
      assert.deepEqual([client.status, client.header('retry-after')], [503, '5']);
      assert.match(client.header('proxy-status') ?? '', /^edge; ?error=proxy_internal_response/);
      assertRecord(world, { end: 'generated', cause: 'gateway_stopping', status: 503, attempts: 0 });
    },
  },
  {
    name: 'a route that answers itself',
    options: {
      routes: [
        {
          action: { kind: 'feature', feature: 'respond' },
          features: { respond: { status: 200, contentType: 'text/plain', body: 'pong' } },
        },
      ],
    },
    run(world) {
      const client = world.request({ method: 'POST', body: 'ping' });
      world.pass(10);
      assert.deepEqual([client.status, client.body.toString(), client.header('proxy-status')], [200, 'pong', null]);
      assertRecord(world, { end: 'generated', cause: null, status: 200, attempts: 0 });
      world.pass(3000);
    },
  },
  {
    name: 'a route that answers 304 by itself says no length: it would be that of another response',
    options: {
      routes: [
        {
          action: { kind: 'feature', feature: 'respond' },
          features: { respond: { status: 304, contentType: 'text/plain', body: '' } },
        },
      ],
    },
    run(world) {
      const client = world.request({});
      world.pass(10);
      assert.deepEqual([client.status, client.body.length, client.header('content-length')], [304, 0, null]);
    },
  },
  {
    name: 'no endpoint may be chosen: 503',
    run(world) {
      world.endpoint('a').setState('unhealthy');
      const client = world.request({});
      world.pass(10);
      assert.equal(client.status, 503);
      assertRecord(world, {
        end: 'generated',
        cause: 'no_endpoint_ready',
        status: 503,
        delivery: 'not_sent',
        attempts: 0,
      });
    },
  },
  ...loopCases,
  {
    name: "another gateway's name is no loop: Via and CDN-Loop go on with the gateway's own name behind it",
    run(world) {
      world.endpoint('a').onRequest = (request) => request.answer(200);
      world.request({ headers: { Via: '1.1 edge:8080, 1.0 edges', 'CDN-Loop': 'edge.example' } });
      world.pass(10);
      assertRecord(world, { end: 'forwarded', status: 200 });
      const [arrived] = world.endpoint('a').arrived;
      assert.match(arrived?.header('via') ?? '', /^1\.1 edge:8080, 1\.0 edges, [12]\.[01] edge$/);
      assert.match(arrived?.header('cdn-loop') ?? '', /^edge\.example, edge; route=[\w-]{8}$/);
    },
  },
  ...(['Via', 'CDN-Loop'] as const).map((name) => ({
    name: `a request that has been through sixteen gateways may go on, one more may not: ${name}`,
    run(world: World): void {
      world.endpoint('a').onRequest = (request) => request.answer(200);
      const hops = (count: number): string =>
        Array.from({ length: count }, (_, at) => (name === 'Via' ? `1.1 hop-${at}` : `hop-${at}`)).join(', ');
      const sixteen = world.request({ headers: { [name]: hops(16) } });
      const seventeen = world.request({ headers: { [name]: hops(17) } });
      world.pass(10);
      assert.deepEqual([sixteen.status, seventeen.status], [200, 502]);
      const refused = world.records.find(({ endKind: end }) => end === 'generated');
      assert.deepEqual(refused?.failure?.evidence, { hops: 17, limit: 16 });
      assert.match(seventeen.header('proxy-status') ?? '', /error=proxy_loop_detected/);
    },
  })),
  ...urlHeaderCases,
  {
    name: 'an untrusted client does not choose its request id',
    run(world) {
      world.endpoint('a').onRequest = (request) => request.answer(200);
      world.request({ headers: { 'X-Request-Id': 'mine-1' } });
      world.pass(10);
      assert.notEqual(assertRecord(world, { end: 'forwarded' }).id, 'mine-1');
      assert.equal(world.endpoint('a').arrived[0]?.header('x-request-id'), world.records[0]?.id);
    },
  },
  {
    name: 'a trusted peer chooses the request id',
    options: { trusted: true },
    run(world) {
      world.endpoint('a').onRequest = (request) => request.answer(200);
      world.request({ headers: { 'X-Request-Id': 'mine-1' } });
      world.pass(10);
      assert.equal(assertRecord(world, { end: 'forwarded' }).id, 'mine-1');
      assert.equal(world.endpoint('a').arrived[0]?.header('x-request-id'), 'mine-1');
    },
  },
];

const retried: readonly Case[] = [
  {
    name: 'a refused connection: 502, and nothing was sent',
    run(world) {
      world.endpoint('a').accepts = 'refuses';
      const client = world.request({});
      world.pass(20);
      assert.equal(client.status, 502);
      assertRecord(world, {
        end: 'generated',
        cause: 'connect_refused',
        status: 502,
        delivery: 'not_sent',
        attempts: 1,
      });
    },
  },
  ...['GET', 'POST'].map((method) => ({
    name: `a refused connection is tried elsewhere: ${method}`,
    options: { endpoints: ['a', 'b'] },
    run(world: World): void {
      world.endpoint('a').accepts = 'refuses';
      for (const name of ['a', 'b']) world.endpoint(name).onRequest = (request) => request.answer(200, 'from b');
      // Which endpoint comes first is chance in one of the worlds; soon enough it is the one that refuses.
      for (let turn = 0; turn < 8; turn++) {
        const client = world.request(method === 'POST' ? { method, body: 'content' } : { method });
        world.pass(20);
        assert.equal(client.body.toString(), 'from b');
      }
      const tried = world.records.filter(({ attempts }) => attempts.length === 2);
      assert.ok(tried.length > 0, 'one of them was tried twice');
      assert.equal(tried[0]?.attempts[0]?.retryReason, 'nothing_sent');
      assert.ok(
        world.endpoint('b').arrived.every(({ body }) => body.toString() === (method === 'POST' ? 'content' : '')),
      );
    },
  })),
  {
    name: 'a connection that is never accepted is given up in time: 504',
    run(world) {
      world.endpoint('a').accepts = 'never';
      const client = world.request({});
      world.pass(1100);
      assert.equal(client.status, 504);
      assertRecord(world, { end: 'generated', cause: 'connect_timeout', status: 504, delivery: 'not_sent' });
    },
  },
  {
    name: 'a GET whose connection ends before the response is retried once, at another endpoint',
    options: { endpoints: ['a', 'b'] },
    run(world) {
      let lost = 0;
      for (const name of ['a', 'b']) {
        world.endpoint(name).onRequest = (request) =>
          lost++ === 0 ? request.breakOff('closed') : request.answer(200, 'second');
      }
      const client = world.request({});
      world.pass(50);
      assert.equal(client.body.toString(), 'second');
      const record = assertRecord(world, { end: 'forwarded', attempts: 2 });
      assert.deepEqual([record.attempts[0]?.retry, record.attempts[0]?.retryReason], [true, 'idempotent']);
      assert.notEqual(record.attempts[0]?.endpoint, record.attempts[1]?.endpoint);
    },
  },
  {
    name: 'as long as nothing is sent, further endpoints are tried, whatever the method',
    options: { endpoints: ['a', 'b', 'c', 'd', 'e'] },
    run(world) {
      for (const name of ['a', 'b', 'c', 'd', 'e']) world.endpoint(name).accepts = 'refuses';
      const client = world.request({ method: 'POST', body: 'pay' });
      world.pass(50);
      assert.equal(client.status, 502);
      const { attempts } = assertRecord(world, {
        end: 'generated',
        cause: 'connect_refused',
        status: 502,
        attempts: 4,
      });
      assert.equal(new Set(attempts.map(({ endpoint }) => endpoint)).size, 4);
      assert.equal(attempts[3]?.retryReason, 'attempts_spent');
    },
  },
  {
    name: 'a connect timeout is not retried at one endpoint after the other',
    options: { endpoints: ['a', 'b', 'c', 'd'] },
    run(world) {
      for (const name of ['a', 'b', 'c', 'd']) world.endpoint(name).accepts = 'never';
      const client = world.request({});
      world.pass(2100);
      assert.equal(client.status, 504);
      assertRecord(world, { end: 'generated', cause: 'connect_timeout', status: 504, attempts: 2 });
    },
  },
  {
    name: 'a GET that may have been executed is retried once, however many attempts are allowed',
    options: { endpoints: ['a', 'b', 'c'], attemptsMax: 3 },
    run(world) {
      for (const name of ['a', 'b', 'c']) world.endpoint(name).onRequest = (request) => request.breakOff('closed');
      const client = world.request({});
      world.pass(50);
      assert.equal(client.status, 502);
      const cause = world.records[0]?.failure?.cause ?? null;
      const { attempts } = assertRecord(world, { end: 'generated', cause, status: 502, attempts: 2 });
      assert.deepEqual(
        attempts.map(({ retryReason }) => retryReason),
        ['idempotent', 'attempts_spent'],
      );
    },
  },
  {
    name: 'a POST whose connection ends before the response is not retried',
    options: { endpoints: ['a', 'b'] },
    run(world) {
      for (const name of ['a', 'b']) world.endpoint(name).onRequest = (request) => request.breakOff('closed');
      const client = world.request({ method: 'POST', body: 'pay' });
      world.pass(50);
      assert.equal(client.status, 502);
      assert.equal(world.endpoint('a').arrived.length + world.endpoint('b').arrived.length, 1);
      const record = assertRecord(world, {
        end: 'generated',
        status: 502,
        attempts: 1,
        cause: world.records[0]?.failure?.cause ?? null,
      });
      assert.equal(record.delivery, 'sent_unknown');
    },
  },
  {
    name: 'a GET is not retried where there is no other endpoint',
    run(world) {
      world.endpoint('a').onRequest = (request) => request.breakOff('reset');
      world.request({});
      world.pass(50);
      const record = assertRecord(world, {
        end: 'generated',
        cause: 'reset_before_response',
        status: 502,
        attempts: 1,
      });
      assert.equal(record.attempts[0]?.retryReason, 'nowhere_else');
    },
  },
  {
    name: 'a reused connection turns out to be stale: the GET goes out on a fresh one',
    run(world) {
      let requests = 0;
      world.endpoint('a').onRequest = (request) =>
        ++requests === 2 ? request.breakOff('reset') : request.answer(200, `answer ${requests}`);
      world.request({});
      world.pass(20);
      const client = world.request({});
      world.pass(50);
      assert.equal(client.body.toString(), 'answer 3');
      const record = assertRecord(world, { end: 'forwarded', attempts: 2 }, 1);
      assert.deepEqual([record.attempts[0]?.reused, record.attempts[1]?.reused], [true, false]);
    },
  },
  {
    name: 'a POST does not take a connection that has been idle',
    notOverHttp2: 'PING shows that the connection works',
    run(world) {
      world.endpoint('a').onRequest = (request) => request.answer(200);
      world.request({});
      world.pass(3000);
      world.request({ method: 'POST', body: 'pay' });
      world.pass(20);
      assert.equal(assertRecord(world, { end: 'forwarded' }, 1).attempts[0]?.reused, false);
    },
  },
  {
    name: 'an idle connection is closed for a POST that may not use it',
    options: { connectionsMax: 1 },
    run(world) {
      world.endpoint('a').onRequest = (request) => request.answer(200);
      world.request({});
      world.pass(3000);
      const client = world.request({ method: 'POST', body: 'pay' });
      world.pass(20);
      assert.equal(client.status, 200);
    },
  },
];

const slowAndBroken: readonly Case[] = [
  {
    name: 'interim responses alone in time: 504, and their number',
    run(world) {
      world.request({});
      world.pass(100);
      world.endpoint('a').arrived[0]?.inform(103);
      world.endpoint('a').arrived[0]?.inform(102);
      world.pass(8100);
      const { failure } = assertRecord(world, { end: 'generated', cause: 'response_head_timeout', status: 504 });
      assert.ok(failure?.cause === 'response_head_timeout');
      assert.equal(failure.evidence.interims, 2);
      assert.match(
        explain(failure),
        /received the request and sent 2 interim responses \(1xx\), but no answer, within 8 s/,
      );
    },
  },
  {
    name: 'no response in time: 504, and whether the request was executed is unknown',
    run(world) {
      const client = world.request({});
      world.pass(7900);
      assert.equal(client.status, 0);
      world.pass(200);
      assert.equal(client.status, 504);
      assert.equal(world.endpoint('a').arrived[0]?.gone, true);
      assertRecord(world, { end: 'generated', cause: 'response_head_timeout', status: 504, delivery: 'sent_unknown' });
    },
  },
  {
    name: 'a response that stalls within its head',
    run(world) {
      world.endpoint('a').onRequest = (request) => request.raw('HTTP/1.1 200 OK\r\nContent-');
      const client = world.request({});
      world.pass(3100);
      assert.equal(client.status, 504);
      assertRecord(world, {
        end: 'generated',
        cause: 'response_head_stalled',
        status: 504,
        delivery: 'response_started',
      });
    },
    onlyBytes: 'streams carry whole heads',
  },
  {
    name: 'a response that is cut within its head',
    run(world) {
      world.endpoint('a').onRequest = (request) => {
        request.raw('HTTP/1.1 200 OK\r\nContent-');
        request.breakOff('closed');
      };
      const client = world.request({});
      world.pass(20);
      assert.equal(client.status, 502);
      assertRecord(world, {
        end: 'generated',
        cause: 'response_head_truncated',
        status: 502,
        delivery: 'response_started',
      });
    },
    onlyBytes: 'streams carry whole heads',
  },
  {
    name: 'a response that stalls is truncated, so that its client cannot take it for complete',
    run(world) {
      world.endpoint('a').onRequest = (request) => {
        request.head(200, 100);
        request.write('only this');
      };
      const client = world.request({});
      world.pass(3100);
      assert.deepEqual([client.status, client.state, client.body.toString()], [200, 'cut', 'only this']);
      assertRecord(world, {
        end: 'truncated',
        cause: 'response_body_stalled',
        status: 200,
        delivery: 'response_started',
      });
      world.pass(3000);
    },
  },
  ...(['closed', 'reset'] as const).flatMap((how) =>
    [100, null].map((length) => ({
      name: `content that is ${how} before its end (${length === null ? 'unknown length' : 'by length'}) is never completed`,
      run(world: World): void {
        world.endpoint('a').onRequest = (request) => {
          request.head(200, length);
          request.write('only this');
        };
        const client = world.request({});
        world.pass(100);
        world.endpoint('a').arrived[0]?.breakOff(how);
        world.pass(20);
        assert.deepEqual([client.state, client.body.toString()], ['cut', 'only this']);
        assertRecord(world, {
          end: 'truncated',
          status: 200,
          delivery: 'response_started',
          cause: world.records[0]?.failure?.cause ?? null,
        });
        world.pass(3000);
      },
    })),
  ),
  {
    name: 'garbage: 502, with its first bytes',
    run(world) {
      world.endpoint('a').onRequest = (request) => request.raw('SSH-2.0-OpenSSH_9.6\r\n');
      const client = world.request({});
      world.pass(50);
      assert.equal(client.status, 502);
      assertRecord(world, { end: 'generated', cause: 'response_not_http', status: 502, delivery: 'response_started' });
    },
    onlyBytes: 'streams carry messages, not bytes',
  },
  ...(
    [
      ['no more than a response', 'GET', 'HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nok', 0],
      ['more than Content-Length says', 'GET', 'HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nokEXTRA', 5],
      [
        'a second response',
        'GET',
        `HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n${emptyResponse}`,
        emptyResponse.length,
      ],
      [
        'bytes behind the last chunk',
        'GET',
        'HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nmore',
        4,
      ],
      ['a body with 204', 'GET', 'HTTP/1.1 204 None\r\n\r\nok', 2],
      ['a body with 304', 'GET', 'HTTP/1.1 304 Same\r\nContent-Length: 3\r\n\r\nold', 3],
      ['a body in answer to HEAD', 'HEAD', 'HTTP/1.1 200 Fine\r\nContent-Length: 4\r\n\r\nbody', 4],
    ] as const
  ).map(
    ([what, method, raw, surplus]): Case => ({
      name: `${what}: the attempt says how many bytes came behind the response, and none of them reach a client`,
      run(world) {
        let requests = 0;
        world.endpoint('a').onRequest = (request) => (++requests === 1 ? request.raw(raw) : request.answer(200, 'own'));
        const client = world.request({ method });
        world.pass(20);
        const next = world.request({});
        world.pass(20);
        assert.equal(client.state, 'whole');
        assert.equal(next.body.toString(), 'own');
        const [first] = assertRecord(world, { end: 'forwarded', attempts: 1 }).attempts;
        const [second] = assertRecord(world, { end: 'forwarded', attempts: 1 }, 1).attempts;
        assert.deepEqual([first?.surplusBytes, second?.surplusBytes, second?.reused], [surplus, 0, surplus === 0]);
      },
      onlyBytes: 'streams carry messages, not bytes',
    }),
  ),
  {
    name: 'JSON that begins with a bracket is told from other JSON',
    run(world) {
      const bodies = ['[{"id":1}]', '{"items":[]}', '\n[1]'];
      world.endpoint('a').onRequest = (request) =>
        request.answer(200, bodies.shift() ?? '', { 'Content-Type': 'application/json' });
      const kinds = [0, 1, 2].map((at) => {
        world.request({});
        world.pass(20);
        const [attempt] = assertRecord(world, { end: 'forwarded', attempts: 1 }, at).attempts;
        return contentKinds[attempt?.contentKind ?? 0];
      });
      assert.deepEqual(kinds, ['list', 'json', 'json']);
    },
  },
  {
    name: 'bytes that are not HTTP, between answers that are: from the second time on the application is named',
    run(world) {
      let requests = 0;
      world.endpoint('a').onRequest = (request) => {
        if (++requests % 2 === 0) return request.answer(200, 'own');
        request.raw('SSH-2.0-OpenSSH_9.6\r\n');
      };
      for (let each = 0; each < 5; each++) {
        world.request({ method: 'POST' });
        world.pass(50);
      }
      const met = [0, 2, 4].map((index) => {
        const record = assertRecord(world, { end: 'generated', cause: 'response_not_http', status: 502 }, index);
        assert.ok(record.failure?.cause === 'response_not_http');
        return [record.failure.evidence.answeredBetween, whoseOf(record.failure)];
      });
      assert.deepEqual(met, [
        [undefined, 'operator'],
        [1, 'application'],
        [2, 'application'],
      ]);
    },
    onlyBytes: 'streams carry messages, not bytes',
  },
  ...(['GET', 'POST'] as const).map(
    (method): Case => ({
      name: `bytes left over from an earlier response: the ${method} ${method === 'GET' ? 'goes out again on a fresh connection' : 'is not repeated'}`,
      run(world) {
        let requests = 0;
        world.endpoint('a').onRequest = (request) => {
          if (++requests === 3) request.raw('EXTRA');
          request.answer(200, `answer ${requests}`);
        };
        for (let earlier = 0; earlier < 2; earlier++) {
          world.request({});
          world.pass(20);
        }
        const client = world.request({ method });
        world.pass(50);
        const isGet = method === 'GET';
        if (isGet) assert.equal(client.body.toString(), 'answer 4');
        const record = assertRecord(
          world,
          isGet ? { end: 'forwarded', attempts: 2 } : { end: 'generated', cause: 'response_not_http', status: 502 },
          2,
        );
        const [first, second] = record.attempts;
        assert.deepEqual([first?.reused, second?.reused], [true, isGet ? false : undefined]);
        assert.equal(first?.retryReason, isGet ? 'idempotent' : 'not_idempotent');
        const failure = first?.failure;
        assert.ok(failure?.cause === 'response_not_http');
        assert.equal(failure.evidence.answeredBefore, 2);
        assert.equal(whoseOf(failure), 'application');
      },
      onlyBytes: 'streams carry messages, not bytes',
    }),
  ),
  {
    name: 'bytes that are no HTTP on a fresh connection: no retry at the same endpoint',
    run(world) {
      world.endpoint('a').onRequest = (request) => {
        request.raw('EXTRA');
        request.answer(200);
      };
      for (let each = 0; each < 2; each++) {
        const client = world.request({});
        world.pass(20);
        assert.equal(client.status, 502);
        const record = assertRecord(world, { end: 'generated', cause: 'response_not_http', attempts: 1 }, each);
        assert.equal(record.attempts[0]?.retryReason, 'nowhere_else');
        assert.equal(record.failure === null ? null : whoseOf(record.failure), 'operator');
      }
    },
    onlyBytes: 'streams carry messages, not bytes',
  },
  {
    name: 'bytes that are no HTTP behind an interim response belong to that request: no retry at the same endpoint',
    run(world) {
      let requests = 0;
      world.endpoint('a').onRequest = (request) => {
        if (++requests === 2) request.raw('HTTP/1.1 103 Early Hints\r\n\r\nEXTRA');
        request.answer(200);
      };
      for (let each = 0; each < 2; each++) {
        world.request({});
        world.pass(20);
      }
      const record = assertRecord(world, { end: 'generated', cause: 'response_not_http', attempts: 1 }, 1);
      assert.equal(record.attempts[0]?.reused, true);
    },
    onlyBytes: 'streams carry messages, not bytes',
  },
  {
    name: 'the limit for the exchange ends it, whichever side is slow',
    options: { timeouts: { exchangeMs: 2000 } },
    run(world) {
      const client = world.request({});
      world.pass(2050);
      assert.equal(client.status, 504);
      assert.equal(world.endpoint('a').arrived[0]?.gone, true);
      const record = assertRecord(world, {
        end: 'generated',
        cause: 'exchange_timeout',
        status: 504,
        delivery: 'sent_unknown',
      });
      assert.equal(record.attempts[0]?.retryReason, 'no_time_left');
    },
  },
  {
    name: 'the limit for the exchange truncates a response that has begun',
    options: { timeouts: { exchangeMs: 2000 } },
    run(world) {
      world.endpoint('a').onRequest = (request) => request.head(200, null);
      const client = world.request({});
      for (let turn = 0; turn < 30; turn++) {
        world.endpoint('a').arrived[0]?.write('more ');
        world.pass(100);
      }
      assert.deepEqual([client.status, client.state], [200, 'cut']);
      assertRecord(world, { end: 'truncated', cause: 'exchange_timeout', status: 200 });
      world.pass(3000);
    },
  },
  {
    name: 'a response that comes before the request is complete reaches the client',
    options: unbuffered,
    run(world) {
      const client = world.request({ method: 'POST', expects: 1000 });
      client.write('begin');
      world.pass(10);
      world.endpoint('a').arrived[0]?.answer(413, 'too much');
      world.pass(20);
      assert.deepEqual([client.status, client.body.toString(), client.state], [413, 'too much', 'whole']);
      assertRecord(world, { end: 'forwarded', status: 413 });
      world.pass(3000);
    },
  },
  {
    name: 'a response may stream while the request is still streaming',
    options: unbuffered,
    run(world) {
      const client = world.request({ method: 'POST', expects: 'chunked' });
      world.pass(10);
      const [arrived] = world.endpoint('a').arrived;
      arrived?.head(200, null);
      for (const word of ['a', 'b', 'c']) {
        client.write(word);
        world.pass(10);
        arrived?.write(word.toUpperCase());
        world.pass(10);
      }
      client.end();
      world.pass(10);
      assert.equal(arrived?.whole, true);
      arrived?.end();
      world.pass(20);
      assert.deepEqual([client.state, client.body.toString()], ['whole', 'ABC']);
      assertRecord(world, { end: 'forwarded' });
      world.pass(3000);
    },
  },
  {
    name: 'the exit of an instance explains a failure when it is reported 120 ms later',
    options: { application: 'shop' },
    run(world) {
      const endpoint = world.endpoint('a');
      endpoint.onRequest = (request) => request.breakOff('reset');
      const client = world.request({});
      world.pass(120);
      const exit: InstanceExit = {
        atInstant: world.clock.now(),
        code: null,
        signal: 'SIGKILL',
        outOfMemory: true,
        lastLine: null,
      };
      endpoint.setState('gone', exit);
      world.pass(30); // And not only when nobody would wait any longer.
      assert.equal(client.status, 502);
      // Some 120 ms after its connection broke: in the answer as in the record, whenever the news came.
      assert.match(client.body.toString(), /ran out of memory \(SIGKILL\), which was noticed \d+ ms later/);
      assert.equal(
        assertRecord(world, { end: 'generated', cause: 'reset_before_response' }).attempts[0]?.exit?.signal,
        'SIGKILL',
      );
    },
  },
  {
    name: 'without such a report the answer is sent after 150 ms',
    options: { application: 'shop' },
    run(world) {
      world.endpoint('a').onRequest = (request) => request.breakOff('reset');
      const client = world.request({});
      world.pass(140);
      assert.equal(client.status, 0);
      world.pass(20);
      assert.equal(client.status, 502);
    },
  },
];

const clientsWay: readonly Case[] = [
  {
    name: 'a client that leaves before the response: the attempt is cancelled, and is no failure of the endpoint',
    run(world) {
      const client = world.request({});
      world.pass(10);
      client.leave();
      world.pass(10);
      assert.equal(world.endpoint('a').arrived[0]?.gone, true);
      const record = assertRecord(world, {
        end: 'abandoned',
        cause: 'client_gone',
        status: 0,
        delivery: 'sent_unknown',
      });
      assert.equal(record.attempts[0]?.retryReason, 'client_left');
    },
  },
  {
    name: 'a client that leaves while its connection is being made',
    run(world) {
      world.endpoint('a').accepts = 'never';
      const client = world.request({});
      world.pass(10);
      client.leave();
      world.pass(2000);
      assertRecord(world, { end: 'abandoned', cause: 'client_gone', status: 0, delivery: 'not_sent' });
    },
  },
  {
    name: 'a client that leaves within the response',
    run(world) {
      world.endpoint('a').onRequest = (request) => {
        request.head(200, 100);
        request.write('only this');
      };
      const client = world.request({});
      world.pass(100);
      client.leave();
      world.pass(10);
      assert.equal(world.endpoint('a').arrived[0]?.gone, true);
      assertRecord(world, { end: 'abandoned', cause: 'client_gone', status: 200, delivery: 'response_started' });
    },
  },
  {
    name: 'a client that leaves when its endpoint is done: the attempt went well',
    run(world) {
      world.endpoint('a').onRequest = (request) => request.answer(200, pattern(20_000));
      const client = world.request({}, { windowBytes: 4096 });
      client.stopReading();
      world.pass(20);
      client.leave();
      world.pass(10);
      const record = assertRecord(world, { end: 'abandoned', cause: 'client_gone', status: 200 });
      assert.equal(record.attempts[0]?.failure, null);
    },
  },
  {
    name: 'a client that leaves while the exchange waits for the report of an exit',
    options: { application: 'shop' },
    run(world) {
      world.endpoint('a').onRequest = (request) => request.breakOff('reset');
      const client = world.request({});
      world.pass(20);
      client.leave();
      world.pass(100);
      assertRecord(world, { end: 'abandoned', cause: 'client_gone', status: 0 });
    },
  },
  {
    name: 'a client that does not send its body in time: 408',
    options: unbuffered,
    run(world) {
      const client = world.request({ method: 'POST', expects: 100 });
      client.write('some');
      world.pass(5100);
      assert.equal(client.status, 408);
      assert.equal(world.endpoint('a').arrived[0]?.gone, true);
      const record = assertRecord(world, {
        end: 'generated',
        cause: 'request_body_timeout',
        status: 408,
        delivery: 'partial',
      });
      assert.equal(record.attempts[0]?.retryReason, 'fails_anywhere');
      world.pass(3000);
    },
  },
  {
    name: 'a client that reads nothing is given up in time',
    run(world) {
      world.endpoint('a').onRequest = (request) => request.answer(200, pattern(100_000));
      const client = world.request({}, { windowBytes: 4096 });
      client.stopReading();
      world.pass(45_000);
      assertRecord(world, { end: 'truncated', cause: 'response_not_read', status: 200 });
      client.leave();
      world.pass(10);
    },
    onlyBytes: 'the write limit belongs to the connection, and the world of streams has none',
  },
  {
    name: 'a client that reads nothing is given up in time, whatever it sends meanwhile',
    options: unbuffered,
    run(world) {
      world.endpoint('a').onRequest = (request) => request.answer(200, pattern(100_000));
      const client = world.request({ method: 'POST', expects: 1000 }, { windowBytes: 4096 });
      client.stopReading();
      for (let turn = 0; turn < 12; turn++) {
        client.write('x');
        world.pass(4000);
      }
      assertRecord(world, { end: 'truncated', cause: 'response_not_read', status: 200 });
      client.leave();
      world.pass(10);
    },
    onlyBytes: 'the write limit belongs to the connection, and the world of streams has none',
  },
];

export const cases: readonly Case[] = [...forwarded, ...declined, ...retried, ...slowAndBroken, ...clientsWay];
