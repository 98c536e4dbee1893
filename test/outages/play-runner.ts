import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { testBundleVariable } from '../program.ts';
import type { Control, Outage } from './outage.ts';
import type { PlayResult } from './play-result.ts';
import type { ResultsFile } from './results-file.ts';

type Wanted = Outage | Control;

/** Plays in processes of their own, some at once. A signal ends them all, and with them everything that they have started. */
export class PlayRunner {
  readonly #waiting: Wanted[];
  readonly #running = new Map<Wanted, ChildProcess>();
  readonly #file: ResultsFile;
  readonly #bundle: string;
  readonly #isQuick: boolean;
  readonly #count: number;
  #done = 0;
  #isStopped = false;

  constructor(wanted: readonly Wanted[], file: ResultsFile, bundle: string, isQuick: boolean) {
    this.#isQuick = isQuick;
    this.#waiting = [...wanted];
    this.#count = wanted.length;
    this.#file = file;
    this.#bundle = bundle;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => this.#stop());
  }

  async run(atOnce: number): Promise<void> {
    await Promise.all(Array.from({ length: atOnce }, (_, index) => this.#playOnes(index)));
    if (this.#isStopped) process.exitCode = 130;
  }

  /** The first plays begin one after the other, so that not all of them start processes in the same moment. */
  async #playOnes(index: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, index * 4000));
    for (;;) {
      const next = this.#isStopped ? undefined : this.#next();
      if (next === undefined) return;
      await this.#play(next);
    }
  }

  #next(): Wanted | undefined {
    const hasHeavy = [...this.#running.keys()].some(({ play }) => play.isHeavy === true);
    const at = this.#waiting.findIndex(({ play }) => !hasHeavy || play.isHeavy !== true);
    return this.#waiting.splice(Math.max(at, 0), 1)[0];
  }

  async #play(wanted: Wanted): Promise<void> {
    const child = fork(join(import.meta.dirname, 'play-process.ts'), [wanted.name, this.#isQuick ? 'quick' : ''], {
      env: { ...process.env, [testBundleVariable]: this.#bundle },
    });
    this.#running.set(wanted, child);
    let result: PlayResult | null = null;
    child.on('message', (message: PlayResult) => (result = message));
    await new Promise((resolve) => child.once('exit', resolve));
    this.#running.delete(wanted);
    if (this.#isStopped) return;
    this.#done++;
    this.#note(wanted.name, result);
  }

  #note(name: string, result: PlayResult | null): void {
    if (result !== null) this.#file.append(result);
    const failure = result === null ? 'its process has ended' : result.failure;
    if (failure !== undefined) process.exitCode = 1;
    const what =
      failure === undefined
        ? `played in ${result?.wallSeconds} s, ${result?.cpuSeconds} s of processor time`
        : `NOT PLAYED: ${failure}`;
    console.error(`[${this.#done}/${this.#count}] ${name}: ${what}`);
  }

  #stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    console.error('stopping');
    for (const child of this.#running.values()) child.kill('SIGTERM');
  }
}
