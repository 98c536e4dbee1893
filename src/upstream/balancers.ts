import type { BalanceSpec } from '../core/upstream-spec.ts';
import type { Random } from '../core/random.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import type { BalancedEndpoint, CreateBalancer } from '../policy/balancer.ts';
import { ConsistentHash } from '../policy/consistent-hash.ts';
import { PeakEwma } from '../policy/peak-ewma.ts';
import { RoundRobin } from '../policy/round-robin.ts';
import { SlowStart } from '../policy/slow-start.ts';
import { TwoChoices } from '../policy/two-choices.ts';

/** The balancers that the configuration can name. A reload that changes nothing about balancing gets the same function again. */
export function configuredBalancers(random: Random): (upstream: UpstreamSnapshot) => CreateBalancer {
  const known = new Map<string, CreateBalancer>();
  return ({ balance, slowStartMs = 0 }) => {
    const key = JSON.stringify([balance, slowStartMs]);
    const create = known.get(key) ?? withSlowStart(creatorOf(balance, random), slowStartMs, random);
    known.set(key, create);
    return create;
  };
}

function withSlowStart(create: CreateBalancer, rampMs: number, random: Random): CreateBalancer {
  return rampMs === 0 ? create : <E extends BalancedEndpoint>() => new SlowStart<E>(create<E>(), rampMs, random);
}

function creatorOf(balance: BalanceSpec | undefined, random: Random): CreateBalancer {
  switch (balance?.kind) {
    case undefined:
      return () => new TwoChoices(random);
    case 'round_robin':
      return () => new RoundRobin(random);
    case 'peak_ewma':
      return () => new PeakEwma(random);
    case 'hash':
      return () => new ConsistentHash(balance.key, new TwoChoices(random));
  }
}
