import { exitCodes } from './command-failure.ts';
import type { ProcessContext, ServiceSignal } from './process-context.ts';

type StopSignal = 'SIGINT' | 'SIGTERM';

/** The signal that asked for the stop, or the words for a requester at the admin API. */
type StopRequest = StopSignal | `${string} asked for it`;

/**
 * The first SIGINT or SIGTERM drains the gateway, the second one force closes everything, and the third ends the process at
 * once.
 */
export class StopSignals {
  /** The first that came. */
  readonly first: Promise<StopRequest>;
  /** Called at the second signal, with what came. Until it is set, the second signal ends the process. */
  onSecond: ((what: string) => void) | null = null;
  #exitCode: number = exitCodes.ok;
  #count = 0;
  readonly #context: ProcessContext;
  readonly #unsubscribe: readonly (() => void)[];
  #isAtOnce = false;
  #onFirst: (request: StopRequest) => void = () => {};

  constructor(context: ProcessContext) {
    this.#context = context;
    this.first = new Promise((resolve) => {
      this.#onFirst = resolve;
    });
    this.#unsubscribe = [
      context.onSignal('SIGINT', () => this.#onSignal('SIGINT')),
      context.onSignal('SIGTERM', () => this.#onSignal('SIGTERM')),
    ];
  }

  /** 0 after an orderly stop. */
  get exitCode(): number {
    return this.#exitCode;
  }

  /** Whether a requester at the admin API asked for force closing. */
  get isAtOnce(): boolean {
    return this.#isAtOnce;
  }

  /** Like the first signal, or with `atOnce` like the second. Unlike with a signal, the exit code is 0. */
  request(actor: string, atOnce: boolean): void {
    if (this.#count === 0) {
      this.#count = 1;
      this.#onFirst(`${actor} asked for it`);
    }
    if (!atOnce || this.#isAtOnce) return;
    this.#isAtOnce = true;
    this.onSecond?.(`${actor} asked for it`);
  }

  release(): void {
    for (const leave of this.#unsubscribe) leave();
  }

  #onSignal(signal: StopSignal): void {
    this.#count += 1;
    if (this.#count === 1) {
      if (this.#context.stderr.isTTY)
        this.#context.stderr.write('\nFinishing requests in flight. Press Ctrl-C again to stop at once.\n');
      this.#onFirst(signal);
      return;
    }
    this.#exitCode = signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
    if (this.#count === 2 && this.onSecond !== null) this.onSecond(`a second signal, ${signal}`);
    else this.#context.exit(this.#exitCode);
  }
}

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
