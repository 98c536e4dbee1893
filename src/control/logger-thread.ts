import { Worker } from 'node:worker_threads';
import type { FromLogger, LoggerInit, ToLogger } from '../core/logger-messages.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { type WorkerExit, workerExitOf } from './worker-exit.ts';

export interface LoggerThreadParts {
  /** The file that the thread runs: control knows its messages, and none of its code. */
  readonly loggerModule: URL;
  readonly init: LoggerInit;
  readonly clock: Clock;
  /** The first messages to a thread that replaces another one. */
  readonly state: () => readonly ToLogger[];
  readonly onMessage: (message: Exclude<FromLogger, { request: number }>) => void;
  /** The thread has ended by itself; another one starts after `restartMs`. */
  readonly onLost: (exit: WorkerExit, restartMs: number) => void;
}

/** What the logger answers to a question. */
export type LoggerAnswer = Extract<FromLogger, { request: number }>;
type Asking = Extract<ToLogger, { request: number }>;
/** A message that is answered, without its number. */
export type LoggerQuestion = Asking extends infer One ? (One extends Asking ? Omit<One, 'request'> : never) : never;

/** Workers go on writing into their rings, which hold some seconds of a busy gateway. */
const restartMs = 250;
const restartMsMax = 30_000;
/** A thread that has run for so long begins the pauses anew. */
const healthyMs = 60_000;

/** Its heap holds no records: they are in the rings. */
const maxYoungGenerationSizeMb = 2;

/** The thread of the log: messages to it, answers from it, and another one when it ends by itself. */
export class LoggerThread {
  readonly #parts: LoggerThreadParts;
  readonly #pending = new Map<number, (answer: LoggerAnswer) => void>();
  readonly #unsentLines: ToLogger[] = [];
  #requests = 0;
  #thread: Worker | null;
  #restartMs = restartMs;
  #stopping = false;
  #startedAt: Instant;

  constructor(parts: LoggerThreadParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
    this.#thread = this.#start();
  }

  /** While there is no thread, lines are kept for the next one; it gets everything else by `state`. */
  send(message: ToLogger): void {
    if (this.#thread !== null) this.#thread.postMessage(message);
    else if (message.kind === 'line') this.#unsentLines.push(message);
  }

  /** Resolves in any case: if the thread ends first, the answer has that as its problem. */
  ask(question: LoggerQuestion): Promise<LoggerAnswer> {
    this.#requests += 1;
    const request = this.#requests;
    // If the gateway closes the log while no thread runs, a new thread writes the lines that the rings still hold.
    if (this.#thread === null && question.kind === 'close') this.#restart();
    if (this.#thread === null) return Promise.resolve(noAnswer(request));
    return new Promise((resolve) => {
      this.#pending.set(request, resolve);
      this.send({ ...question, request } as ToLogger);
    });
  }

  /** Resolves when the thread has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#thread?.terminate();
  }

  #start(): Worker {
    const thread = new Worker(this.#parts.loggerModule, {
      workerData: this.#parts.init,
      name: 'candor log',
      resourceLimits: { maxYoungGenerationSizeMb },
    });
    let exit: WorkerExit | null = null;
    thread.on('message', (message: FromLogger) => this.#onMessage(message));
    thread.on('error', (error) => {
      exit = workerExitOf(error);
    });
    thread.on('exit', (code) => this.#lost(exit ?? { why: `its thread ended with ${code}`, threw: null, code: null }));
    return thread;
  }

  #onMessage(message: FromLogger): void {
    if (!('request' in message)) return this.#parts.onMessage(message);
    const resolve = this.#pending.get(message.request);
    this.#pending.delete(message.request);
    resolve?.(message);
  }

  #lost(exit: WorkerExit): void {
    this.#thread = null;
    for (const [request, resolve] of this.#pending) resolve(noAnswer(request));
    this.#pending.clear();
    if (this.#stopping) return;
    const { clock, onLost } = this.#parts;
    if (clock.now() - this.#startedAt >= healthyMs) this.#restartMs = restartMs;
    onLost(exit, this.#restartMs);
    this.#restartLater();
  }

  #restartLater(): void {
    const { clock } = this.#parts;
    clock.schedule(after(clock.now(), this.#restartMs), LoggerThread.#restartDue, this as LoggerThread);
    this.#restartMs = Math.min(this.#restartMs * 2, restartMsMax);
  }

  static #restartDue(this: void, logger: LoggerThread): void {
    if (!logger.#stopping && logger.#thread === null) logger.#restart();
  }

  #restart(): void {
    try {
      this.#thread = this.#start();
    } catch {
      // The system allows no further thread now.
      return this.#restartLater();
    }
    this.#startedAt = this.#parts.clock.now();
    for (const message of [...this.#parts.state(), ...this.#unsentLines.splice(0)]) this.send(message);
  }
}

function noAnswer(request: number): LoggerAnswer {
  return { kind: 'done', request, problem: 'the thread that writes the log has ended' };
}
