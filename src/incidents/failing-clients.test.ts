import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CountedClient } from '../core/counters.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { IncidentTracker } from './incident-tracker.ts';
import { TopCounts } from './top-counts.ts';

test('of any number of clients the one with most is known, and never counted too high', () => {
  const counts = new TopCounts();
  for (let one = 0; one < 5000; one++) {
    counts.add(`10.0.${one >> 8}.${one & 255}`, 1);
    if (one % 2 === 0) counts.add('127.0.66.6', 1);
  }
  const { name, count } = counts.top ?? { name: '', count: 0 };
  assert.equal(name, '127.0.66.6');
  assert.ok(count > 2300 && count <= 2500, `${count}`);
});

const everyone = Array.from({ length: 12 }, (_, number) => `127.0.66.${number + 1}`);

/** A route with 40 requests each second of twelve clients; `failing`: whose requests fail besides from second 61 on. */
function play(failing: readonly CountedClient[], seconds = 400): IncidentTracker {
  const tracker = new IncidentTracker(0);
  for (let second = 1; second <= seconds; second++) {
    const answered = everyone
      .slice(0, 4)
      .map((_, at) =>
        sampleCount({ upstream: 'shop', route: 'cart', count: 10, client: everyone[(second + 3 * at) % 12] as string }),
      );
    const count = failing.reduce((sum, one) => sum + one.count, 0);
    const failed =
      second <= 60 || count === 0
        ? []
        : [
            sampleCount({
              upstream: 'shop',
              route: 'cart',
              count,
              clients: [...failing],
              shape: 'app_error',
              statusClass: '5xx',
            }),
          ];
    tracker.note({ exchanges: [...answered, ...failed], outcomes: [], staleReusesFailed: 0 }, second * 1000);
    tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
  }
  return tracker;
}

describe('a client that asks again and again for what fails', () => {
  test('is an incident that names it, once its failures are no chance', () => {
    const [incident] = play([{ client: '127.0.66.6', count: 2 }]).list(400_000);
    assert.equal(incident?.suspects[0]?.name, 'one_client');
  });
  test('is one where several clients fail as often together', () => {
    const some = everyone.slice(0, 2).map((client) => ({ client, count: 1 }));
    assert.equal(play(some).list(400_000).length, 1);
  });
  test('is named where there is an incident', () => {
    const [incident] = play([{ client: '127.0.66.6', count: 30 }], 90).list(91_000);
    assert.equal(incident?.suspects[0]?.name, 'one_client');
    assert.match(incident.suspects[0].sentence, /127\.0\.66\.6/);
  });
});

describe('requests that only say themselves that they are in a loop', () => {
  const looping = (clients: readonly CountedClient[], more: Partial<Parameters<typeof sampleCount>[0]> = {}) => {
    const tracker = new IncidentTracker(0);
    for (let second = 1; second <= 70; second++) {
      const count = clients.reduce((sum, one) => sum + one.count, 0);
      const failed = sampleCount({
        ...{ upstream: '', route: 'cart', count, clients: [...clients], whose: 'client' },
        ...{ cause: 'hops_exceeded', shape: 'refused_by_gateway', statusClass: '5xx' },
        ...more,
      });
      const exchanges = second > 60 ? [failed] : [];
      tracker.note({ exchanges, outcomes: [], staleReusesFailed: 0 }, second * 1000);
      tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
    }
    const [incident] = tracker.list(71_000);
    return [incident?.whose, incident?.suspects[0]?.name];
  };
  test('are those of the client that alone sends them', () => {
    const one = [{ client: '127.0.66.6', count: 5 }];
    assert.deepEqual(looping(one), ['client', 'one_client']);
    assert.deepEqual(looping(one, { cause: 'loop_detected' }), ['client', 'one_client']);
  });
  test('are a loop where many clients send them, or the route of the gateway is named', () => {
    assert.deepEqual(looping(everyone.map((client) => ({ client, count: 1 }))), ['operator', undefined]);
    const named = { cause: 'loop_detected', whose: 'operator' } as const;
    assert.deepEqual(looping([{ client: '127.0.0.1', count: 5 }], named), ['operator', undefined]);
  });
});
