import { after, type Instant, type Timer } from '../../core/time.ts';
import { columnsMax, harmless, shorten } from '../layout.ts';
import type { ProcessContext } from '../process-context.ts';

/** Shorter probes show no progress. */
const quietMs = 1000;

/** Shows on a terminal which step runs, once the probe takes longer than a second. */
export class ProbeProgress {
  readonly #context: ProcessContext;
  readonly #begun: Instant;
  readonly #timer: Timer;
  #step = '';
  #isShown = false;
  #isOver = false;

  constructor(context: ProcessContext) {
    this.#context = context;
    this.#begun = context.clock.now();
    const { clock } = context;
    // A step may wait for its whole timeout, so that no other step would draw the line.
    this.#timer = clock.schedule(after(this.#begun, quietMs), () => this.#draw(), undefined);
  }

  show(step: string): void {
    this.#step = step;
    if (this.#context.clock.now() - this.#begun >= quietMs) this.#draw();
  }

  clear(): void {
    this.#isOver = true;
    this.#timer.cancel();
    if (this.#isShown) this.#context.stderr.write('\r\u001b[K');
  }

  #draw(): void {
    if (this.#isOver || !this.#context.stderr.isTTY) return;
    this.#isShown = true;
    this.#context.stderr.write(`\r\u001b[K${shorten(harmless(this.#step), columnsMax - 1)}`);
  }
}
