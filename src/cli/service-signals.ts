import type { ProcessContext } from './process-context.ts';
import type { ServiceSignal } from './service-signal.ts';

/**
 * What is asked of a gateway that serves. Heard before anything is started, since the process would end by them otherwise;
 * one that comes before there is somebody to act on it is acted on as soon as there is, and only once.
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

  /** From now on `act` is called with each, those first that have come already. */
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
