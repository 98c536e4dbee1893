import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ExchangeCount } from '../core/counters.ts';
import type { LiveIncident } from '../core/live-incident.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { incidentSentence } from './incident-sentence.ts';
import { IncidentTracker } from './incident-tracker.ts';

interface Second {
  readonly requests: number;
  /** How many of them fail, and are retries. */
  readonly failed?: number;
  readonly retries?: number;
}

/** Two minutes of 110 requests each second of the route /cart, and then what the test says. */
function play(seconds: number, secondAt: (second: number) => Second, clients = 20): LiveIncident | undefined {
  const tracker = new IncidentTracker(0);
  const begin = 120;
  for (let second = 1; second <= begin + seconds; second++) {
    const { requests, failed = 0, retries = 0 } = second < begin ? { requests: 110 } : secondAt(second - begin);
    const common = { route: '/cart', firstEndedAt: second * 1000 };
    const retriesOf = (count: number): number => Math.round((retries * count) / requests);
    const exchanges: ExchangeCount[] = [];
    if (failed > 0)
      exchanges.push(
        sampleCount({
          ...{ ...common, shape: 'app_error', statusClass: '5xx', whose: 'application' },
          ...{ count: failed, clientRetries: retriesOf(failed) },
        }),
      );
    const count = requests - failed;
    const client = `192.0.2.${second % clients}`;
    exchanges.push(sampleCount({ ...common, client, count, clientRetries: retriesOf(count) }));
    const ms = second * 1000;
    tracker.note({ exchanges, outcomes: [], staleReusesFailed: 0 }, ms + 500, ms + 500);
    tracker.judge(ms + 1000, () => ({ application: null, endpoints: [] }));
  }
  return tracker.list((begin + seconds) * 1000)[0];
}

const names = (incident: LiveIncident | undefined): readonly string[] =>
  incident?.suspects.map(({ name }) => name) ?? [];
/** The application fails, and two seconds later clients begin to retry. */
const storm = (second: number): Second =>
  second < 2 ? { requests: 110, failed: 60 } : { requests: 284, failed: 190, retries: 176 };

describe('clients that retry what fails', () => {
  test('stand behind the errors of the application that came first, with their share', () => {
    const incident = play(25, storm);
    assert.deepEqual(names(incident), ['application_errors', 'client_retries']);
    const retries = incident?.suspects[1];
    const sentence = '62 % of the requests of /cart are repetitions after a failure: 284 requests/s instead of 110.';
    assert.equal(retries?.sentence, sentence);
    assert.match(retries?.evidence.join('; ') ?? '', /176 requests\/s of \/cart .*; they came after the first failure/);
    assert.match(retries?.nextStep ?? '', /^First correct what fails; .*`concurrency`/);
    const told = incidentSentence(incident as LiveIncident);
    assert.ok(told.endsWith(sentence), told);
    assert.ok(told.indexOf(incident?.suspects[0]?.sentence ?? '?') > 0, told);
  });
  test('are no growth of the traffic, however much they multiply it', () => {
    const incident = play(25, (second) =>
      second < 2 ? { requests: 110, failed: 60 } : { requests: 440, failed: 350, retries: 320 },
    );
    assert.deepEqual(names(incident), ['application_errors', 'client_retries']);
  });
  test('are told as past when they have stopped, and the growth that they were is none of the traffic', () => {
    const incident = play(60, (second) => (second < 30 ? storm(second) : { requests: 110, failed: 60 }));
    assert.deepEqual(names(incident), ['application_errors', 'client_retries']);
    assert.match(incident?.suspects[1]?.sentence ?? '', /of \/cart were repetitions after a failure/);
  });
  test('come first where they have made the overload before it fails', () => {
    const incident = play(30, (second) =>
      second < 15 ? { requests: 284, retries: 176 } : { requests: 284, failed: 150, retries: 176 },
    );
    assert.equal(names(incident)[0], 'client_retries');
    assert.match(incident?.suspects[0]?.evidence[1] ?? '', /before the first failure of the incident$/);
  });
  test('are none where the traffic has grown by itself, or not at all', () => {
    const grown = play(25, () => ({ requests: 440, failed: 290, retries: 100 }));
    assert.deepEqual(names(grown).slice(0, 1), ['traffic_growth']);
    assert.ok(!names(grown).includes('client_retries'));
    const polling = play(25, () => ({ requests: 110, failed: 90, retries: 80 }));
    assert.ok(names(polling).includes('application_errors'));
    assert.ok(!names(polling).includes('client_retries'));
  });
  test('are not told apart where most requests come from one address: it may be a proxy', () => {
    const incident = play(25, storm, 1);
    assert.ok(names(incident).length > 0);
    assert.ok(!names(incident).includes('client_retries'));
  });
});
