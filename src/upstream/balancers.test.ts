import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BalanceSpec } from '../core/upstream-spec.ts';
import { balancerWords, defaultBalancer } from '../core/named-balancers.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import type { Balancer } from '../policy/balancer.ts';
import { ConsistentHash } from '../policy/consistent-hash.ts';
import { PeakEwma } from '../policy/peak-ewma.ts';
import { RoundRobin } from '../policy/round-robin.ts';
import { TwoChoices } from '../policy/two-choices.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { configuredBalancers } from './balancers.ts';

const classes = { two_choices: TwoChoices, round_robin: RoundRobin, peak_ewma: PeakEwma };

type Settings = Pick<UpstreamSnapshot, 'balance'>;

function create(settings: Settings): Balancer<never> {
  return configuredBalancers(new SeededRandom('balancers'))(settings as UpstreamSnapshot)();
}

describe('configuredBalancers', () => {
  for (const word of balancerWords)
    it(`creates the balancer that is called ${word}`, () => {
      const balance = word === defaultBalancer ? {} : { balance: { kind: word } satisfies BalanceSpec };
      assert.ok(create(balance) instanceof classes[word]);
    });

  it('creates the balancer by a hash', () => {
    assert.ok(create({ balance: { kind: 'hash', key: { kind: 'path' } } }) instanceof ConsistentHash);
  });

  it('returns the same function after a reload that changes nothing about balancing, and another one otherwise', () => {
    const balancerOf = configuredBalancers(new SeededRandom('balancers'));
    const of = (settings: Settings): unknown => balancerOf(settings as UpstreamSnapshot);
    assert.equal(of({}), of({}));
    assert.equal(of({ balance: { kind: 'round_robin' } }), of({ balance: { kind: 'round_robin' } }));
    assert.notEqual(of({}), of({ balance: { kind: 'round_robin' } }));
  });
});
