import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that the lab starts and ends. Its output goes to a file. */
export class LabProcess {
  readonly name: string;
  readonly #command: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  readonly #output: string;
  /** Messages pass. The gateway has no channel, since its applications would inherit it. */
  readonly #hasChannel: boolean;
  #child: ChildProcess | null = null;

  constructor(
    name: string,
    command: readonly string[],
    environment: Readonly<Record<string, string>>,
    output: string,
    hasChannel = true,
  ) {
    this.name = name;
    this.#hasChannel = hasChannel;
    this.#command = command;
    this.#environment = environment;
    this.#output = output;
  }

  /** Starts it, and calls `onMessage` with what it sends. */
  start(onMessage: (message: unknown) => void = () => {}): void {
    const [program = '', ...args] = this.#command;
    const output = openSync(this.#output, 'a');
    const child = spawn(program, args, {
      stdio: ['ignore', output, output, ...(this.#hasChannel ? (['ipc'] as const) : [])],
      env: { ...process.env, ...this.#environment },
      // Ctrl-C of a terminal reaches the play alone, which ends them.
      detached: true,
    });
    closeSync(output);
    child.on('message', onMessage).on('error', () => {});
    this.#child = child;
  }

  /** Starts it, and resolves with its first message, or rejects after ten seconds. */
  async startAndWait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.start(() => resolve(true));
    if (!(await Promise.race([promise, sleep(10_000, false)]))) throw new Error(`${this.name} does not start`);
  }

  send(message: object): void {
    if (this.#child?.connected === true) this.#child.send(message, () => {});
  }

  get pid(): number | undefined {
    return this.isRunning ? this.#child?.pid : undefined;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child?.kill(signal);
  }

  /** Ends it; by SIGKILL if it has not ended in time. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', graceMs = 5000): Promise<void> {
    const child = this.#child;
    if (child === null || !this.isRunning) return;
    const ended = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    if ((await Promise.race([ended, sleep(graceMs, 'late')])) !== 'late') return;
    child.kill('SIGKILL');
    await ended;
  }
}
