/** Runs steps one after the other, in the order of the calls. A failed step does not stop the next. */
export class StepQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves, or rejects, with the step. */
  run<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#last.then(step);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when all steps that were added have ended. */
  get idle(): Promise<unknown> {
    return this.#last;
  }
}
