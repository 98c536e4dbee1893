import type { DrainSignal } from '../core/drain-signal.ts';

/** Endpoints that have said in responses that they want no new requests, until the main thread is told. */
export class DrainSignals {
  /** By endpoint. */
  readonly #signals = new Map<string, DrainSignal>();

  note(upstream: string, endpoint: string): void {
    if (!this.#signals.has(endpoint)) this.#signals.set(endpoint, { upstream, endpoint });
  }

  get isEmpty(): boolean {
    return this.#signals.size === 0;
  }

  take(): readonly DrainSignal[] {
    const taken = [...this.#signals.values()];
    this.#signals.clear();
    return taken;
  }
}
