/** Runs steps one after the other, in the order in which they were asked for. A step that fails does not stop the next. */
export class StepQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves, or rejects, with the step. */
  run<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#last.then(step);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Resolves when every step that has been asked for is over. */
  get idle(): Promise<unknown> {
    return this.#last;
  }
}
