import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { fail } from '#failures/failure.ts';
import type { Filter, FilterContext, FilterDecision, ResponseReplacement } from '../../src/core/filter.ts';
import type { ResponseHead } from '../../src/core/message.ts';
import { assertRecord } from './cases.ts';
import { holdsIn, worlds } from './filter-worlds.ts';
import { Noting, textAnswer } from './test-filters.ts';

/** Answers in place of endpoints whose response has X-Instead. */
class Replacing implements Filter {
  readonly name = 'replacing';
  readonly cancelled: FilterContext[] = [];
  readonly contexts: FilterContext[] = [];
  readonly #decide: ResponseReplacement;

  constructor(decide: ResponseReplacement) {
    this.#decide = decide;
  }

  replaceResponse(exchange: FilterContext, { headers }: ResponseHead): ResponseReplacement | null {
    if (!headers.has('x-instead')) return null;
    this.contexts.push(exchange);
    return this.#decide;
  }

  onCancelled(exchange: FilterContext): void {
    this.cancelled.push(exchange);
  }

  resume(decision: Exclude<FilterDecision, 'suspend'>): void {
    this.contexts.at(-1)?.resume(this, decision);
  }
}

const instead = { 'X-Instead': 'yes' };
const other: ResponseReplacement = () => textAnswer(203, 'another one');

for (const [worldName, create] of worlds) {
  const holds = holdsIn(create);

  describe(`a filter that answers in place of an endpoint's response, between ${worldName}`, () => {
    const calls: string[] = [];
    holds(
      'has its answer pass all filters, also itself and those nearer to the endpoint',
      () => [new Noting('one', calls), new Replacing(other), new Noting('two', calls)],
      (world) => {
        world.endpoint('a').onRequest = (request) => request.answer(200, 'dropped', instead);
        const client = world.request({});
        world.pass(20);
        assert.deepEqual([client.status, client.body.toString(), client.state], [203, 'another one', 'whole']);
        assert.deepEqual([client.header('x-passed'), client.header('x-instead')], ['two, one', null]);
        const record = assertRecord(world, { end: 'generated', status: 203, cause: null, attempts: 1 });
        assert.deepEqual([record.attempts[0]?.status, record.attempts[0]?.failure], [200, null]);
      },
    );

    holds(
      'leaves other responses as they are',
      () => [new Replacing(other)],
      (world) => {
        world.endpoint('a').onRequest = (request) => request.answer(200, 'hello');
        const client = world.request({});
        world.pass(20);
        assert.deepEqual([client.status, client.body.toString()], [200, 'hello']);
        assertRecord(world, { end: 'forwarded', status: 200, cause: null, attempts: 1 });
      },
    );

    holds(
      'may take its time, and the response is waited for no longer than that',
      () => [new Replacing(() => 'suspend')],
      (world, [filter]) => {
        const replacing = filter as Replacing;
        world.endpoint('a').onRequest = (request) => request.answer(200, 'dropped', instead);
        const client = world.request({});
        world.pass(20);
        assert.equal(client.state, 'open');
        replacing.resume(textAnswer(200, 'late'));
        replacing.resume(textAnswer(200, 'later'));
        world.pass(20);
        assert.deepEqual([client.body.toString(), replacing.cancelled.length], ['late', 0]);
      },
    );

    holds(
      'may decide before it has said that it takes its time',
      () => {
        const replacing: Replacing = new Replacing(() => {
          replacing.resume(textAnswer(200, 'at once'));
          return 'suspend';
        });
        return [replacing];
      },
      (world) => {
        world.endpoint('a').onRequest = (request) => request.answer(200, 'dropped', instead);
        const client = world.request({});
        world.pass(20);
        assert.equal(client.body.toString(), 'at once');
      },
    );

    holds(
      'may fail the exchange',
      () => [new Replacing(() => fail('maintenance', 'route', { route: 'all', message: '', retryAfterS: 60 }))],
      (world) => {
        world.endpoint('a').onRequest = (request) => request.answer(200, 'dropped', instead);
        const client = world.request({});
        world.pass(20);
        assert.deepEqual([client.status, client.header('retry-after')], [503, '60']);
        const record = assertRecord(world, { end: 'generated', status: 503, cause: 'maintenance', attempts: 1 });
        assert.equal(record.attempts[0]?.failure, null);
      },
    );

    const breaks = (): never => {
      throw new Error('broken');
    };
    for (const [what, replaceResponse] of [
      ['sees the response', breaks],
      ['is to answer', () => breaks],
    ] as const)
      holds(
        `ends its own exchange alone if it throws when it ${what}`,
        () => [{ name: 'broken', replaceResponse }],
        (world) => {
          world.endpoint('a').onRequest = (request) => request.answer(200, 'dropped', instead);
          const client = world.request({});
          world.pass(20);
          assert.deepEqual([client.status, client.state], [500, 'whole']);
          assertRecord(world, { end: 'generated', status: 500, cause: 'gateway_fault' });
        },
      );

    holds(
      'cannot take it back',
      () => [new Replacing(() => 'suspend')],
      (world, [filter]) => {
        world.endpoint('a').onRequest = (request) => request.answer(200, 'dropped', instead);
        const client = world.request({});
        world.pass(20);
        (filter as Replacing).resume('continue');
        world.pass(20);
        assert.deepEqual([client.status, world.endpoint('a').arrived.length], [500, 1]);
        assertRecord(world, { end: 'generated', status: 500, cause: 'gateway_fault' });
      },
    );

    holds(
      'is told if the client leaves meanwhile',
      () => [new Replacing(() => 'suspend')],
      (world, [filter]) => {
        world.endpoint('a').onRequest = (request) => request.answer(200, 'dropped', instead);
        const client = world.request({});
        world.pass(20);
        client.leave();
        world.pass(20);
        assert.equal((filter as Replacing).cancelled.length, 1);
        assertRecord(world, { end: 'abandoned', cause: 'client_gone', attempts: 1 });
      },
    );

    holds(
      'is not asked if the client leaves before the response has ended',
      () => [new Replacing(other)],
      (world) => {
        world.endpoint('a').onRequest = (request) => request.head(200, 10, instead);
        const client = world.request({});
        world.pass(20);
        client.leave();
        world.pass(400);
        assert.equal(client.status, 0);
        assertRecord(world, { end: 'abandoned', cause: 'client_gone', attempts: 1 });
      },
    );

    for (const [what, rest] of [
      ['takes too long', 0],
      ['is too long', 100_000],
    ] as const)
      holds(
        `does not wait for a response that ${what}`,
        () => [new Replacing(other)],
        (world) => {
          world.endpoint('a').onRequest = (request) => {
            request.head(200, 1_000_000, instead);
            request.write(Buffer.alloc(rest));
          };
          const client = world.request({});
          world.pass(20);
          assert.equal(client.status, rest === 0 ? 0 : 203);
          world.pass(300);
          assert.equal(client.body.toString(), 'another one');
          assert.equal(world.endpoint('a').arrived[0]?.gone, true);
          assertRecord(world, { end: 'generated', status: 203, cause: null, attempts: 1 });
        },
      );

    holds(
      'does not care how a response ends that it replaces',
      () => [new Replacing(other)],
      (world) => {
        world.endpoint('a').onRequest = (request) => {
          request.head(200, 10, instead);
          request.breakOff('reset');
        };
        const client = world.request({});
        world.pass(20);
        assert.equal(client.body.toString(), 'another one');
        const record = assertRecord(world, { end: 'generated', status: 203, cause: null, attempts: 1 });
        assert.equal(record.attempts[0]?.failure, null);
      },
    );

    holds(
      'does not wait for a response to a request that has not ended',
      () => [new Replacing(other)],
      (world) => {
        world.endpoint('a').onRequest = (request) => request.head(200, 10, instead);
        const client = world.request({ method: 'POST', expects: 200_000 });
        client.write('x'.repeat(1000));
        world.pass(50);
        assert.deepEqual([client.status, client.body.toString()], [203, 'another one']);
        client.leave();
        world.pass(50);
      },
      { buffer: { requestBytesMax: 0 } },
    );

    holds(
      'answers in place of the response that a retry has got',
      () => [new Replacing(other)],
      (world) => {
        let asked = 0;
        for (const name of ['a', 'b'])
          world.endpoint(name).onRequest = (request) =>
            asked++ === 0 ? request.answer(503, 'busy') : request.answer(200, 'dropped', instead);
        const client = world.request({});
        world.pass(50);
        assert.deepEqual([client.status, client.body.toString()], [203, 'another one']);
        assertRecord(world, { end: 'generated', status: 203, cause: null, attempts: 2 });
      },
      { endpoints: ['a', 'b'], attemptsMax: 2, retry: { statuses: [503] } },
    );

    holds(
      'fails the exchange, and does not bring back a response that was retried',
      () => [new Replacing(() => fail('maintenance', 'route', { route: 'all', message: '', retryAfterS: 60 }))],
      (world) => {
        let asked = 0;
        for (const name of ['a', 'b'])
          world.endpoint(name).onRequest = (request) =>
            asked++ === 0 ? request.answer(500, 'broken') : request.answer(200, 'dropped', instead);
        const client = world.request({});
        world.pass(50);
        assert.equal(client.status, 503);
        assertRecord(world, { end: 'generated', status: 503, cause: 'maintenance', attempts: 2 });
      },
      { endpoints: ['a', 'b'], attemptsMax: 2, retry: { statuses: [500] } },
    );
  });
}
