import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fail } from '#failures/failure.ts';
import type { Filter } from '../../src/core/filter.ts';
import { assertRecord, pattern, unbuffered } from './cases.ts';
import { holdsIn, worlds } from './filter-worlds.ts';
import { Delaying, filterOf, upperCase } from './test-filters.ts';

for (const [worldName, create] of worlds) {
  const holds = holdsIn(create);

  describe(`bodies through transforms between ${worldName}`, () => {
    const upper = (): readonly Filter[] => [upperCase];

    holds('are changed in both directions, and a response that has begun loses its length', upper, (world) => {
      world.endpoint('a').onRequest = () => {};
      const client = world.request({ method: 'POST', body: 'shout' });
      world.pass(20);
      const [arrived] = world.endpoint('a').arrived;
      assert.deepEqual([arrived?.body.toString(), arrived?.whole], ['SHOUT', true]);
      arrived?.answer(200, 'hello');
      world.pass(20);
      assert.deepEqual([client.body.toString(), client.state], ['HELLO', 'whole']);
      assert.equal(client.header('content-length'), null);
      const record = assertRecord(world, { end: 'forwarded', status: 200 });
      assert.deepEqual([record.bytesFromClient, record.bytesToClient], [5, 5]);
    });

    holds('keep their trailers', upper, (world) => {
      const client = world.request({ method: 'POST', expects: 'chunked', headers: { TE: 'trailers' } });
      client.write('one');
      world.pass(20);
      client.end({ 'X-Sum': '3' });
      world.pass(20);
      const [arrived] = world.endpoint('a').arrived;
      assert.deepEqual([arrived?.body.toString(), arrived?.trailers.get('x-sum')], ['ONE', '3']);
      arrived?.head(200, null);
      arrived?.write('two');
      arrived?.end({ 'X-Other': '4' });
      world.pass(20);
      assert.deepEqual([client.body.toString(), client.trailers.get('x-other')], ['TWO', '4']);
    });

    for (const [method, status] of [
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
    ] as const)
      holds(`are not looked for in a ${status} to ${method}`, upper, (world) => {
        world.endpoint('a').onRequest = (request) => request.answer(status);
        const first = world.request({ method }, { connection: 'one' });
        world.pass(20);
        const second = world.request({ method }, { connection: 'one' });
        world.pass(20);
        for (const client of [first, second]) assert.deepEqual([client.status, client.state], [status, 'whole']);
        assert.equal(first.header('content-length'), null, 'the length of a changed body is not known');
      });

    holds(
      'pass two transforms one after the other, and every byte arrives',
      () => [upperCase, filterOf({ responseBody: (exchange, _head, sink) => new Delaying(exchange, sink) })],
      (world) => {
        const body = Buffer.from(pattern(200_000).map((byte) => byte & 0x5f));
        const client = world.request({});
        world.pass(20);
        const [arrived] = world.endpoint('a').arrived;
        arrived?.head(200, body.length);
        arrived?.write(body);
        world.pass(3000);
        assert.equal(client.body.length, body.length);
        assert.equal(client.body.equals(body), true);
        assert.equal(client.state, 'whole');
      },
    );

    it('wait for their receiver: a client that does not read stops the endpoint', () => {
      const transforms: Delaying[] = [];
      const delaying = filterOf({
        responseBody(exchange, _head, sink) {
          const transform = new Delaying(exchange, sink);
          transforms.push(transform);
          return transform;
        },
      });
      const world = create({ filters: [delaying, upperCase], endpointWindowBytes: 16_384 });
      const client = world.request({}, { windowBytes: 16_384 });
      world.pass(20);
      client.stopReading();
      const [arrived] = world.endpoint('a').arrived;
      const body = Buffer.alloc(1024 * 1024, 'x');
      arrived?.head(200, body.length);
      arrived?.write(body);
      world.pass(2000);
      assert.ok((transforms[0]?.heldMax ?? 99) <= 4, `the transform has held ${transforms[0]?.heldMax} slices`);
      assert.ok(world.heldBytes() < 400_000, `${world.heldBytes()} bytes are held`);
      client.readOn();
      for (let n = 0; n < 400 && client.state !== 'whole'; n++) world.pass(10);
      assert.equal(client.body.length, body.length);
      assert.equal(client.body.equals(Buffer.alloc(body.length, 'X')), true);
      world.pass(100);
      world.verifyAtRest();
    });

    holds(
      'of a request wait for their endpoint, and arrive whole',
      () => [filterOf({ requestBody: (exchange, sink) => new Delaying(exchange, sink) })],
      (world) => {
        const body = pattern(300_000);
        const client = world.request({ method: 'PUT', body });
        world.pass(3000);
        const [arrived] = world.endpoint('a').arrived;
        assert.equal(arrived?.whole, true);
        assert.equal(arrived?.body.equals(body), true);
        arrived?.answer(204);
        world.pass(20);
        assert.equal(client.status, 204);
      },
      { endpointWindowBytes: 16_384 },
    );

    const failing = (what: 'requestBody' | 'responseBody'): readonly Filter[] => [
      filterOf({
        [what]: (...given: unknown[]) => {
          const sink = given.at(-1) as { fail(failure: unknown): void };
          return {
            push() {
              sink.fail(fail('filter_timeout', 'filter', { name: 'small', limitMs: 1 }));
              return true;
            },
            end() {},
          };
        },
      }),
    ];

    holds(
      'that fail before a response has begun are answered with their failure',
      () => failing('requestBody'),
      (world) => {
        const client = world.request({ method: 'POST', body: 'the body' });
        world.pass(20);
        assert.deepEqual([client.status, client.state], [503, 'whole']);
        const record = assertRecord(world, { end: 'generated', cause: 'filter_timeout', status: 503, attempts: 1 });
        assert.equal(record.attempts[0]?.failure?.cause, 'filter_timeout');
      },
      unbuffered,
    );

    holds(
      'that fail later leave a truncated response, never a completed one',
      () => failing('responseBody'),
      (world) => {
        world.endpoint('a').onRequest = (request) => request.answer(200, 'hello');
        const client = world.request({});
        world.pass(20);
        assert.equal(client.state, 'cut');
        assertRecord(world, { end: 'truncated', cause: 'filter_timeout', status: 200 });
      },
    );

    holds(
      'that fail when a held response is released leave it truncated',
      () => failing('responseBody'),
      (world) => {
        const client = world.request({});
        world.pass(20);
        const [arrived] = world.endpoint('a').arrived;
        arrived?.head(200, 10);
        arrived?.write('hello');
        world.pass(2);
        arrived?.write('world');
        world.pass(20);
        assert.deepEqual([client.state, client.body.length], ['cut', 0]);
        assertRecord(world, { end: 'truncated', cause: 'filter_timeout', status: 200 });
      },
    );

    holds(
      'of a response that breaks off are not completed',
      () => [filterOf({ responseBody: (exchange, _head, sink) => new Delaying(exchange, sink) })],
      (world) => {
        const client = world.request({});
        world.pass(20);
        const [arrived] = world.endpoint('a').arrived;
        arrived?.head(200, 100);
        arrived?.write('only this');
        world.pass(100);
        assert.equal(client.body.toString(), 'only this');
        arrived?.breakOff('reset');
        world.pass(100);
        assert.equal(client.state, 'cut');
        assertRecord(world, { end: 'truncated', cause: 'response_body_short', status: 200 });
      },
    );

    it('of a request are sent to another endpoint as long as none of the body has been asked for', () => {
      const world = create({ filters: [upperCase], endpoints: ['a', 'b'] });
      world.endpoint('a').accepts = 'refuses';
      world.endpoint('b').accepts = 'yes';
      world.endpoint('b').onRequest = () => {};
      const client = world.request({ method: 'PUT', body: 'again' });
      world.pass(50);
      const [arrived] = world.endpoint('b').arrived;
      assert.equal(arrived?.body.toString(), 'AGAIN');
      arrived?.answer(200, 'ok');
      world.pass(50);
      assert.equal(client.body.toString(), 'OK');
      world.pass(100);
      world.verifyAtRest();
    });

    holds(
      'of a request are not sent twice',
      upper,
      (world) => {
        for (const name of ['a', 'b']) world.endpoint(name).onRequest = (request) => request.breakOff('reset');
        const client = world.request({ method: 'PUT', expects: 20 });
        client.write('ten bytes.');
        world.pass(50);
        assert.equal(client.status, 502);
        const [record] = world.records;
        assert.deepEqual([record?.attempts.length, record?.delivery], [1, 'partial']);
        assert.equal(record?.attempts[0]?.retryReason, 'body_not_held');
      },
      { ...unbuffered, endpoints: ['a', 'b'] },
    );
  });
}
