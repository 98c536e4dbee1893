import type { ProcessContext } from './process-context.ts';
import type { ServiceSignal } from './service-signal.ts';

/**
 * The signals for a gateway that serves. The process listens for them before it starts anything, since they would end it
 * otherwise. A signal that comes before `passTo` is handled then, once for any number of them.
 */
export class ServiceSignals {
  readonly #early = new Set<ServiceSignal>();
  readonly #unsubscribe: readonly (() => void)[];
  #handler: ((signal: ServiceSignal) => void) | null = null;
  #released = false;

  constructor(context: Pick<ProcessContext, 'onSignal'>) {
    const signals: readonly ServiceSignal[] = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'];
    this.#unsubscribe = signals.map((signal) => context.onSignal(signal, () => this.#onSignal(signal)));
  }

  /** Calls `act` with each signal, and first with those that came earlier. */
  passTo(act: (signal: ServiceSignal) => void): void {
    if (this.#released) return;
    this.#handler = act;
    for (const signal of this.#early) act(signal);
    this.#early.clear();
  }

  release(): void {
    this.#released = true;
    this.#handler = null;
    for (const leave of this.#unsubscribe) leave();
  }

  #onSignal(signal: ServiceSignal): void {
    if (this.#handler === null) this.#early.add(signal);
    else this.#handler(signal);
  }
}
