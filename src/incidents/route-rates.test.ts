import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExchangeCount } from '../core/counters.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { incidentSentence } from './incident-sentence.ts';
import { IncidentTracker } from './incident-tracker.ts';

const routes = Array.from({ length: 12 }, (_, number) => `route-${number}`);

interface Play {
  readonly seconds: number;
  readonly perS: number;
  /** Of the requests of the first route in a second. */
  readonly share: (second: number) => number;
  /** Of the requests of the other routes; 0 by default. */
  readonly elsewhere?: number;
  readonly seed?: number;
}

interface Played {
  /** 'opened 93', 'resolved 200'. */
  readonly told: readonly string[];
  /** Requests of the first route until the incident opened, since its failures began. */
  readonly requestsUntilOpen: number | null;
  readonly firstFailure: number | null;
  readonly tracker: IncidentTracker;
}

/** Requests to twelve routes, of which some fail with 500. */
function play({ seconds, perS, share, elsewhere = 0, seed = 1 }: Play): Played {
  const random = new SeededRandom(seed);
  const tracker = new IncidentTracker(0);
  const told: string[] = [];
  let [requests, requestsUntilOpen, firstFailure] = [0, null as number | null, null as number | null];
  for (let second = 1; second <= seconds; second++) {
    const exchanges: ExchangeCount[] = [];
    for (const [index, route] of routes.entries()) {
      const count = countOf(perS / routes.length, random);
      const failing = index === 0 ? share(second) : elsewhere;
      let failed = 0;
      for (let one = 0; one < count; one++) if (random.next() < failing) failed += 1;
      if (index === 0 && failing > 0) requests += count;
      if (index === 0 && failed > 0) firstFailure ??= second;
      if (count > failed) exchanges.push(sampleCount({ upstream: 'shop', route, count: count - failed }));
      if (failed > 0)
        exchanges.push(sampleCount({ upstream: 'shop', route, count: failed, shape: 'app_error', statusClass: '5xx' }));
    }
    tracker.note({ exchanges, outcomes: [], staleReusesFailed: 0 }, second * 1000);
    for (const { kind } of tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }))) {
      if (kind === 'grown') continue;
      told.push(`${kind} ${second}`);
      if (kind === 'opened') requestsUntilOpen ??= requests;
    }
  }
  return { told, requestsUntilOpen, firstFailure, tracker };
}

function countOf(mean: number, random: SeededRandom): number {
  const whole = Math.floor(mean);
  return whole + (random.next() < mean - whole ? 1 : 0);
}

describe('3 % of the requests of one of twelve routes, after 75 s without a failure', () => {
  const failing = (until: number) => (second: number) => (second > 75 && second <= until ? 0.03 : 0);

  test('are an incident after at most 500 requests of the route', () => {
    const needed = [1, 2, 3, 4, 5].map((seed) => play({ seconds: 475, perS: 100, share: failing(475), seed }));
    for (const { requestsUntilOpen } of needed)
      assert.ok((requestsUntilOpen ?? Infinity) <= 500, `${requestsUntilOpen}`);
  });

  test('are one incident that is not over while they go on', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { told } = play({ seconds: 475, perS: 100, share: failing(475), seed });
      assert.deepEqual(
        told.map((one) => one.split(' ')[0]),
        ['opened'],
        told.join(),
      );
    }
  });

  test('begin with their first failure, although others came between', () => {
    const { tracker, firstFailure } = play({ seconds: 200, perS: 100, share: failing(200), seed: 2 });
    assert.equal(Math.floor((tracker.list(200_000)[0]?.startedAt ?? 0) / 1000), firstFailure);
  });

  test('are over when five failures are missed, a minute after the last one at the earliest', () => {
    const { told } = play({ seconds: 500, perS: 100, share: failing(200), seed: 3 });
    const [, over = ''] = told;
    assert.match(over, /^resolved 2[5-9][0-9]|resolved 3[0-9][0-9]$/, told.join());
  });
});

describe('requests of one route that all fail, and then 4 % of them', () => {
  const rarer = (tracker: IncidentTracker, second: number) => {
    const [incident] = tracker.list(second * 1000);
    assert.equal(incident?.resolvedAt, null);
    return {
      ...incident.rarer,
      sentence: /It fails more rarely now: \S+ % of \S+\./.exec(incidentSentence(incident))?.[0],
    };
  };
  const shareAt = (second: number): number => (second <= 75 ? 0 : second <= 100 ? 1 : 0.04);

  test('fail more rarely, which is no end, and the route is named with its share', () => {
    const { told, tracker } = play({ seconds: 300, perS: 240, share: shareAt });
    assert.deepEqual(
      told.map((one) => one.split(' ')[0]),
      ['opened'],
    );
    const { route, share = 0, sentence } = rarer(tracker, 300);
    assert.equal(route, 'route-0');
    assert.ok(share > 0.01 && share < 0.08, `${share}`);
    assert.equal(sentence, `It fails more rarely now: ${Math.round(share * 100)} % of route-0.`);
  });

  test('are not called rarer while as many fail as at first, nor when none fails any more', () => {
    const still = play({ seconds: 300, perS: 240, share: (second) => (second > 75 ? 0.4 : 0) });
    assert.deepEqual(rarer(still.tracker, 300), { sentence: undefined });
    for (const seconds of [102, 105, 110, 120, 140]) {
      const ended = play({ seconds, perS: 240, share: (second) => (second > 75 && second <= 100 ? 1 : 0) });
      assert.deepEqual(rarer(ended.tracker, seconds), { sentence: undefined }, `${seconds}`);
    }
  });

  test('are not called rarer soon after few of them have failed for a minute, nor where as few fail as ever', () => {
    const few = (until: number) => (second: number) => (second > 75 && second <= until ? 0.15 : 0);
    for (let seed = 1; seed <= 6; seed++) {
      const called = [140, 145, 150, 160, 170].filter((seconds) => {
        const { tracker } = play({ seconds, perS: 60, share: few(135), seed });
        return tracker.list(seconds * 1000)[0]?.rarer !== undefined;
      });
      assert.deepEqual(called, [], `seed ${seed}`);
      const { tracker } = play({ seconds: 160, perS: 60, share: (second) => (second > 75 ? 0.05 : 0), seed });
      assert.equal(tracker.list(160_000)[0]?.rarer, undefined, `seed ${seed}`);
    }
  });
});

describe('a quiet route of an upstream without failures', () => {
  test('is found at 3 % within two minutes, because the other routes show how seldom it may fail', () => {
    const share = (second: number): number => (second > 75 ? 0.03 : 0);
    const found = [1, 2, 3, 4, 5, 6].map((seed) => play({ seconds: 190, perS: 60, share, seed }).told.length);
    assert.ok(found.filter((told) => told > 0).length >= 5, found.join());
  });

  test('may fail more often than they do from the first minute on: 0.5 %', () => {
    for (const seed of [1, 2, 3])
      assert.deepEqual(play({ seconds: 1200, perS: 60, share: () => 0.005, seed }).told, [], `seed ${seed}`);
  });
});

test('a route that fails wholly is an incident after a few requests', () => {
  const { requestsUntilOpen } = play({ seconds: 120, perS: 12, share: (second) => (second > 75 ? 1 : 0) });
  assert.ok((requestsUntilOpen ?? Infinity) <= 5, `${requestsUntilOpen}`);
});

test('four failures within four seconds, of a route with two requests a second, are no incident: a database was slow', () => {
  const clump = (second: number) => (second % 600 > 300 && second % 600 <= 302 ? 1 : 0);
  const { told } = play({ seconds: 3000, perS: 24, share: clump, seed: 3 });
  assert.deepEqual(told, []);
});

test('failures as many as before are no incident, whatever their share: 0.1 %, 1 %, 2 %', () => {
  for (const share of [0.001, 0.01, 0.02]) {
    const { told } = play({ seconds: 3600, perS: 60, share: () => share, elsewhere: share, seed: 7 });
    assert.deepEqual(told, [], `${share}`);
  }
});

test('twice as many as an hour before are one', () => {
  const { told } = play({ seconds: 5000, perS: 120, share: (second) => (second > 3700 ? 0.04 : 0.01), seed: 5 });
  assert.match(told[0] ?? '', /^opened (3[78]|39)/, told.join());
});

test('requests that fail because a pause is not ended are an incident of the operator', () => {
  const tracker = new IncidentTracker(0);
  const refused = {
    shape: 'refused_by_gateway',
    cause: 'pause_timeout',
    whose: 'operator',
    statusClass: '5xx',
  } as const;
  for (let second = 1; second <= 60; second++) {
    const exchange = sampleCount({ upstream: 'shop', route: 'checkout', count: 5, ...(second > 40 ? refused : {}) });
    tracker.note({ exchanges: [exchange], outcomes: [], staleReusesFailed: 0 }, second * 1000);
    tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
  }
  const [incident] = tracker.list(61_000);
  assert.deepEqual([incident?.whose, incident?.suspects[0]?.name], ['operator', 'operator_action']);
});
