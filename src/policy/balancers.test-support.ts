import type { Instant } from '../core/time.ts';
import type { BalancedEndpoint, BalancerContext } from './balancer.ts';
import type { PeakLatency } from './peak-latency.ts';

export interface TestEndpoint extends BalancedEndpoint {
  load: number;
  hasRoom: boolean;
  weight: number;
  failureLoad: number;
  readySince: Instant;
}

export function endpointsOf(weights: readonly number[], latency: PeakLatency | null = null): TestEndpoint[] {
  return weights.map((weight, index) => {
    return {
      ...{ id: `app/10.0.0.${index}:80`, weight, zone: '', priority: 0, latency },
      ...{ load: 0, failureLoad: 0, hasRoom: true, readySince: Number.NEGATIVE_INFINITY as Instant },
    };
  });
}

type Facts = Partial<Pick<BalancerContext<TestEndpoint>, 'method' | 'tried' | 'path' | 'clientAddress' | 'now'>> & {
  readonly headers?: readonly (readonly [name: string, value: string])[];
};

export function contextOf(facts: Facts = {}): BalancerContext<TestEndpoint> {
  const {
    method = 'GET',
    headers = [],
    tried = [],
    path = '/',
    clientAddress = '192.0.2.7',
    now = 0 as Instant,
  } = facts;
  return {
    method,
    path,
    clientAddress,
    tried,
    now,
    header: (name) => headers.find(([one]) => one === name)?.[1] ?? null,
    eachHeader(name, visit) {
      for (const [one, value] of headers) if (one === name) visit(value);
    },
  };
}
