import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Filter } from '../../src/core/filter.ts';
import { worlds } from './filter-worlds.ts';
import { Answering, filterOf, textAnswer } from './test-filters.ts';

for (const [worldName, create] of worlds) {
  describe(`a filter that throws between ${worldName}`, () => {
    const boom = (): never => {
      throw new TypeError('boom');
    };
    const throwing: readonly (readonly [name: string, filter: Filter, status: number])[] = [
      ['at the request head', filterOf({ onRequestHead: boom }), 500],
      ['at the response head', filterOf({ onResponseHead: boom }), 500],
      ['when it makes a transform of the request', filterOf({ requestBody: boom }), 500],
      ['when it makes a transform of the response', filterOf({ responseBody: boom }), 500],
      ['in a transform of the request', filterOf({ requestBody: () => ({ push: boom, end: boom }) }), 500],
      ['in a transform of the response', filterOf({ responseBody: () => ({ push: boom, end: boom }) }), 200],
      ['at the end of a body', filterOf({ requestBody: () => ({ push: () => true, end: boom }) }), 500],
      ['by a header that ends its line', filterOf({ onResponseHead: (_, head) => head.add('X', 'a\r\nb: c') }), 500],
      ['by a length of its own', filterOf({ onResponseHead: (_, head) => head.set('Content-Length', '1') }), 500],
      ['by a status that is none', filterOf({ onResponseHead: (_, head) => void (head.status = 99) }), 500],
      ['by an answer that is none', new Answering(textAnswer(101, '')), 500],
    ];
    for (const [name, filter, status] of throwing) {
      it(`${name} ends its own exchange, and no other`, () => {
        let throws = true;
        const sometimes: Filter = {
          name: 'sometimes',
          onRequestHead: (exchange) => (throws ? (filter.onRequestHead?.(exchange) ?? 'continue') : 'continue'),
          onResponseHead: (exchange, head) => (throws ? filter.onResponseHead?.(exchange, head) : undefined),
          requestBody: (exchange, sink) => (throws ? (filter.requestBody?.(exchange, sink) ?? null) : null),
          responseBody: (exchange, head, sink) =>
            throws ? (filter.responseBody?.(exchange, head, sink) ?? null) : null,
        };
        const world = create({ filters: [sometimes] });
        world.endpoint('a').onRequest = (request) => request.whole && request.answer(200, 'hello');
        const first = world.request({ method: 'POST', body: 'body' });
        world.pass(20);
        if (world.records.length === 0) world.endpoint('a').arrived[0]?.answer(200, 'hello');
        world.pass(50);
        throws = false;
        const second = world.request({ method: 'POST', body: 'body' });
        world.pass(20);
        world.endpoint('a').arrived.at(-1)?.answer(200, 'hello');
        world.pass(50);
        assert.deepEqual([first.status, first.state], [status, status === 500 ? 'whole' : 'cut']);
        assert.deepEqual([second.status, second.body.toString()], [200, 'hello']);
        const [record] = world.records;
        assert.equal(record?.failure?.cause, 'gateway_fault');
        world.pass(100);
        world.verifyAtRest();
      });
    }
  });
}
