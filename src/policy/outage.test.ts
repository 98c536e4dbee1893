import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Instant, never } from '../core/time.ts';
import { earliestReturn, type OutageEndpoint, type OutageFacts } from './outage.ts';

const at = (ms: number): Instant => ms as Instant;
const down: OutageEndpoint = { state: 'unhealthy', failure: null, checkCause: 'connect_refused', finding: null };

const cases: readonly (readonly [string, Partial<OutageFacts>, boolean])[] = [
  ['an endpoint that refuses connections and was ready a moment ago', {}, true],
  ['one whose checks were answered with an error', { endpoints: [{ ...down, checkCause: null }] }, true],
  ['an outage of half a minute', { now: at(30_000) }, true],
  ['a longer one', { now: at(30_001) }, false],
  ['an endpoint that never was ready', { wasReady: false }, false],
  [
    'an instance that starts for the first time',
    { wasReady: false, endpoints: [{ ...down, state: 'starting' }] },
    true,
  ],
  [
    'an instance of which is known that it cannot become ready',
    { endpoints: [{ ...down, state: 'starting', finding: { lasting: true } }] },
    false,
  ],
  ['an endpoint that was drained', { endpoints: [{ ...down, state: 'draining' }] }, false],
  ['a prohibited address', { endpoints: [{ ...down, failure: {} }] }, false],
  ['a certificate for another name', { endpoints: [{ ...down, checkCause: 'tls_certificate_name' }] }, false],
  ['two endpoints, one of which may return', { endpoints: [{ ...down, state: 'draining' }, down] }, true],
  ['no endpoints', { endpoints: [] }, false],
];

const usual: OutageFacts = { now: at(1000), since: at(0), wasReady: true, endpoints: [down] };

describe('earliestReturn', () => {
  for (const [name, facts, expected] of cases) {
    it(`${expected ? 'has hope for' : 'gives up on'} ${name}`, () => {
      assert.equal(earliestReturn({ ...usual, ...facts }) < never, expected);
    });
  }

  const startingAt = (startsAtInstant: number): OutageEndpoint => ({
    ...down,
    finding: { lasting: false, startsAtInstant },
  });
  for (const [name, endpoints, expected] of [
    ['now, where nothing is known of its start', [down], 1000],
    ['when its program starts again', [startingAt(9000)], 9000],
    ['now, where the start is due', [startingAt(900)], 1000],
    ['when the first of two programs starts again', [startingAt(9000), startingAt(4000)], 4000],
    ['now, where another one may return', [startingAt(9000), down], 1000],
    [
      'when a program starts again, where the other one is drained',
      [startingAt(9000), { ...down, state: 'draining' }],
      9000,
    ],
  ] as const)
    it(`is ${name}`, () => assert.equal(earliestReturn({ ...usual, endpoints }), expected));
});
