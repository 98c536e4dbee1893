import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndedExchange } from '../core/exchange.ts';
import { EndedExchanges } from './ended-exchanges.ts';

const exchange = (id: string): EndedExchange => ({ id }) as EndedExchange;

describe('EndedExchanges', () => {
  it('writes down each exchange once, in order, at the end of the turn', () => {
    const turns: (() => void)[] = [];
    const written: string[] = [];
    const ended = new EndedExchanges(
      (run) => turns.push(run),
      ({ id }) => written.push(id),
    );
    for (const id of ['a', 'b', 'c']) ended.add(exchange(id));
    assert.deepEqual([written, ended.waiting, turns.length], [[], 3, 1]);
    turns.shift()?.();
    assert.deepEqual([written, ended.waiting], [['a', 'b', 'c'], 0]);
    ended.add(exchange('d'));
    assert.equal(turns.length, 1);
    turns.shift()?.();
    assert.deepEqual(written, ['a', 'b', 'c', 'd']);
  });

  it('writes them down earlier for who asks, and not again', () => {
    const turns: (() => void)[] = [];
    const written: string[] = [];
    const ended = new EndedExchanges(
      (run) => turns.push(run),
      ({ id }) => written.push(id),
    );
    ended.add(exchange('a'));
    ended.writeAll();
    ended.add(exchange('b'));
    for (const turn of turns) turn();
    assert.deepEqual(written, ['a', 'b']);
  });

  it('stands it when writing asks for what waits, or ends another exchange', () => {
    const turns: (() => void)[] = [];
    const written: string[] = [];
    const ended: EndedExchanges = new EndedExchanges(
      (run) => turns.push(run),
      ({ id }) => {
        written.push(id);
        if (id === 'a') ended.add(exchange('late'));
        ended.writeAll();
      },
    );
    for (const id of ['a', 'b']) ended.add(exchange(id));
    for (const turn of turns) turn();
    assert.deepEqual(written.toSorted(), ['a', 'b', 'late']);
    assert.equal(ended.waiting, 0);
  });
});
