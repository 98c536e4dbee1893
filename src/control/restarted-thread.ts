import { Worker } from 'node:worker_threads';
import { after, type Clock, type Instant } from '../core/time.ts';
import { type WorkerExit, workerExitOf } from './worker-exit.ts';
import { withCompileCache } from '../system/compile-cache.ts';

/** A message to a thread or from it; one with `request` is a question, or the answer to it. */
interface Message {
  readonly kind: string;
  readonly request?: number;
}
type Asked<M> = Extract<M, { readonly request: number }>;
/** A message that is answered, without its number. */
export type QuestionOf<To> =
  Asked<To> extends infer One ? (One extends Asked<To> ? Omit<One, 'request'> : never) : never;
type Unasked<From> = Exclude<From, { readonly request: number }>;

interface RestartedThreadParts<To, From> {
  /** The file that the thread runs: control knows its messages, and none of its code. */
  readonly module: URL;
  readonly name: string;
  readonly init: unknown;
  readonly clock: Clock;
  /** The first messages to a thread that replaces another one. */
  readonly state: () => readonly To[];
  /** While there is no thread, such messages are kept for the next one; it gets everything else by `state`. */
  readonly isKept: (message: To) => boolean;
  /** The answer in place of a thread that has ended. */
  readonly noAnswer: (request: number) => Asked<From>;
  readonly onMessage: (message: Unasked<From>) => void;
  /** The thread has ended by itself; another one starts after `restartMs`. */
  readonly onLost: (exit: WorkerExit, restartMs: number) => void;
}

/** Workers go on writing into their rings, which hold some seconds of a busy gateway. */
const restartMs = 250;
const restartMsMax = 30_000;
/** A thread that has run for so long begins the pauses anew. */
const healthyMs = 60_000;

/** Its heap holds no records: they are in the rings. */
const maxYoungGenerationSizeMb = 2;

/** A thread beside the workers: messages to it, answers from it, and another one when it ends by itself. */
export class RestartedThread<To extends Message, From extends Message> {
  readonly #parts: RestartedThreadParts<To, From>;
  readonly #pending = new Map<number, (answer: Asked<From>) => void>();
  readonly #unsent: To[] = [];
  #requests = 0;
  #thread: Worker | null;
  #restartMs = restartMs;
  #stopping = false;
  #startedAt: Instant;

  constructor(parts: RestartedThreadParts<To, From>) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.#thread = this.#start();
  }

  /** False between the end of one and the start of the next. */
  get isRunning(): boolean {
    return this.#thread !== null;
  }

  send(message: To): void {
    if (this.#thread !== null) this.#thread.postMessage(message);
    else if (this.#parts.isKept(message)) this.#unsent.push(message);
  }

  /** Resolves in any case: if the thread ends first, the answer has that as its problem. */
  ask(question: QuestionOf<To>): Promise<Asked<From>> {
    this.#requests += 1;
    const request = this.#requests;
    // If the gateway closes while no thread runs, a new thread writes what the rings still hold.
    if (this.#thread === null && (question as Message).kind === 'close') this.#restart();
    if (this.#thread === null) return Promise.resolve(this.#parts.noAnswer(request));
    return new Promise((resolve) => {
      this.#pending.set(request, resolve);
      this.send({ ...question, request } as unknown as To);
    });
  }

  /** Resolves when the thread has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#thread?.terminate();
  }

  #start(): Worker {
    const thread = new Worker(this.#parts.module, {
      workerData: this.#parts.init,
      name: this.#parts.name,
      resourceLimits: { maxYoungGenerationSizeMb },
      ...withCompileCache(),
    });
    let exit: WorkerExit | null = null;
    thread.on('message', (message: From) => this.#onMessage(message));
    thread.on('error', (error) => {
      exit = workerExitOf(error);
    });
    thread.on('exit', (code) => this.#lost(exit ?? { why: `its thread ended with ${code}`, threw: null, code: null }));
    return thread;
  }

  #onMessage(message: From): void {
    const { request } = message;
    if (request === undefined) return this.#parts.onMessage(message as Unasked<From>);
    const resolve = this.#pending.get(request);
    this.#pending.delete(request);
    resolve?.(message as Asked<From>);
  }

  #lost(exit: WorkerExit): void {
    this.#thread = null;
    for (const [request, resolve] of this.#pending) resolve(this.#parts.noAnswer(request));
    this.#pending.clear();
    if (this.#stopping) return;
    const { clock, onLost } = this.#parts;
    if (clock.now() - this.#startedAt >= healthyMs) this.#restartMs = restartMs;
    onLost(exit, this.#restartMs);
    this.#restartLater();
  }

  #restartLater(): void {
    const { clock } = this.#parts;
    clock.schedule(after(clock.now(), this.#restartMs), RestartedThread.#restartDue, this as RestartedThread<To, From>);
    this.#restartMs = Math.min(this.#restartMs * 2, restartMsMax);
  }

  static #restartDue<To extends Message, From extends Message>(this: void, thread: RestartedThread<To, From>): void {
    if (!thread.#stopping && thread.#thread === null) thread.#restart();
  }

  #restart(): void {
    try {
      this.#thread = this.#start();
    } catch {
      // The system allows no further thread now.
      return this.#restartLater();
    }
    this.#startedAt = this.#parts.clock.now();
    for (const message of [...this.#parts.state(), ...this.#unsent.splice(0)]) this.send(message);
  }
}
