import { exitCodes } from './exit-codes.ts';
import type { ProcessContext } from './process-context.ts';

type StopSignal = 'SIGINT' | 'SIGTERM';

/** Who asked for the end: a signal, or a sentence's words for somebody at the admin API. */
export type StopRequest = StopSignal | `${string} asked for it`;

/**
 * The first SIGINT or SIGTERM asks for an orderly end; the second for an end at once; with the third the
 * process goes whatever it is doing.
 */
export class StopSignals {
  /** The first that came. */
  readonly first: Promise<StopRequest>;
  /** Called at the second. Until somebody is there to end things, the process itself ends. */
  onSecond: (() => void) | null = null;
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

  /** 0 after an orderly end. */
  get exitCode(): number {
    return this.#exitCode;
  }

  /** Somebody at the admin API wants an end at once. */
  get isAtOnce(): boolean {
    return this.#isAtOnce;
  }

  /** As the first signal, or with `atOnce` as the second, but whoever asks in this way expects exit code 0. */
  request(actor: string, atOnce: boolean): void {
    if (this.#count === 0) {
      this.#count = 1;
      this.#onFirst(`${actor} asked for it`);
    }
    if (!atOnce || this.#isAtOnce) return;
    this.#isAtOnce = true;
    this.onSecond?.();
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
    if (this.#count === 2 && this.onSecond !== null) this.onSecond();
    else this.#context.exit(this.#exitCode);
  }
}
