import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Answer } from './api.ts';
import type { ExchangePage, FoundExchange } from './model.ts';
import { SearchRun } from './search-run.ts';

/** A store of exchanges whose ids are the numbers from `count` down to 1, and a clock that calls back when it is said. */
let count: number;
/** The most rows of each answer from now on: a store that has little time answers with few. */
let answerMax: number;
let failures: number;
let asked: Readonly<Record<string, string>>[];
let timers: (() => void)[];

beforeEach(() => {
  [count, answerMax, failures, asked, timers] = [10_000, 1000, 0, [], []];
});

const exchange = (id: number): FoundExchange => ({ id: String(id) }) as FoundExchange;

async function answer(parameters: Readonly<Record<string, string>>): Promise<Answer<ExchangePage>> {
  asked.push(parameters);
  if (failures > 0) {
    failures -= 1;
    return { kind: 'unreachable' };
  }
  const { limit = '', cursor = '', after } = parameters;
  const most = Math.min(Number(limit), answerMax);
  if (after !== undefined) {
    const ids = Array.from({ length: Math.min(most, count - Number(after)) }, (_, index) => Number(after) + 1 + index);
    return { kind: 'ok', value: { exchanges: ids.map(exchange), cursor: null, end: String(ids.at(-1) ?? after) } };
  }
  const from = cursor === '' ? count : Number(cursor);
  const ids = Array.from({ length: Math.min(most, from) }, (_, index) => from - index);
  const left = from - ids.length;
  return {
    kind: 'ok',
    value: { exchanges: ids.map(exchange), cursor: left === 0 ? null : String(left), end: String(count) },
  };
}

const started = (): SearchRun =>
  new SearchRun('status:5xx', answer, {
    wallTime: () => 0,
    after: (_ms, callback) => {
      timers.push(callback);
      return () => {};
    },
  });

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
};

async function passed(): Promise<void> {
  for (const callback of timers.splice(0)) callback();
  await settled();
}

/** Scrolls down until `rows` are known. */
async function scrolled(run: SearchRun, rows: number): Promise<void> {
  while (run.list.length < rows) {
    run.see(run.list.length - 50, run.list.length);
    await settled();
  }
}

const missing = (run: SearchRun, first: number, last: number): number[] =>
  Array.from({ length: last - first }, (_, offset) => first + offset).filter(
    (index) => run.list.at(index)?.id !== String(count - index),
  );

describe('a search', () => {
  test('brings rows that were released back in whole, though the store answers with few at a time', async () => {
    const run = started();
    await scrolled(run, 9000);
    assert.equal(run.list.at(100), null);
    answerMax = 30;
    run.see(90, 140);
    await settled();
    assert.deepEqual(missing(run, 0, 200), []);
  });

  test('asks again for what is seen after a failure, and keeps what it has', async () => {
    const run = started();
    await scrolled(run, 9000);
    const before = run.list.length;
    failures = 1;
    run.see(90, 140);
    await settled();
    assert.equal(run.list.length, before);
    assert.equal(run.list.at(100), null);
    await passed();
    assert.deepEqual(missing(run, 90, 140), []);
  });

  test('tells of a failure where it has nothing', async () => {
    const run = started();
    const seen: (string | undefined)[] = [];
    run.onChange = (failure) => void seen.push(failure?.kind);
    failures = 1;
    run.see(0, 50);
    await settled();
    assert.deepEqual(seen, ['unreachable']);
    assert.deepEqual(timers, []);
  });

  test('goes on until the screen is full, where pages come short', async () => {
    answerMax = 20;
    const run = started();
    run.see(0, 50);
    await settled();
    assert.ok(run.list.length >= 100, `${run.list.length} rows`);
    assert.deepEqual(missing(run, 0, 50), []);
  });

  test('asks for nothing more once another one is shown', async () => {
    answerMax = 20;
    const run = started();
    run.see(0, 50);
    run.stop();
    await settled();
    run.see(0, 50);
    await settled();
    assert.equal(asked.length, 1);
  });

  test('that is followed catches up with a full page at once, and then waits', async () => {
    const run = started();
    run.see(0, 50);
    await settled();
    count += 450;
    const stop = run.follow();
    for (let turn = 0; turn < 4; turn++) {
      await settled();
      await passed();
    }
    assert.deepEqual(missing(run, 0, 600), []);
    stop();
    await passed();
    assert.deepEqual(timers, []);
  });
});
