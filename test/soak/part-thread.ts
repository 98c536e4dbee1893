import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { FromPart, Part, ToPart } from './soak-thread.ts';

/** A part that runs in a thread of its own. */
export class PartThread {
  readonly #thread: Worker;

  constructor(part: Part) {
    this.#thread = new Worker(new URL('./soak-thread.ts', import.meta.url), { workerData: part });
  }

  tell(message: ToPart): void {
    this.#thread.postMessage(message);
  }

  /** The next message of this kind. */
  async heard<K extends FromPart['kind']>(kind: K): Promise<Extract<FromPart, { kind: K }>> {
    for (;;) {
      const [message] = (await once(this.#thread, 'message')) as [FromPart];
      if (message.kind === kind) return message as Extract<FromPart, { kind: K }>;
    }
  }

  async end(): Promise<void> {
    await this.#thread.terminate();
  }
}
