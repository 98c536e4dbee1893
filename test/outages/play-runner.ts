import { type ChildProcess, fork } from 'node:child_process';
import { testBundleVariable } from '../program.ts';
import type { ResultsFile } from './results-file.ts';

interface WantedPlay {
  readonly name: string;
  /** Of its process. */
  readonly words: readonly string[];
  /** Of several heavy plays one runs at a time. */
  readonly isHeavy?: boolean;
}

interface PlayOutcome {
  readonly name: string;
  /** Why it could not be played; absent: it was. */
  readonly failure?: string;
}

interface RunnerParts<Result extends PlayOutcome> {
  readonly plays: readonly WantedPlay[];
  /** The module of a play's process, which sends its result. */
  readonly program: string;
  readonly file: ResultsFile<Result>;
  readonly bundle: string;
  /** A few words for the line of a play. */
  readonly textOf: (result: Result) => string;
}

/** Plays in processes of their own, some at once. A signal ends them all, and with them everything that they have started. */
export class PlayRunner<Result extends PlayOutcome> {
  readonly #waiting: WantedPlay[];
  readonly #running = new Map<WantedPlay, ChildProcess>();
  readonly #parts: RunnerParts<Result>;
  #done = 0;
  #isStopped = false;

  constructor(parts: RunnerParts<Result>) {
    this.#parts = parts;
    this.#waiting = [...parts.plays];
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

  #next(): WantedPlay | undefined {
    const hasHeavy = [...this.#running.keys()].some(({ isHeavy }) => isHeavy === true);
    const at = this.#waiting.findIndex(({ isHeavy }) => !hasHeavy || isHeavy !== true);
    return this.#waiting.splice(Math.max(at, 0), 1)[0];
  }

  async #play(wanted: WantedPlay): Promise<void> {
    const { program, bundle } = this.#parts;
    const child = fork(program, wanted.words, {
      env: { ...process.env, [testBundleVariable]: bundle },
    });
    this.#running.set(wanted, child);
    let result: Result | null = null;
    child.on('message', (message: Result) => (result = message));
    await new Promise((resolve) => child.once('exit', resolve));
    this.#running.delete(wanted);
    if (this.#isStopped) return;
    this.#done++;
    this.#note(wanted.name, result);
  }

  #note(name: string, result: Result | null): void {
    const { file, plays, textOf } = this.#parts;
    if (result !== null) file.append(result);
    const failure = result === null ? 'its process has ended' : result.failure;
    if (failure !== undefined) process.exitCode = 1;
    const what = result === null || failure !== undefined ? `NOT PLAYED: ${failure}` : textOf(result);
    console.error(`[${this.#done}/${plays.length}] ${name}: ${what}`);
  }

  #stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    console.error('stopping');
    for (const child of this.#running.values()) child.kill('SIGTERM');
  }
}
