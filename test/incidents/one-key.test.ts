import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndedExchange, User } from '../../src/core/exchange.ts';
import type { LiveIncident } from '../../src/core/live-incident.ts';
import type { Instant } from '../../src/core/time.ts';
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts';
import { ExchangeCounters } from '../../src/record/counters.ts';
import { sampleClient, sampleExchange } from '../../src/record/sample-exchange.test-support.ts';

// Simulated: what a worker counts of exchanges, and what the incident says of it.

const troubleAt = 100;
const keys: readonly User[] = Array.from({ length: 12 }, (_, index) => ({
  ...{ name: `team-${index}`, by: 'api_keys', claims: {} },
}));
const nightly: User = { name: 'nightly', by: 'api_keys', claims: {} };

interface Second {
  /** Requests of everybody, and of the key that is in question. */
  readonly usual: number;
  readonly more: number;
  /** Of each of both, the share that the application answers with 500. */
  readonly usualFails: number;
  readonly moreFails: number;
}

const calm: Second = { usual: 40, more: 0, usualFails: 0, moreFails: 0 };

/** Every request comes from another address, as those of a key that many machines have. `more`: who sends what comes besides. */
function incidentOf(trouble: Partial<Second>, more: (index: number) => User | null): LiveIncident | undefined {
  const tracker = new IncidentTracker(0);
  const counters = new ExchangeCounters();
  let sent = 0;
  const requests = (of: number, fails: number, userOf: (index: number) => User | null): EndedExchange[] =>
    Array.from({ length: of }, (_, index) => {
      sent += 1;
      const address = `10.${(sent >> 16) & 255}.${(sent >> 8) & 255}.${sent & 255}`;
      const status = index < of * fails ? 500 : 200;
      return sampleExchange({
        ...{ client: { ...sampleClient({}), address }, user: userOf(sent), endedAt: 5005 as Instant },
        ...{ statusSent: status, statusReceived: status },
      });
    });
  let second = 1;
  for (; second <= troubleAt + 30; second++) {
    const now = { ...calm, ...(second > troubleAt ? trouble : {}) };
    // A worker reports several times a second, and of each report one request that was answered is a sample.
    for (let batch = 0; batch < 5; batch++) {
      const usual = requests(now.usual / 5, now.usualFails, (index) => keys[index % keys.length] as User);
      const all = [...usual, ...requests(now.more / 5, now.moreFails, more)];
      const from = (second * 31 + batch * 17) % all.length;
      for (const exchange of [...all.slice(from), ...all.slice(0, from)]) counters.count(exchange);
      tracker.note({ exchanges: counters.takeDelta(), outcomes: [], staleReusesFailed: 0 }, second * 1000 + 500);
    }
    tracker.judge((second + 1) * 1000, () => ({ application: null, endpoints: [] }));
  }
  return tracker.list(second * 1000)[0];
}

const suspectOf = (incident: LiveIncident | undefined): string => incident?.suspects[0]?.name ?? 'no incident';

describe('one API key, from thousands of addresses', () => {
  const flood = { more: 160, usualFails: 0.3, moreFails: 0.3 };
  const wrong = { more: 20, moreFails: 1 };

  test('whose requests are too many for the application is named, with the limit that would bound it', () => {
    const incident = incidentOf(flood, () => nightly);
    assert.equal(suspectOf(incident), 'one_client');
    const { sentence = '', nextStep = '' } = incident?.suspects[0] ?? {};
    assert.match(sentence, /^One client, user nightly, sends some [678]\d % of all requests/);
    assert.match(nextStep, /`candor logs 'user:nightly'`.*`rate_limits` by user/);
  });

  test('whose requests alone fail is named, and that the others are answered', () => {
    const incident = incidentOf(wrong, () => nightly);
    assert.equal(suspectOf(incident), 'one_client');
    assert.match(
      incident?.suspects[0]?.sentence ?? '',
      /those of one client, user nightly; other clients are answered/,
    );
  });

  test('is not named where the same requests come of many keys, or of addresses without one', () => {
    for (const others of [(index: number) => keys[(index * 7) % keys.length] as User, () => null]) {
      assert.notEqual(suspectOf(incidentOf(flood, others)), 'one_client');
      assert.notEqual(suspectOf(incidentOf(wrong, others)), 'one_client');
    }
  });
});
