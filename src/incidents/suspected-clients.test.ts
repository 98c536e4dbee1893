import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RouteAnswers } from './route-answers.ts';
import { RouteRates } from './route-rates.ts';
import { incidentOf, ranking } from './ranking.test-support.ts';

describe('one client that has nearly all failures', () => {
  const errors = incidentOf('application', [['app_error', 100]]);
  const topClient = { client: '127.0.66.6', failed: 76, answered: 4000, shareOfAnswered: 0.1 };
  const named = (more: Partial<typeof topClient> = {}, incident = errors) =>
    ranking(incident, { topClient: { ...topClient, ...more } }).find(({ name }) => name === 'one_client');

  test('is the first suspect, by its address', () => {
    const [first] = ranking(errors, { topClient });
    assert.equal(first?.name, 'one_client');
    assert.match(first.sentence, /one client, 127\.0\.66\.6; other clients are answered/);
    assert.deepEqual(first.evidence, [
      '127.0.66.6 has 76 % of the 100 failed requests',
      'of the requests of other clients on the same routes 24 failed, and about 3600 were answered',
    ]);
    assert.match(first.nextStep, /`candor logs 'client:127\.0\.66\.6'`/);
  });
  test('is none where it makes nearly all requests, or the others fail as often, or are not there', () => {
    assert.equal(named({ shareOfAnswered: 0.99 }), undefined);
    assert.equal(named({ answered: 100 }), undefined);
    assert.equal(named({ answered: 10 }), undefined);
  });
  test('is none where of the others more than a few fail: it hides what is wrong for them', () => {
    const flooded = incidentOf('application', [['app_error', 405]]);
    assert.equal(named({ failed: 310, answered: 432, shareOfAnswered: 0 }, flooded), undefined);
  });
  test('is none where it has a large share only', () => assert.equal(named({ failed: 60 }), undefined));
  test('is behind an endpoint that alone fails: its clients may stay there', () => {
    const endpoints = [100, 0].map((failed, at) => ({ endpoint: `app/${at + 1}`, attempts: 500, failed }));
    assert.deepEqual(
      ranking({ ...errors, endpoints }, { topClient })
        .map(({ name }) => name)
        .slice(0, 2),
      ['one_endpoint', 'one_client'],
    );
  });
});

test('a client that sends most of the requests, which are far more than before, is named before the growth', () => {
  const slower = { ...incidentOf('slower', [['late_response', 300]]), rate: { before: 70, during: 230 } };
  const names = (share: number): readonly string[] =>
    ranking(slower, { steadyRateBefore: 70, busiest: { client: '127.0.66.50', share } }).map(({ name }) => name);
  assert.deepEqual(names(0.65).slice(0, 2), ['one_client', 'traffic_growth']);
  assert.equal(names(0.2)[0], 'traffic_growth');
  const evidence = {
    ...{ route: 'r', limit: 'each', admitted: 100, refused: 900, client: 'nightly', ofClient: 880, fix: '' },
  };
  const wave = { event: { kind: 'limit_refusals', to: 'many', subject: 'limit:r.each', evidence }, afterMs: -10_000 };
  const [limited] = ranking(slower, {
    ...{ steadyRateBefore: 70, busiest: { client: 'user nightly', share: 0.65 } },
    events: [wave as never],
  });
  assert.ok(
    limited?.evidence.includes('the limit each has refused 880 of its requests in ten seconds, 900 of all 1000'),
  );
  // A proxy in front.
  assert.equal(names(1)[0], 'traffic_growth');
});

test('a client that has made one route busy is named before the errors that follow on every route', () => {
  const demanding = { client: '127.0.66.60', route: 'reports', share: 0.9, before: 0.4, perS: 6 };
  const [first, second] = ranking(incidentOf('application', [['app_error', 90]]), { demanding });
  assert.deepEqual([first?.name, second?.name], ['one_client', 'application_errors']);
  assert.match(first?.sentence ?? '', /127\.0\.66\.60, sends some 90 % of the requests of the route reports/);
});

describe('the client that has made a route busy', () => {
  const demandingAt = (more: number, isProxy = false): ReturnType<RouteRates['demanding']> => {
    const rates = new RouteRates();
    for (let second = 1; second <= 200; second++) {
      const ask = (route: string, count: number, client: string): void => {
        rates.add(route, second, count);
        rates.addAnswered(route, isProxy ? '10.0.0.1' : client);
      };
      ask('pages', 20, `10.0.0.${second % 12}`);
      if (second % 3 === 0) ask('reports', 1, `10.0.0.${second % 12}`);
      if (second > 160 && more > 0) {
        rates.add('reports', second, more);
        rates.addFailed('reports', second, 'application', more, [{ client: '10.9.9.9', count: more }]);
      }
      rates.judge(second, 2, new RouteAnswers(), () => false);
      rates.settle(second, new Set());
    }
    return rates.demanding(200);
  };
  test('is known by its share, and by what is usual', () => {
    const found = demandingAt(4);
    assert.deepEqual([found?.client, found?.route], ['10.9.9.9', 'reports']);
    assert.ok(found !== null && found.before < 1 && found.perS > 4);
  });
  test('is none where a route is as busy as ever', () => assert.equal(demandingAt(0), null));
  test('is none behind a proxy, from which all requests come', () =>
    assert.equal(demandingAt(4, true)?.client === '10.0.0.1', false));
});

test('one client whose requests wait is named before the application', () => {
  const topClient = { client: '127.0.66.6', failed: 28, answered: 900, shareOfAnswered: 0 };
  const [first] = ranking(incidentOf('slower', [['late_response', 28]]), { topClient });
  assert.match(first?.sentence ?? '', /^Nearly all requests that wait are those of one client, 127\.0\.66\.6/);
});
