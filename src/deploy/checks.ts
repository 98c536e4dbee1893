import type { ReadinessSpec } from '../core/configuration.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { Host } from './host.ts';
import type { InstanceLife } from './instance-life.ts';
import type { Observation } from './readiness.ts';

/** Asks an instance again and again, one question at a time. */
export class Checks {
  readonly #clock: Clock;
  readonly #host: Host;
  readonly #port: number;
  readonly #readiness: ReadinessSpec;
  readonly #onObserved: (observation: Observation) => void;
  #timer: Timer | null = null;
  #cancelProbe: (() => void) | null = null;
  #stopped = false;

  constructor(
    parts: { readonly clock: Clock; readonly host: Host },
    port: number,
    readiness: ReadinessSpec,
    onObserved: (observation: Observation) => void,
  ) {
    this.#clock = parts.clock;
    this.#host = parts.host;
    this.#port = port;
    this.#readiness = readiness;
    this.#onObserved = onObserved;
  }

  askIn(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = this.#clock.schedule(
      after(this.#clock.now(), delayMs),
      (checks: Checks) => checks.#ask(),
      this as Checks,
    );
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#cancelProbe?.();
    this.#cancelProbe = null;
  }

  #ask(): void {
    if (this.#stopped) return;
    const { path, timeoutMs } = this.#readiness;
    this.#cancelProbe = this.#host.probe({ port: this.#port, path, timeoutMs }, (observation) => {
      this.#cancelProbe = null;
      if (!this.#stopped) this.#onObserved(observation);
    });
  }
}

/** After the first pass of a start the others follow this fast: a ready application should not wait for our clock. */
const confirmMs = 50;

/** At the most often, once an instance has been ready: traffic tells of failures sooner than a check does. */
const steadyMs = 1_000;

/**
 * How long after a check the next one follows; null: there are none in this phase. An instance that gets no requests is
 * checked as at its start, since people wait for it; so is one that has just refused a connection.
 */
export function checkPauseMs(life: InstanceLife, readiness: ReadinessSpec, last: Observation | null): number | null {
  switch (life.phase) {
    case 'starting':
    case 'failing':
      return life.passes > 0 ? Math.min(confirmMs, readiness.intervalMs) : readiness.intervalMs;
    case 'ready':
      return last?.kind === 'refused' ? readiness.intervalMs : Math.max(steadyMs, readiness.intervalMs);
    default:
      return null;
  }
}
