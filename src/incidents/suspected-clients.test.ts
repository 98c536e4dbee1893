import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
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
