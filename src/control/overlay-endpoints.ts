import { reasonBesideState } from '../core/reason-beside-state.ts';
import type { EndpointState } from '../core/endpoint.ts';
import {
  type DrainSetting,
  type EjectSetting,
  ejectionText,
  overlayEndpointOf,
  type OverlayEntry,
} from '../core/overlay.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Clock, Instant } from '../core/time.ts';

interface Override {
  readonly weight: number | null;
  /** Null: it gets requests. */
  readonly out: TakenOut | null;
}

/** An operator has taken an endpoint out. */
interface TakenOut {
  readonly state: 'draining' | 'ejected';
  readonly actor: string;
  /** 'drained by …' */
  readonly text: string;
  /** When this process began to. */
  readonly sinceInstant: Instant;
}

/** Applies weights, drains and ejections of the overlay to the endpoints that workers receive. */
export class EndpointOverrides {
  readonly #clock: Clock;
  #overrides: ReadonlyMap<string, Override> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  use(entries: readonly OverlayEntry[]): void {
    const overrides = new Map<string, Override>();
    for (const { setting, actor } of entries) {
      if (setting.kind !== 'weight' && setting.kind !== 'drain' && setting.kind !== 'eject') continue;
      const { weight, out } = overrides.get(setting.endpoint) ?? { weight: null, out: null };
      if (setting.kind === 'weight') overrides.set(setting.endpoint, { weight: setting.weight, out });
      // A drain is stricter, whichever came first.
      else if (out?.state !== 'draining')
        overrides.set(setting.endpoint, { weight, out: this.#takenOut(setting, actor) });
    }
    this.#overrides = overrides;
  }

  #takenOut(setting: DrainSetting | EjectSetting, actor: string): TakenOut {
    const state = setting.kind === 'drain' ? 'draining' : 'ejected';
    const before = this.#overrides.get(setting.endpoint)?.out;
    const sinceInstant = before?.state === state ? before.sinceInstant : this.#clock.now();
    const text = setting.kind === 'drain' ? `drained by ${actor}` : `ejected by ${actor}${ejectionText(setting)}`;
    return { state, actor, text, sinceInstant };
  }

  adjust(endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    if (this.#overrides.size === 0) return endpoints;
    return endpoints.map((endpoint) => {
      const override = this.#overrides.get(overlayEndpointOf(endpoint));
      return override === undefined ? endpoint : overridden(endpoint, override);
    });
  }
}

function overridden(endpoint: EndpointSnapshot, { weight, out }: Override): EndpointSnapshot {
  const weighted = weight === null ? endpoint : { ...endpoint, weight };
  const { state, reason } = endpoint;
  if (out === null || (out.state === 'draining' ? isLeaving : getsLess).has(state)) return weighted;
  const own = reason === '' ? state : `${state}: ${reasonBesideState(state, reason)}`;
  // An ejected endpoint is tried while no other is left; one whose circuit breaker is not closed must not be, nor does it get probes.
  const taken = out.state === 'ejected' && state === 'half_open' ? 'circuit_open' : out.state;
  return {
    ...weighted,
    state: taken,
    takenOutBy: out.actor,
    sinceInstant: out.sinceInstant,
    reason: `${out.text}; otherwise ${own}`,
  };
}

const isLeaving: ReadonlySet<EndpointState> = new Set(['draining', 'gone']);

/** States in which an endpoint gets no more requests than an ejected one. */
const getsLess: ReadonlySet<EndpointState> = new Set([...isLeaving, 'starting', 'unhealthy', 'circuit_open']);
