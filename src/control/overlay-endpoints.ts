import type { OverlayEntry } from '../core/overlay.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Clock, Instant } from '../core/time.ts';
import { overlayEndpointOf } from './overlay-targets.ts';

interface Override {
  readonly weight: number | null;
  /** The operator who drains it; null if it is not drained. */
  readonly drainedBy: string | null;
  /** When this process began to drain it. */
  readonly sinceInstant: Instant;
}

/** Applies weights and drains of the overlay to the endpoints that workers receive. */
export class EndpointOverrides {
  readonly #clock: Clock;
  #overrides: ReadonlyMap<string, Override> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  use(entries: readonly OverlayEntry[]): void {
    const overrides = new Map<string, Override>();
    for (const { setting, actor } of entries) {
      if (setting.kind !== 'weight' && setting.kind !== 'drain') continue;
      const { weight, drainedBy } = overrides.get(setting.endpoint) ?? { weight: null, drainedBy: null };
      const before = this.#overrides.get(setting.endpoint);
      const sinceInstant = before?.drainedBy == null ? this.#clock.now() : before.sinceInstant;
      overrides.set(
        setting.endpoint,
        setting.kind === 'weight'
          ? { weight: setting.weight, drainedBy, sinceInstant }
          : { weight, drainedBy: actor, sinceInstant },
      );
    }
    this.#overrides = overrides;
  }

  adjust(endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    if (this.#overrides.size === 0) return endpoints;
    return endpoints.map((endpoint) => {
      const override = this.#overrides.get(overlayEndpointOf(endpoint));
      return override === undefined ? endpoint : overridden(endpoint, override);
    });
  }
}

function overridden(endpoint: EndpointSnapshot, { weight, drainedBy, sinceInstant }: Override): EndpointSnapshot {
  const weighted = weight === null ? endpoint : { ...endpoint, weight };
  const { state, reason } = endpoint;
  if (drainedBy === null || state === 'draining' || state === 'gone') return weighted;
  const own = reason === '' ? state : `${state}: ${reason}`;
  return { ...weighted, state: 'draining', sinceInstant, reason: `drained by ${drainedBy}; otherwise ${own}` };
}
