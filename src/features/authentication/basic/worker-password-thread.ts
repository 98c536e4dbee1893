/**
 * Checks of passwords, each of which takes some hundredths of a second of a thread: not of one that serves. This module is both sides: `PasswordThread`
 * in a worker of the gateway, and the thread that it starts from this same file, wherever a bundle has put it.
 */
import { argon2Sync, scryptSync, timingSafeEqual } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { ArgonHash, PasswordHash, ScryptHash } from './password-hash.ts';

const role = 'passwords of candor';

/** Threads that serve go first where there is too little processor time, and a check still gets a tenth of what one of them does (sched(7)). */
const niceness = 10;

/** `isRight`: null: the hash could not be read. */
interface Answer {
  readonly id: number;
  readonly isRight: boolean | null;
}

interface Question {
  readonly id: number;
  readonly password: string;
  readonly hash: PasswordHash;
}

if (!isMainThread && workerData === role && parentPort !== null) {
  const port = parentPort;
  yieldToOthers();
  port.on('message', ({ id, password, hash }: Question) => {
    const answer = (isRight: boolean | null): void => port.postMessage({ id, isRight } satisfies Answer);
    void isPassword(password, hash).then(answer, () => answer(null));
  });
}

/** On Linux a thread has a priority of its own. Elsewhere it stays as it is. */
function yieldToOthers(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (thread > 0) setPriority(thread, niceness);
  } catch {
    // Checks compete with the threads that serve.
  }
}

async function isPassword(password: string, hash: PasswordHash): Promise<boolean> {
  if (hash.kind === 'bcrypt') return (await import('bcryptjs')).compare(password, hash.text);
  return timingSafeEqual(hash.kind === 'argon2' ? argonOf(password, hash) : scryptOf(password, hash), hash.hash);
}

function argonOf(password: string, { algorithm, memoryKib, passes, parallelism, salt, hash }: ArgonHash): Buffer {
  return argon2Sync(algorithm, {
    ...{ message: password, nonce: salt, parallelism, tagLength: hash.length },
    ...{ memory: memoryKib, passes },
  });
}

function scryptOf(password: string, { cost, blockSize, parallelism, salt, hash }: ScryptHash): Buffer {
  // What it uses, and a little for the blocks beside the table.
  const maxmem = 128 * cost * blockSize + 256 * blockSize * parallelism + 1024 * 1024;
  return scryptSync(password, salt, hash.length, { cost, blockSize, parallelization: parallelism, maxmem });
}

/** The thread starts with the first question, and does not keep the process alive. Answers are told apart: one never counts for another password. */
export class PasswordThread {
  #thread: Worker | null = null;
  #questions = 0;

  /** Whether it is the password of the hash. */
  verify(password: string, hash: PasswordHash): Promise<boolean> {
    const thread = (this.#thread ??= this.#start());
    const id = ++this.#questions;
    return new Promise((resolve, reject) => {
      const done = (answer: Answer): void => {
        if (answer.id !== id) return;
        thread.off('message', done);
        thread.off('exit', gone);
        if (answer.isRight === null) reject(new Error('the hash could not be read'));
        else resolve(answer.isRight);
      };
      const gone = (): void => {
        thread.off('message', done);
        reject(new Error('the thread of passwords has ended'));
      };
      thread.on('message', done);
      thread.once('exit', gone);
      thread.postMessage({ id, password, hash } satisfies Question);
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
