import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NewExchange } from './segment.ts';
import { clock, exchangeOf, open, store, storeForEachTest, use } from './exchange-store.test-support.ts';
import { slicesOf } from './response-times.ts';

storeForEachTest();

describe('the times of responses', () => {
  const lineOf = (number: number, more: object, attempt: object): NewExchange => {
    const id = `019aa5d2-5f1c-7c3e-9f0b-${String(number).padStart(12, '0')}`;
    const at = new Date(clock.wallTime() - number * 1000).toISOString();
    const client = { address: '192.0.2.7', port: 1 };
    const line = {
      v: 1,
      id,
      at,
      process: 'k3f9xa',
      revision: 3,
      client,
      host: 'a',
      path: '/',
      attempts: [attempt],
      ...more,
    };
    return exchangeOf(JSON.stringify(line));
  };
  const answered = (number: number, headMs: number, standsFor: number, more: object = {}): NewExchange => ({
    ...lineOf(
      number,
      { status: 200, duration_ms: headMs + 500, ...more },
      { endpoint: 'shop/[::1]:1', sent_ms: 2, head_ms: headMs + 2 },
    ),
    standsFor,
  });

  const timedOut = (number: number, more: object = {}): NewExchange => {
    const cause = 'response_head_timeout';
    const ended = { duration_ms: 5000, end: 'generated', delivery: 'sent_unknown' };
    return lineOf(
      number,
      { status: 504, shape: 'too_slow', cause, ...ended, ...more },
      { endpoint: 'shop/[::1]:1', cause, ended_ms: 5000 },
    );
  };
  const hour = 3_600_000;
  const since = (number: number): number => clock.wallTime() - number * 1000;
  const shop = { route: 'shop' };
  const well = (lastHourP99Ms: number) => ({ wellHours: 1, isTroubled: false, lastHourP99Ms });
  const troubled = { wellHours: 0, isTroubled: true, lastHourP99Ms: 30 };

  test('are of each route those that 999 of 1,000 exchanges did not exceed, those included that a stored one stands for', () => {
    store.append([
      answered(1, 20, 600),
      answered(2, 30, 399),
      answered(3, 4000, 1),
      answered(4, 7, 50, { route: '/api' }),
      timedOut(5),
      lineOf(
        6,
        {
          status: 502,
          shape: 'reset',
          cause: 'connect_refused',
          duration_ms: 1,
          end: 'generated',
          delivery: 'not_sent',
        },
        { endpoint: 'shop/[::1]:1' },
      ),
    ]);
    assert.deepEqual(store.responseTimes([]), [
      // The timeout is of the same hour.
      { ...shop, answered: 0, since: clock.wallTime(), p999Ms: 0, longestMs: 0, samples: 0, timedOut: 1, ...troubled },
      { route: '/api', answered: 50, since: since(4), p999Ms: 7, longestMs: 7, samples: 1, timedOut: 0, ...well(7) },
    ]);
    clock.advanceSync(3 * hour);
    store.append([answered(7, 20, 600), answered(8, 30, 399), answered(9, 4000, 1)]);
    const [times] = store.responseTimes([]);
    const figures = { answered: 1000, since: since(9), p999Ms: 30, longestMs: 4000, samples: 3, timedOut: 1 };
    assert.deepEqual(times, { ...shop, ...figures, ...well(30) });
    store.append([answered(10, 4000, 1)]);
    assert.equal(store.responseTimes([])[0]?.p999Ms, 4000);
  });

  test('are of well hours alone: without an incident or a timeout of the route within an hour', () => {
    const start = clock.wallTime();
    for (const [turn, ms] of [20, 20, 9000, 20, 20].entries()) {
      store.append([answered(turn + 1, ms, 100), answered(turn + 11, ms, 100, { route: '/api' })]);
      if (turn === 2) store.append([timedOut(21, { route: '/api' })]);
      clock.advanceSync(hour);
    }
    const hoursOf = (incidents: Parameters<typeof store.responseTimes>[0]) =>
      Object.fromEntries(
        store.responseTimes(incidents).map((one) => [one.route, [one.wellHours, one.longestMs, one.timedOut]]),
      );
    assert.deepEqual(hoursOf([]), { shop: [5, 9000, 0], '/api': [2, 20, 1] });
    const incident = { from: start + 1.5 * hour, until: start + 1.9 * hour };
    assert.deepEqual(hoursOf([incident]), { shop: [2, 20, 0], '/api': [2, 20, 0] });
    assert.deepEqual(hoursOf([{ from: start - hour, until: clock.wallTime() }])['shop'], [0, 0, 0]);
  });

  test('are those of all files, whose templates have other numbers', () => {
    store.close();
    use(open({ keepAgeMs: 8 }));
    for (const [number, route] of ['/a', '/b', '/a'].entries()) {
      store.append([answered(number, 10, 10, { route }), answered(number + 10, 10, 1, { route: '/c' })]);
      clock.advanceSync(11_000);
      store.maintain();
    }
    assert.deepEqual(Object.fromEntries(store.responseTimes([]).map((one) => [one.route, one.answered])), {
      '/a': 20,
      '/b': 10,
      '/c': 3,
    });
  });
});

describe('slices of rows', () => {
  const rowsOf = (slices: ReturnType<typeof slicesOf>) =>
    slices.reduce((sum, { after, last }) => sum + last - after, 0);

  test('are all rows of small files, each once, the newest first', () => {
    const slices = slicesOf([300, 0, 10]);
    assert.deepEqual(slices[0], { file: 2, after: 0, last: 10 });
    assert.equal(rowsOf(slices), 310);
  });

  test('of large files are few, and each beginning of them is spread evenly over all', () => {
    const slices = slicesOf([1_000_000, 3_000_000]);
    assert.ok(slices.length <= 302 && rowsOf(slices) === slices.length * 256);
    const first = slices.slice(0, 32);
    assert.equal(first.filter(({ file }) => file === 0).length, 8);
    for (let quarter = 0; quarter < 4; quarter++)
      assert.ok(first.some(({ file, last }) => file === 1 && Math.floor(last / 750_001) === quarter));
  });
});
