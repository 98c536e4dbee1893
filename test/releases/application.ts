import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';

/** What both releases have in their environment, beside that of the release. */
export function environmentOf(dataFolder: string, stockUrl: string): Readonly<Record<string, string>> {
  const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  return { PATH: path, DATA_DIR: dataFolder, STOCK_URL: stockUrl, PYTHONDONTWRITEBYTECODE: '1' };
}

type Environment = Readonly<Record<string, string>>;

/** A release that runs without a gateway. */
export class Application {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#child = child;
  }

  static async start(folder: string, command: readonly string[], environment: Environment, output: string) {
    const [program = '', ...args] = command;
    const port = await freePort();
    const file = openSync(output, 'a');
    const env = { ...process.env, ...environment, PORT: String(port) };
    const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', file, file], detached: true });
    child.on('error', () => {});
    closeSync(file);
    const application = new Application(port, child);
    process.once('exit', application.#kill);
    child.once('exit', () => process.off('exit', application.#kill));
    return application;
  }

  /** Ends its children too: the process leads a group. */
  readonly #kill = (): void => {
    if (this.isRunning) process.kill(-(this.#child.pid ?? 0), 'SIGKILL');
  };

  /** False for a program that could not be started too. */
  get isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Whether its health path has answered 200 in time. */
  async isReady(withinMs: number): Promise<boolean> {
    const until = performance.now() + withinMs;
    while (performance.now() < until && (this.isRunning || performance.now() < until - withinMs + 200)) {
      const asked = fetch(`http://127.0.0.1:${this.port}/healthz`, {
        redirect: 'manual',
        signal: AbortSignal.timeout(1000),
      });
      if ((await asked.then(({ status }) => status).catch(() => 0)) === 200) return true;
      await sleep(100);
    }
    return false;
  }

  /** By SIGTERM, and by SIGKILL if it does not end in time. Resolves with whether SIGTERM was enough. */
  async stop(graceMs = 3000): Promise<boolean> {
    if (!this.isRunning) return true;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const isEnded = (await Promise.race([ended, sleep(graceMs, 'late')])) !== 'late';
    if (!isEnded) this.#kill();
    await ended;
    return isEnded;
  }
}

/** Runs the migration of a release to its end. */
export function migrate(folder: string, command: readonly string[], environment: Environment): boolean {
  const [program = '', ...args] = command;
  const env = { ...process.env, ...environment };
  return spawnSync(program, args, { cwd: folder, env, stdio: 'ignore' }).status === 0;
}
