import { scopeKey } from '../../core/feature.ts';
import type { MetricFamily } from '../../core/metric-family.ts';
import { waitingFamilies } from '../../core/waiting-requests.ts';
import { mainFeature, type MainFeaturePorts, type MainPart, type ScopedSpec } from '../main-feature.ts';
import { type BoundView, type ConcurrencySettings, type ConcurrencyStatus, concurrencyName } from './settings.ts';

class ConcurrencyView implements MainPart<ConcurrencySettings> {
  readonly #ports: MainFeaturePorts;
  #scopes: readonly ScopedSpec<ConcurrencySettings>[] = [];

  constructor(ports: MainFeaturePorts) {
    this.#ports = ports;
  }

  use(scopes: readonly ScopedSpec<ConcurrencySettings>[]): void {
    this.#scopes = scopes;
  }

  status(): ConcurrencyStatus {
    return { bounds: this.#scopes.flatMap((scoped) => this.#statusOf(scoped)) };
  }

  #statusOf({ scope, spec: { bound } }: ScopedSpec<ConcurrencySettings>): BoundView[] {
    if (bound === undefined) return [];
    const { requestsMax, adaptive } = bound;
    const { requests, limit } = this.#ports.counted(scope) ?? { requests: 0, limit: 0 };
    const adapted = limit === 0 ? requestsMax : Math.floor(Math.min(limit, requestsMax ?? limit));
    // At an upstream others wait too: the upstream tells of them.
    const waiting = this.#ports.waiting(scopeKey(scope)).filter((one) => one.for === 'turn');
    const { kind, id } = scope;
    return [{ kind, id, requests, limit: adaptive ? adapted : requestsMax, adaptive, waiting }];
  }
}

export const concurrency = mainFeature<ConcurrencySettings, ConcurrencyView, ConcurrencyStatus>({
  name: concurrencyName,
  sharesSemaphores: ({ bound }) => bound !== undefined,
  metrics: ({ bounds }): readonly MetricFamily[] => [
    {
      name: 'candor_concurrency_requests',
      help: 'Requests in flight where `concurrency` bounds them, by route or upstream.',
      samples: bounds.map(({ kind, id, requests }) => [{ kind, id }, requests]),
    },
    {
      name: 'candor_concurrency_limit',
      help: 'How many requests may be in flight there: for a bound that adapts, at present.',
      samples: bounds.flatMap(({ kind, id, limit }) => (limit === null ? [] : [[{ kind, id }, limit] as const])),
    },
    ...waitingFamilies(bounds),
  ],
  start: (ports) => new ConcurrencyView(ports),
});
