import assert from 'node:assert/strict';
import type { Cause } from '#failures/failure.ts';
import { type Case, pattern, assertRecord } from './cases.ts';
import type { ClientActor, World } from './world.ts';

/** The beginning of an answer, `length` null where it is not said. */
function begins(world: World, length: number | null, body: string, headers: Record<string, string> = {}): void {
  for (const name of world.options.endpoints ?? ['a']) {
    world.endpoint(name).onRequest = (request) => {
      request.head(200, length, headers);
      if (body !== '') request.write(body);
    };
  }
}

/** Cuts whatever has arrived and is not over. */
function breakAll(world: World, how: 'closed' | 'reset'): void {
  for (const name of world.options.endpoints ?? ['a']) {
    for (const request of world.endpoint(name).arrived) if (!request.gone) request.breakOff(how);
  }
}

function seesNothingOf(client: ClientActor, body: string): void {
  assert.equal(client.body.includes(body), false, 'nothing of the broken answer reached the client');
}

function failsAs(world: World, client: ClientActor, status: number, cause: Cause | null): void {
  assert.deepEqual([client.status, client.state], [status, 'whole']);
  assert.match(client.header('proxy-status') ?? '', /^edge; ?error=[a-z_]+;.*received-status=200/);
  const said = cause ?? world.records[0]?.failure?.cause ?? null;
  assertRecord(world, { end: 'generated', status, cause: said, delivery: 'response_started' });
}

const becomesAnAnswer: readonly Case[] = [
  ...(['closed', 'reset'] as const).flatMap((how) =>
    [100, null].map((length) => ({
      name: `an answer that is ${how} soon after its beginning (${length === null ? 'unknown length' : 'by length'}) is a 502`,
      run(world: World): void {
        begins(world, length, 'only this');
        const client = world.request({});
        world.pass(8);
        assert.equal(client.status, 0);
        breakAll(world, how);
        world.pass(20);
        failsAs(world, client, 502, null);
        seesNothingOf(client, 'only this');
        assert.equal(world.records[0]?.bytesToClient, client.body.length);
      },
    })),
  ),
  {
    name: 'a response that stalls within a long delay becomes a 504, and is not retried',
    options: { commitDelayMs: 60_000, endpoints: ['a', 'b'] },
    run(world) {
      begins(world, 100, 'only this');
      const client = world.request({});
      world.pass(3100);
      failsAs(world, client, 504, 'response_body_stalled');
      seesNothingOf(client, 'only this');
      assert.equal(assertRecord(world, { end: 'generated', attempts: 1, ...stalled }).attempts[0]?.retry, false);
    },
  },
  {
    name: 'a broken chunk in the same segment as the head becomes a 502',
    run(world) {
      world.endpoint('a').onRequest = (request) =>
        request.raw('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n');
      const client = world.request({});
      world.pass(20);
      failsAs(world, client, 502, 'response_chunk');
      seesNothingOf(client, 'hello');
    },
    onlyBytes: 'streams carry messages, not bytes',
  },
  {
    name: 'the limit for the exchange within the delay gives a 504',
    options: { commitDelayMs: 60_000, timeouts: { exchangeMs: 200 } },
    run(world) {
      begins(world, 100, 'only this');
      const client = world.request({});
      world.pass(250);
      assert.equal(client.status, 504);
      seesNothingOf(client, 'only this');
      assert.equal(world.endpoint('a').arrived[0]?.gone, true);
      assertRecord(world, { end: 'generated', cause: 'exchange_timeout', status: 504, delivery: 'response_started' });
    },
  },
  {
    name: 'a client that leaves while its response is held has been sent nothing',
    run(world) {
      begins(world, 100, 'only this');
      const client = world.request({});
      world.pass(10);
      client.leave();
      world.pass(10);
      assert.equal(world.endpoint('a').arrived[0]?.gone, true);
      assertRecord(world, { end: 'abandoned', cause: 'client_gone', status: 0, delivery: 'response_started' });
    },
  },
];

const stalled = { cause: 'response_body_stalled', status: 504 } as const;

const isRetried: readonly Case[] = [
  {
    name: 'a GET whose response breaks within the delay is retried at another endpoint',
    options: { endpoints: ['a', 'b'] },
    run(world) {
      let requests = 0;
      for (const name of ['a', 'b']) {
        world.endpoint(name).onRequest = (request) => {
          if (++requests === 2) return request.answer(200, 'the second answer', { 'X-Turn': '2' });
          request.head(200, 100, { 'X-Turn': '1' });
          request.write('the first answer');
          world.clock.schedule(world.clock.now(), (arrived) => arrived.breakOff('reset'), request);
        };
      }
      const client = world.request({});
      world.pass(50);
      assert.deepEqual([client.status, client.body.toString()], [200, 'the second answer']);
      assert.equal(client.header('x-turn'), '2');
      const record = assertRecord(world, { end: 'forwarded', status: 200, attempts: 2 });
      const [first, second] = record.attempts;
      assert.deepEqual([first?.status, first?.retry, first?.retryReason], [200, true, 'idempotent']);
      assert.notEqual(first?.endpoint, second?.endpoint);
      assert.equal(record.bytesToClient, 17);
    },
  },
  {
    name: 'it is retried once: when the second response breaks too, the client gets a 502',
    options: { endpoints: ['a', 'b', 'c'], attemptsMax: 3 },
    run(world) {
      begins(world, 100, 'only this');
      const client = world.request({});
      for (let turn = 0; turn < 5; turn++) {
        world.pass(8);
        breakAll(world, 'closed');
      }
      world.pass(20);
      failsAs(world, client, 502, 'response_body_short');
      assert.equal(world.records[0]?.attempts.length, 2);
    },
  },
  {
    name: 'a POST whose response breaks within the delay is not retried',
    options: { endpoints: ['a', 'b'] },
    run(world) {
      begins(world, 100, 'only this');
      const client = world.request({ method: 'POST', body: 'pay' });
      world.pass(8);
      breakAll(world, 'reset');
      world.pass(20);
      failsAs(world, client, 502, 'response_body_short');
      assert.equal(world.endpoint('a').arrived.length + world.endpoint('b').arrived.length, 1);
    },
  },
  {
    name: 'a response that breaks after the delay is truncated, and not retried',
    options: { endpoints: ['a', 'b'] },
    run(world) {
      begins(world, 100, 'only this');
      const client = world.request({});
      world.pass(100);
      assert.equal(client.body.toString(), 'only this');
      breakAll(world, 'reset');
      world.pass(20);
      assert.deepEqual([client.state, client.body.toString()], ['cut', 'only this']);
      const record = assertRecord(world, {
        end: 'truncated',
        cause: 'response_body_short',
        status: 200,
        attempts: 1,
      });
      assert.equal(record.attempts[0]?.retryReason, 'committed');
      world.pass(3000);
    },
  },
];

/** When the first bytes of an answer that does not come to its end reach the client. */
function comesAfter(
  length: number | null,
  body: string,
  headers: Record<string, string>,
  afterMs: number,
): Case['run'] {
  return (world) => {
    begins(world, length, body, headers);
    const client = world.request({});
    let waitedMs = -1;
    for (let ms = 0; ms < 100 && waitedMs < 0; ms++) {
      world.pass(1);
      const headMs = world.endpoint('a').arrived.length === 0 ? 0 : ms;
      if (client.status > 0) waitedMs = headMs;
    }
    assert.ok(Math.abs(waitedMs - afterMs) <= 4, `it came after ${waitedMs} ms, and was to come after ${afterMs} ms`);
    assert.equal(client.body.toString(), body);
    client.leave();
    world.pass(10);
  };
}

const goesOn: readonly Case[] = [
  { name: 'a response of known length is sent after 50 ms', run: comesAfter(100, 'piece', {}, 50) },
  { name: 'a head alone is sent after 50 ms', run: comesAfter(null, '', {}, 50) },
  {
    name: 'part of a response of unknown length is sent when nothing has come for 10 ms',
    run: comesAfter(null, 'piece', {}, 10),
  },
  ...[
    { 'Content-Type': 'text/event-stream; charset=utf-8' },
    { 'Content-Type': 'application/grpc+proto' },
    { 'Content-Type': 'multipart/x-mixed-replace;boundary=frame' },
    { 'Content-Type': 'application/x-ndjson' },
    { 'Content-Type': 'text/html', 'X-Accel-Buffering': 'no' },
  ].map((headers) => ({
    name: `a stream is sent at once: ${Object.entries(headers).at(-1)?.join(': ')}`,
    run: comesAfter(null, 'data: 1\n\n', headers, 1),
  })),
  {
    name: 'without a delay everything is sent at once',
    options: { commitDelayMs: 0 },
    run: comesAfter(100, 'piece', {}, 1),
  },
  {
    name: 'a response beyond 64 KiB is sent without waiting, and no byte is lost',
    options: { commitDelayMs: 60_000 },
    run(world) {
      const body = pattern(200_000);
      world.endpoint('a').onRequest = (request) => request.head(200, 400_000);
      const client = world.request({});
      world.pass(5);
      const [arrived] = world.endpoint('a').arrived;
      for (let at = 0; at < 60_000; at += 10_000) {
        arrived?.write(body.subarray(at, at + 10_000));
        world.pass(5);
        assert.equal(client.status, 0);
      }
      for (let at = 60_000; at < 200_000; at += 10_000) arrived?.write(body.subarray(at, at + 10_000));
      world.pass(20);
      assert.equal(client.status, 200);
      assert.equal(client.body.equals(body), true);
      client.leave();
      world.pass(10);
    },
  },
  {
    name: 'a response in many parts within the delay is sent as soon as it is complete, with its trailers',
    options: { commitDelayMs: 60_000 },
    run(world) {
      world.endpoint('a').onRequest = (request) => request.head(200, null);
      const client = world.request({});
      world.pass(5);
      const [arrived] = world.endpoint('a').arrived;
      for (const piece of ['one ', 'two ', 'three ', 'four']) {
        arrived?.write(piece);
        world.pass(5);
        assert.equal(client.status, 0);
      }
      arrived?.end({ 'X-Sum': '4' });
      world.pass(5);
      assert.deepEqual([client.state, client.body.toString()], ['whole', 'one two three four']);
      assert.equal(client.trailers.get('x-sum'), '4');
      assert.equal(assertRecord(world, { end: 'forwarded', status: 200 }).bytesToClient, 18);
    },
  },
  {
    name: 'interim responses are sent at once, and a retry stays possible',
    options: { endpoints: ['a', 'b'] },
    run(world) {
      let requests = 0;
      for (const name of ['a', 'b']) {
        world.endpoint(name).onRequest = (request) => {
          request.inform(103, { Link: '</style.css>' });
          if (++requests === 2) return request.answer(200, 'whole');
          request.head(200, 100);
          world.clock.schedule(world.clock.now(), (arrived) => arrived.breakOff('reset'), request);
        };
      }
      const client = world.request({});
      world.pass(50);
      assert.deepEqual([client.informed, client.status, client.body.toString()], [[103, 103], 200, 'whole']);
      assertRecord(world, { end: 'forwarded', status: 200, attempts: 2 });
    },
  },
  {
    name: 'an interim response reaches the client while the head behind it is held',
    run(world) {
      world.endpoint('a').onRequest = (request) => {
        request.inform(103, { Link: '</style.css>' });
        request.head(200, 100);
      };
      const client = world.request({});
      world.pass(10);
      assert.deepEqual([client.informed, client.status], [[103], 0]);
      client.leave();
      world.pass(10);
    },
  },
];

/** What the commit delay promises, in every world. */
export const heldCases: readonly Case[] = [...becomesAnAnswer, ...isRetried, ...goesOn];
