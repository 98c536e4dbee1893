import type { BalanceSpec } from '../core/upstream-spec.ts';
import type { Random } from '../core/random.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import type { CreateBalancer } from '../policy/balancer.ts';
import { ConsistentHash } from '../policy/consistent-hash.ts';
import { PeakEwma } from '../policy/peak-ewma.ts';
import { RoundRobin } from '../policy/round-robin.ts';
import { TwoChoices } from '../policy/two-choices.ts';

/** The balancers that the configuration can name. A reload that changes nothing about balancing gets the same function again. */
export function configuredBalancers(random: Random): (upstream: UpstreamSnapshot) => CreateBalancer {
  const known = new Map<string | undefined, CreateBalancer>();
  return ({ balance }) => {
    const key = JSON.stringify(balance);
    const create = known.get(key) ?? creatorOf(balance, random);
    known.set(key, create);
    return create;
  };
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
