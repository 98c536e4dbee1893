import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NewExchange } from './segment.ts';
import { clock, exchangeOf, open, store, use } from './exchange-store.test-support.ts';

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

  test('are of each route those that 999 of 1,000 exchanges did not exceed, those included that a stored one stands for', () => {
    store.append([
      answered(1, 20, 600),
      answered(2, 30, 399),
      answered(3, 4000, 1),
      answered(4, 7, 50, { route: '/api' }),
      lineOf(
        5,
        {
          status: 504,
          shape: 'too_slow',
          cause: 'response_head_timeout',
          duration_ms: 5000,
          end: 'generated',
          delivery: 'sent_unknown',
        },
        { endpoint: 'shop/[::1]:1', cause: 'response_head_timeout', ended_ms: 5000 },
      ),
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
    const since = (number: number): number => clock.wallTime() - number * 1000;
    assert.deepEqual(store.responseTimes(), [
      { route: 'shop', answered: 1000, since: since(5), p999Ms: 30, longestMs: 4000, samples: 3, timedOut: 1 },
      { route: '/api', answered: 50, since: since(4), p999Ms: 7, longestMs: 7, samples: 1, timedOut: 0 },
    ]);
    store.append([answered(7, 4000, 1)]);
    assert.equal(store.responseTimes()[0]?.p999Ms, 4000);
  });

  test('are those of all files, whose templates have other numbers', () => {
    store.close();
    use(open({ keepAgeMs: 8 }));
    for (const [number, route] of ['/a', '/b', '/a'].entries()) {
      store.append([answered(number, 10, 10, { route }), answered(number + 10, 10, 1, { route: '/c' })]);
      clock.advanceSync(11_000);
      store.maintain();
    }
    assert.deepEqual(Object.fromEntries(store.responseTimes().map((one) => [one.route, one.answered])), {
      '/a': 20,
      '/b': 10,
      '/c': 3,
    });
  });
});
