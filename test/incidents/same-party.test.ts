import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failureTable } from '#failures/failure-table.ts';
import type { Cause, Failure } from '#failures/failure.ts';
import { familyOfCause } from '../../src/incidents/failure-family.ts';
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts';
import { ExchangeCounters } from '../../src/record/counters.ts';
import { whoseOfExchange } from '../../src/record/exchange-shape.ts';
import { failedExchange } from '../../src/record/sample-exchange.test-support.ts';

/** Evidence by which a record names another party than for the cause in general. */
const cases: Partial<Record<Cause, readonly object[]>> = {
  response_not_http: [{ answeredBefore: 2 }, { answeredBetween: 3 }],
  no_endpoint_ready: [{ endpointCause: 'connect_refused' }, { endpointCause: 'tls_certificate_name' }],
  request_refused: [{ rule: 'proxy-protocol' }],
  too_many_connections_from_address: [{ isPrivate: true }, { isPrivate: false }],
};

const causes = (Object.keys(failureTable) as Cause[]).filter((cause) => familyOfCause(cause) !== null);

describe('record and incident name the same party for each cause', () => {
  for (const cause of causes)
    for (const application of ['', 'shop'])
      for (const evidence of [{}, ...(cases[cause] ?? [])]) {
        const where = application === '' ? '' : ', of an application that Candor runs';
        test(`${cause} ${JSON.stringify(evidence)}${where}`, () => {
          const failure = { cause, stage: 'response', evidence: { rule: 'line', ...evidence } } as unknown as Failure;
          const exchange = failedExchange(failure, 502, { application });
          const counters = new ExchangeCounters();
          for (let request = 0; request < 10; request++) counters.count(exchange);
          const tracker = new IncidentTracker(0);
          tracker.note({ exchanges: counters.takeDelta(), outcomes: [], staleReusesFailed: 0 }, 1000);
          tracker.judge(2000, () => ({ application: application === '' ? null : application, endpoints: [] }));
          assert.deepEqual(
            tracker.list(2000).map((incident) => [incident.cause, incident.whose]),
            [[cause, whoseOfExchange(exchange)]],
          );
        });
      }
});

test('an incident names the party that most of its records name', () => {
  const counters = new ExchangeCounters();
  const other = { cause: 'response_not_http', stage: 'response', evidence: {} } as unknown as Failure;
  const own = { ...other, evidence: { answeredBetween: 1 } } as unknown as Failure;
  for (const failure of [other, own, own, own]) counters.count(failedExchange(failure, 502));
  const tracker = new IncidentTracker(0);
  tracker.note({ exchanges: counters.takeDelta(), outcomes: [], staleReusesFailed: 0 }, 1000);
  tracker.judge(2000, () => ({ application: null, endpoints: [] }));
  assert.deepEqual(
    tracker.list(2000).map(({ whose, failed }) => [whose, failed]),
    [['application', 4]],
  );
});
