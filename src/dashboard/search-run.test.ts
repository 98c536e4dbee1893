import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Answer } from './api.ts';
import type { StoreFailingJson } from '../core/schemas/values.ts';
import type { ExchangePage, FoundExchange } from './model.ts';
import { SearchRun } from './search-run.ts';

/** A store of exchanges whose ids are the numbers from `count` down to 1, and a clock that calls back when it is said. */
let count: number;
/** The most rows of each answer from now on: a store that has little time answers with few. */
let answerMax: number;
let failures: number;
let asked: Readonly<Record<string, string>>[];
let timers: (() => void)[];
/** What each question was asked with, in their order. */
let signals: AbortSignal[];
/** What each answer says of the store. */
let storeFailing: StoreFailingJson | null;
/** Questions are answered when their turn comes. Null: at once. */
let turns: (() => void)[] | null;

beforeEach(() => {
  [count, answerMax, failures, asked, timers, signals, turns] = [10_000, 1000, 0, [], [], [], null];
  storeFailing = null;
});

const exchange = (id: number): FoundExchange => ({ id: String(id) }) as FoundExchange;

async function answer(
  parameters: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer<ExchangePage>> {
  asked.push(parameters);
  signals.push(signal);
  if (turns !== null) await new Promise<void>((resolve) => turns?.push(resolve));
  if (failures > 0) {
    failures -= 1;
    return { kind: 'unreachable' };
  }
  const { limit = '', cursor = '', after } = parameters;
  const most = Math.min(Number(limit), answerMax);
  if (after !== undefined) {
    const ids = Array.from({ length: Math.min(most, count - Number(after)) }, (_, index) => Number(after) + 1 + index);
    const end = String(ids.at(-1) ?? after);
    return { kind: 'ok', value: { exchanges: ids.map(exchange), cursor: null, end, store_failing: storeFailing } };
  }
  const from = cursor === '' ? count : Number(cursor);
  const ids = Array.from({ length: Math.min(most, from) }, (_, index) => from - index);
  const left = from - ids.length;
  return {
    kind: 'ok',
    value: {
      exchanges: ids.map(exchange),
      ...{ cursor: left === 0 ? null : String(left), end: String(count), store_failing: storeFailing },
    },
  };
}

const started = (): SearchRun =>
  new SearchRun('status:5xx', answer, {
    wallTime: () => 0,
    after: (_ms, callback) => {
      timers.push(callback);
      return () => {
        timers = timers.filter((one) => one !== callback);
      };
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

  test('tells of a failure beside what it has, asks again only after a while, and tells that it is over', async () => {
    const run = started();
    await scrolled(run, 9000);
    const seen: (string | null)[] = [];
    run.onChange = (failure) => {
      seen.push(failure?.kind ?? null);
      // As the list does whenever it is drawn.
      run.see(90, 140);
    };
    failures = 1;
    const before = asked.length;
    run.see(90, 140);
    await settled();
    assert.deepEqual([seen, asked.length - before], [['unreachable'], 1]);
    await passed();
    assert.equal(seen.at(-1), null);
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

  test('is not changed by an answer that comes after it was stopped, and aborts the question', async () => {
    turns = [];
    const run = started();
    let changes = 0;
    run.onChange = () => void (changes += 1);
    run.see(0, 50);
    run.follow();
    await settled();
    run.stop();
    assert.equal(signals[0]?.aborted, true);
    for (const turn of turns) turn();
    await settled();
    assert.deepEqual([run.list.length, changes], [0, 0]);
    await passed();
    assert.deepEqual(timers, []);
  });

  test('that is followed once more has each new row once, whichever answer comes first', async () => {
    for (const isEarlierLate of [true, false]) {
      [count, turns] = [10_000, null];
      const run = started();
      run.see(0, 50);
      await settled();
      [count, turns] = [count + 10, []];
      const stop = run.follow();
      await settled();
      stop();
      run.follow();
      await settled();
      assert.equal(turns.length, 2);
      for (const turn of isEarlierLate ? turns.toReversed() : turns) {
        turn();
        await settled();
      }
      assert.equal(run.list.newerCount, 10);
      assert.deepEqual(missing(run, 0, 60), []);
      run.stop();
    }
  });

  test('that is followed tells of a failure, and goes on', async () => {
    const run = started();
    run.see(0, 50);
    await settled();
    const seen: (string | null)[] = [];
    run.onChange = (failure) => void seen.push(failure?.kind ?? null);
    failures = 1;
    count += 1;
    const stop = run.follow();
    await settled();
    assert.deepEqual(seen, ['unreachable']);
    await passed();
    assert.deepEqual([seen.at(-1), run.list.newerCount], [null, 1]);
    stop();
    assert.deepEqual(timers, []);
  });

  test('that is followed tells when the store begins to fail, and when it is written again, though nothing new has come', async () => {
    const run = started();
    run.see(0, 50);
    await settled();
    assert.equal(run.storeFailing, null);
    const seen: (string | null)[] = [];
    run.onChange = () => void seen.push(run.storeFailing?.since ?? null);
    const stop = run.follow();
    await settled();
    storeFailing = { since: '2026-11-25T12:04:05.000Z', reason: 'The disk is full.' };
    await passed();
    await passed();
    storeFailing = null;
    await passed();
    await passed();
    assert.deepEqual(seen, ['2026-11-25T12:04:05.000Z', null]);
    stop();
  });

  test('tells with its first page that the store fails', async () => {
    storeFailing = { since: '2026-11-25T12:04:05.000Z', reason: 'The disk is full.' };
    const run = started();
    run.see(0, 50);
    await settled();
    assert.equal(run.storeFailing, storeFailing);
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

  test('is not finished while answers end before they are full', async () => {
    [count, answerMax] = [60, 25];
    const run = started();
    run.see(0, 5);
    await settled();
    assert.deepEqual([run.list.length, run.list.isComplete, run.isUnfinished], [25, false, true]);
    run.see(20, 25);
    await settled();
    run.see(45, 50);
    await settled();
    assert.deepEqual([run.list.length, run.list.isComplete, run.isUnfinished], [60, true, false]);
  });
});
