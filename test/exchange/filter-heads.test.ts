import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fail } from '#failures/failure.ts';
import type { Filter } from '../../src/core/filter.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import { assertRecord } from './cases.ts';
import { holdsIn, worlds } from './filter-worlds.ts';
import { Answering, Authorizing, filterOf, Noting, textAnswer, upperCase } from './test-filters.ts';

for (const [worldName, create] of worlds) {
  const holds = holdsIn(create);

  describe(`the head of a request, through filters between ${worldName}`, () => {
    const calls: string[] = [];
    holds(
      'passes filters in configured order, and its response in reverse',
      () => [new Noting('one', calls), new Noting('two', calls)],
      (world) => {
        calls.length = 0;
        world.endpoint('a').onRequest = (request) => request.answer(200, 'hello', { 'X-App': 'yes' });
        const client = world.request({});
        world.pass(20);
        assert.deepEqual(calls, ['request one', 'request two', 'response two', 'response one']);
        assert.deepEqual([client.status, client.body.toString()], [200, 'hello']);
        assert.deepEqual([client.header('x-passed'), client.header('x-app')], ['two, one', 'yes']);
        assert.equal(client.header('content-length'), '5', 'the length stays where no body is changed');
        assertRecord(world, { end: 'forwarded', status: 200, attempts: 1 });
        assert.equal(world.records[0]?.filterMs, -1, 'none has suspended it');
      },
    );

    const paths: string[] = [];
    holds(
      'shows a filter the normal form of its path, as routes are found by it',
      () => [
        filterOf({
          onRequestHead: (context) => {
            paths.push(context.path);
            return 'continue';
          },
        }),
      ],
      (world) => {
        paths.length = 0;
        world.endpoint('a').onRequest = (request) => request.answer(200, 'hello');
        world.request({ target: '/x/..//%61dmin%2Fkey?a=/%61' });
        world.pass(20);
        assert.deepEqual(paths, ['/admin%2Fkey']);
      },
    );

    holds(
      'may be answered by a filter: no endpoint is asked, and filters before it see the answer',
      () => [new Noting('one', calls), upperCase, new Answering(textAnswer(403, 'not here')), new Noting('two', calls)],
      (world) => {
        calls.length = 0;
        const client = world.request({});
        world.pass(20);
        assert.deepEqual(calls, ['request one', 'response one']);
        assert.deepEqual([client.status, client.body.toString(), client.state], [403, 'NOT HERE', 'whole']);
        assert.deepEqual([client.header('x-passed'), client.header('content-type')], ['one', 'text/plain']);
        assert.equal(client.header('x-request-id'), world.records[0]?.id);
        assert.equal(world.endpoint('a').arrived.length, 0);
        const record = assertRecord(world, { end: 'generated', status: 403, cause: null, attempts: 0 });
        assert.equal(record.bytesToClient, 8);
      },
    );

    holds(
      'may be refused by a filter with a failure, which is answered as every other one',
      () => [
        new Noting('one', calls),
        new Answering(fail('maintenance', 'route', { route: 'all', message: 'soon back', retryAfterS: 60 })),
      ],
      (world) => {
        const client = world.request({});
        world.pass(20);
        assert.deepEqual([client.status, client.header('retry-after')], [503, '60']);
        assert.equal(client.header('x-passed'), null, 'answers to failures do not pass filters');
        assertRecord(world, { end: 'generated', status: 503, cause: 'maintenance', attempts: 0 });
      },
    );

    holds(
      'may get another status and other headers on the way back',
      () => [
        filterOf({
          onResponseHead(_, head) {
            assert.equal(head.get('x-app'), 'yes');
            head.status = 418;
            head.remove('X-App');
            head.set('Server', 'none');
          },
        }),
      ],
      (world) => {
        world.endpoint('a').onRequest = (request) => request.answer(200, 'tea', { 'X-App': 'yes', Server: 'a' });
        const client = world.request({});
        world.pass(20);
        assert.deepEqual([client.status, client.header('x-app'), client.header('server')], [418, null, 'none']);
        assert.equal(client.body.toString(), 'tea');
        const record = assertRecord(world, { end: 'forwarded', status: 418 });
        assert.equal(record.statusReceived, 200);
      },
    );

    holds(
      'has no body where a filter makes a 304 of its response',
      () => [filterOf({ onResponseHead: (_, head) => void (head.status = 304) })],
      (world) => {
        world.endpoint('a').onRequest = (request) => request.answer(200, 'not changed');
        const first = world.request({}, { connection: 'one' });
        world.pass(20);
        const second = world.request({}, { connection: 'one' });
        world.pass(20);
        for (const client of [first, second])
          assert.deepEqual([client.status, client.body.length, client.state], [304, 0, 'whole']);
      },
    );
  });

  describe(`a request that a filter has suspended between ${worldName}`, () => {
    const suspended = (): readonly Filter[] => [new Authorizing()];
    const authorizing = ([filter]: readonly Filter[]): Authorizing => filter as Authorizing;

    holds('goes on when the filter says so, and the record shows how long it waited', suspended, (world, filters) => {
      world.endpoint('a').onRequest = (request) => request.answer(200, 'welcome');
      const client = world.request({ method: 'POST', body: 'the body' });
      world.pass(40);
      assert.equal(world.endpoint('a').arrived.length, 0);
      const [exchange] = authorizing(filters).asked;
      assert.equal(exchange?.getState(authorizing(filters)), 0, 'what a filter keeps of an exchange stays with it');
      authorizing(filters).decide('continue');
      world.pass(20);
      assert.deepEqual([client.status, client.body.toString()], [200, 'welcome']);
      assert.equal(world.endpoint('a').arrived[0]?.body.toString(), 'the body');
      const record = assertRecord(world, { end: 'forwarded', status: 200 });
      assert.ok(Math.abs((record.filterMs ?? 0) - 40) <= 5, `it waited ${record.filterMs} ms`);
    });

    holds('is answered when the filter says so, and asks no endpoint', suspended, (world, filters) => {
      const client = world.request({ method: 'POST', body: 'the body' });
      world.pass(20);
      authorizing(filters).decide(textAnswer(401, 'who are you?'));
      authorizing(filters).decide('continue');
      world.pass(20);
      assert.deepEqual([client.status, client.body.toString(), client.state], [401, 'who are you?', 'whole']);
      assert.equal(world.endpoint('a').arrived.length, 0);
      assertRecord(world, { end: 'generated', status: 401, cause: null, attempts: 0 });
    });

    holds(
      'is resumed by the filter that suspended it alone, one filter after the other',
      () => [new Authorizing(), new Authorizing()],
      (world, filters) => {
        const [first, second] = filters as [Authorizing, Authorizing];
        world.endpoint('a').onRequest = (request) => request.answer(200, 'welcome');
        const client = world.request({});
        world.pass(20);
        second.decide('continue');
        first.asked[0]?.resume(second, 'continue');
        assert.equal(second.asked.length, 0);
        first.decide('continue');
        assert.equal(second.asked.length, 1);
        first.decide('continue');
        world.pass(20);
        assert.equal(client.status, 0);
        second.decide('continue');
        world.pass(20);
        assert.equal(client.status, 200);
        assertRecord(world, { end: 'forwarded', status: 200 });
      },
    );

    const atOnce: Filter = filterOf({
      onRequestHead(exchange) {
        exchange.resume(atOnce, textAnswer(202, 'early'));
        return 'suspend';
      },
    });
    holds(
      'is not left waiting by a filter that decides before it suspends',
      () => [atOnce],
      (world) => {
        const client = world.request({});
        world.pass(20);
        assert.deepEqual([client.status, client.body.toString()], [202, 'early']);
      },
    );

    holds('ends when its client leaves, and the filter is told', suspended, (world, filters) => {
      const client = world.request({});
      world.pass(20);
      client.leave();
      world.pass(20);
      assert.equal(authorizing(filters).cancelled.length, 1);
      authorizing(filters).decide('continue');
      world.pass(20);
      assert.equal(world.endpoint('a').arrived.length, 0);
      const record = assertRecord(world, { end: 'abandoned', cause: 'client_gone', status: 0, attempts: 0 });
      assert.ok((record.filterMs ?? -1) >= 15, 'the wait is recorded');
    });

    holds(
      'is answered with 504 when the time for the exchange is over',
      suspended,
      (world, filters) => {
        const client = world.request({});
        world.pass(400);
        assert.equal(client.status, 504);
        assert.equal(authorizing(filters).cancelled.length, 1);
        authorizing(filters).decide(textAnswer(200, 'too late'));
        const { failure } = assertRecord(world, { end: 'generated', cause: 'exchange_timeout', status: 504 });
        assert.equal(failure?.stage, 'filter');
      },
      { timeouts: { exchangeMs: 300 } },
    );

    holds(
      'waits as long as its filter wants, if the filter limits its suspensions itself',
      () => [Object.assign(new Authorizing(), { limitsSuspension: true })],
      (world, filters) => {
        const client = world.request({});
        world.pass(60_000);
        assert.deepEqual([client.state, client.status], ['open', 0]);
        authorizing(filters).decide(textAnswer(200, 'at last'));
        world.pass(20);
        assert.equal(client.status, 200);
      },
    );

    holds('is answered with 503 when the filter takes longer than a response head may', suspended, (world, filters) => {
      const client = world.request({});
      world.pass(8100);
      assert.equal(client.status, 503);
      assert.equal(authorizing(filters).cancelled.length, 1);
      const { failure } = assertRecord(world, { end: 'generated', cause: 'filter_timeout', status: 503 });
      assert.deepEqual(failure?.evidence, { name: 'authorizing', limitMs: 8000 });
    });

    it('is answered with 503 when the gateway has no more time to drain', () => {
      const authorizer = new Authorizing();
      const exchanges: Exchange[] = [];
      const world = create({
        filters: [authorizer],
        createHandler(...given) {
          const exchange = new Exchange(...given);
          exchanges.push(exchange);
          return exchange;
        },
      });
      const client = world.request({});
      world.pass(20);
      const drained = fail('drained', 'response', { reason: 'gateway_stopping', what: 'request', retryAfterS: 1 });
      exchanges[0]?.onRequestFailed(drained);
      authorizer.decide('continue');
      world.pass(20);
      assert.deepEqual([client.status, client.state, authorizer.cancelled.length], [503, 'whole', 1]);
      assertRecord(world, { end: 'generated', cause: 'drained', status: 503, attempts: 0 });
      world.pass(100);
      world.verifyAtRest();
    });
  });

  describe(`a route without filters between ${worldName}`, () => {
    it('makes nothing for them', () => {
      const exchanges: Exchange[] = [];
      const world = create({
        createHandler(...given) {
          const exchange = new Exchange(...given);
          exchanges.push(exchange);
          return exchange;
        },
      });
      world.endpoint('a').onRequest = (request) => request.answer(200, 'hello');
      world.request({});
      world.pass(20);
      const [exchange] = exchanges as unknown as { filters: unknown; matchedRoute: { filters: unknown } }[];
      assert.deepEqual([exchange?.filters, exchange?.matchedRoute.filters], [null, null]);
    });
  });
}
