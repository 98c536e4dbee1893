import type { Surroundings } from './surroundings.ts';

export type ServiceSignal = 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2';

/**
 * What is asked of a gateway that serves. Heard before anything is started, since the process would end by them otherwise;
 * one that comes before there is somebody to act on it is acted on as soon as there is, and only once.
 */
export class ServiceSignals {
  readonly #early = new Set<ServiceSignal>();
  readonly #leave: readonly (() => void)[];
  #act: ((signal: ServiceSignal) => void) | null = null;
  #released = false;

  constructor(around: Pick<Surroundings, 'onSignal'>) {
    const signals: readonly ServiceSignal[] = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'];
    this.#leave = signals.map((signal) => around.onSignal(signal, () => this.#came(signal)));
  }

  /** From now on `act` is called with each, those first that have come already. */
  passTo(act: (signal: ServiceSignal) => void): void {
    if (this.#released) return;
    this.#act = act;
    for (const signal of this.#early) act(signal);
    this.#early.clear();
  }

  release(): void {
    this.#released = true;
    this.#act = null;
    for (const leave of this.#leave) leave();
  }

  #came(signal: ServiceSignal): void {
    if (this.#act === null) this.#early.add(signal);
    else this.#act(signal);
  }
}
