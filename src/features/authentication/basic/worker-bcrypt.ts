/**
 * bcrypt is JavaScript here, which takes some hundredths of a second of a thread: not of one that serves. This module is both sides: `BcryptThread`
 * in a worker of the gateway, and the thread that it starts from this same file, wherever a bundle has put it.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { compare } from 'bcryptjs';

const role = 'bcrypt of candor';

interface Question {
  readonly password: string;
  readonly hash: string;
}

if (!isMainThread && workerData === role && parentPort !== null) {
  const port = parentPort;
  port.on('message', ({ password, hash }: Question) => {
    void compare(password, hash).then(
      (isRight) => port.postMessage(isRight),
      () => port.postMessage(null),
    );
  });
}

/** One question at a time. The thread starts with the first one, and does not keep the process alive. */
export class BcryptThread {
  #thread: Worker | null = null;

  verify(password: string, hash: string): Promise<boolean> {
    const thread = (this.#thread ??= this.#start());
    return new Promise((resolve, reject) => {
      const done = (answer: unknown): void => {
        thread.off('message', done);
        thread.off('exit', gone);
        if (typeof answer === 'boolean') resolve(answer);
        else reject(new Error('bcrypt could not read the hash'));
      };
      const gone = (): void => {
        thread.off('message', done);
        reject(new Error('the thread of bcrypt has ended'));
      };
      thread.on('message', done);
      thread.once('exit', gone);
      thread.postMessage({ password, hash } satisfies Question);
    });
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #start(): Worker {
    const thread = new Worker(new URL(import.meta.url), {
      ...{ workerData: role, name: 'candor passwords' },
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
    thread.unref();
    thread.once('exit', () => (this.#thread = null));
    thread.on('error', () => {});
    return thread;
  }
}
