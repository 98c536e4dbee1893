import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SlowClients } from './figures.ts';

/** Slow clients, in a process of their own. */
export class SlowClientsProcess {
  readonly #child: ChildProcess;
  readonly #asked: number;

  private constructor(child: ChildProcess, asked: number) {
    this.#child = child;
    this.#asked = asked;
  }

  /** Resolves when all are connected, or after 10 s: a gateway that does not take them all is measured too. */
  static async start(port: number, count: number): Promise<SlowClientsProcess> {
    const child = fork(new URL('slow-clients.ts', import.meta.url), [String(port), String(count)]);
    await Promise.race([once(child, 'message'), sleep(10_000, null, { ref: false })]);
    return new SlowClientsProcess(child, count);
  }

  /** Ends them, and says how many had connected. */
  async stop(): Promise<SlowClients> {
    const said = once(this.#child, 'message') as Promise<[number]>;
    this.#child.send('count');
    const [connected] = await said;
    const exited = once(this.#child, 'exit');
    this.#child.kill();
    await exited;
    return { asked: this.#asked, connected };
  }
}
