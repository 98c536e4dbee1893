import { after, type Clock } from '../core/time.ts';

/** A worker that answers does so within milliseconds. Another one may hold nobody up: a CA asks several times. */
const answerMs = 5000;

/** Messages to a worker that it answers when it has applied them. */
export class AppliedAnswers {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, () => void>();
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sends a message with a number. Resolves with its answer, the worker's loss, or after some seconds. */
  ask(send: (number: number) => void): Promise<void> {
    const number = ++this.#last;
    return new Promise((resolve) => {
      const overdue = (): void => this.applied(number);
      const timer = this.#clock.schedule(after(this.#clock.now(), answerMs), overdue, undefined);
      this.#waiting.set(number, () => {
        timer.cancel();
        resolve();
      });
      send(number);
    });
  }

  applied(number: number): void {
    const done = this.#waiting.get(number);
    this.#waiting.delete(number);
    done?.();
  }

  /** The worker is lost: no answer will come. */
  end(): void {
    for (const number of [...this.#waiting.keys()]) this.applied(number);
  }
}
