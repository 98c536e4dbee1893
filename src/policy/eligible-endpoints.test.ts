import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointState } from '../core/endpoint.ts';
import { eligibleOf, hasComeBack, triedAllTheSame } from './eligible-endpoints.ts';

type Named = readonly [state: EndpointState, weight?: number];

const cases: readonly [what: string, endpoints: readonly Named[], eligible: string, tried: string][] = [
  ['healthy ones alone', [['healthy'], ['ejected'], ['unchecked']], '0 2', ''],
  [
    'ejected ones and those on probation while none is healthy',
    [['ejected'], ['probation'], ['unhealthy']],
    '0 1',
    '0 1',
  ],
  ['those that are not checked yet, which nothing speaks against', [['unknown'], ['ejected']], '0 1', '1'],
  ['none whose circuit breaker is not closed', [['circuit_open'], ['half_open'], ['draining']], '', ''],
  [
    'none of the weight 0 while others may',
    [
      ['ejected', 0],
      ['ejected', 1],
    ],
    '1',
    '1',
  ],
];

for (const [what, named, eligible, tried] of cases)
  test(`requests get ${what}`, () => {
    const all = named.map(([state, weight = 1], index) => ({ state, weight, name: String(index) }));
    const names = (some: readonly { readonly name: string }[]): string => some.map(({ name }) => name).join(' ');
    assert.deepEqual([names(eligibleOf(all, false)), names(triedAllTheSame(all, false))], [eligible, tried]);
  });

const changes: readonly [before: EndpointState, now: EndpointState, sinceLater: boolean, comesBack: boolean][] = [
  ['unhealthy', 'healthy', true, true],
  ['ejected', 'healthy', true, true],
  ['starting', 'unchecked', true, true],
  ['healthy', 'healthy', true, true],
  ['healthy', 'healthy', false, false],
  ['healthy', 'unhealthy', true, false],
  ['unhealthy', 'probation', true, false],
];

for (const [before, now, isLater, comesBack] of changes)
  test(`an endpoint that was ${before} and is ${now} ${isLater ? 'since a later time' : 'since the same time'} has ${comesBack ? '' : 'not '}come back`, () =>
    assert.equal(
      hasComeBack({ state: before, sinceInstant: 7 }, { state: now, sinceInstant: isLater ? 8 : 7 }),
      comesBack,
    ));

test('endpoints whose checks fail are tried only if the upstream says so, and never where no request can be sent', () => {
  const all = [{ state: 'unhealthy' as const }, { state: 'unhealthy' as const, failure: 'prohibited' }];
  assert.deepEqual(triedAllTheSame(all, false), []);
  assert.deepEqual(triedAllTheSame(all, true), all.slice(0, 1));
});
