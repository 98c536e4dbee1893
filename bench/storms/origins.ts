import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { CheckMode, OriginMode, OriginOrder, OriginReport, OriginSetting } from './origin-messages.ts';

/** What all origins of a storm have counted. */
export interface OriginTotals {
  requests: number;
  checks: number;
  connections: number;
  /** POSTs that were executed more than once. */
  executedTwice: number;
}

/** The origins of a storm, each a process. Origins are counted from 0. */
export class Origins {
  readonly totals: OriginTotals = { requests: 0, checks: 0, connections: 0, executedTwice: 0 };
  readonly #settings: readonly OriginSetting[];
  readonly #children: ChildProcess[] = [];
  readonly #executed = new Set<number>();

  private constructor(settings: readonly OriginSetting[]) {
    this.#settings = settings;
  }

  static async start(settings: readonly OriginSetting[]): Promise<Origins> {
    const origins = new Origins(settings);
    await Promise.all(settings.map((_, index) => origins.boot(index, 0)));
    return origins;
  }

  get count(): number {
    return this.#settings.length;
  }

  /** Starts a process. Resolves when it listens. */
  async boot(index: number, bootMs: number): Promise<void> {
    const setting = JSON.stringify({ ...this.#settings[index], bootMs });
    const child = fork(new URL('origin.ts', import.meta.url), [setting]);
    this.#children[index] = child;
    child.on('message', (report: OriginReport) => this.#take(report));
    // An order to a process that has just died is no failure of the storm.
    child.on('error', () => {});
    await this.#next(child, (report) => report.kind === 'listening');
  }

  /** Ends a process: 'finish' after its requests in flight, 'die' at once. Resolves when it has ended. */
  async end(index: number, how: 'finish' | 'die'): Promise<void> {
    const child = this.#children[index] as ChildProcess;
    const exited = once(child, 'exit');
    send(child, { kind: how });
    await exited;
  }

  async set(index: number, mode: OriginMode, check: CheckMode = 'as_requests'): Promise<void> {
    await this.#order(index, { kind: 'mode', mode, check });
  }

  /** Closes the port and all connections, or opens the port again. */
  async listen(index: number, open: boolean): Promise<void> {
    await this.#order(index, { kind: 'listen', open });
  }

  /** Forgets what was counted so far. */
  async reset(): Promise<void> {
    await this.collect();
    Object.assign(this.totals, { requests: 0, checks: 0, connections: 0, executedTwice: 0 });
    this.#executed.clear();
  }

  /** Collects the last counts and ends all processes. */
  async stop(): Promise<void> {
    await this.collect();
    const running = [...this.#children.keys()].filter((index) => isRunning(this.#children[index] as ChildProcess));
    await Promise.all(running.map((index) => this.end(index, 'die')));
  }

  /** Collects the counts of all processes. */
  async collect(): Promise<void> {
    await Promise.all(
      this.#children.filter(isRunning).map(async (child) => {
        const counted = this.#next(child, (report) => report.kind === 'counts' && report.isAnswer);
        send(child, { kind: 'count' });
        await counted;
      }),
    );
  }

  async #order(index: number, order: OriginOrder): Promise<void> {
    const child = this.#children[index] as ChildProcess;
    const done = this.#next(child, (report) => report.kind === 'done');
    send(child, order);
    await done;
  }

  #next(child: ChildProcess, is: (report: OriginReport) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const onMessage = (report: OriginReport): void => {
        if (!is(report)) return;
        child.off('message', onMessage).off('exit', onExit);
        resolve();
      };
      const onExit = (): void => reject(new Error('an origin ended by itself'));
      child.on('message', onMessage).once('exit', onExit);
    });
  }

  #take(report: OriginReport): void {
    if (report.kind !== 'counts') return;
    const { requests, checks, connections, executed } = report.counts;
    this.totals.requests += requests;
    this.totals.checks += checks;
    this.totals.connections += connections;
    for (const number of executed) {
      if (this.#executed.has(number)) this.totals.executedTwice++;
      this.#executed.add(number);
    }
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function send(child: ChildProcess, order: OriginOrder): void {
  if (child.connected) child.send(order, () => {});
}
