import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Behaviour } from './behaviour.ts';

/** Why a request could not be answered: what is behind the application. */
export class DependencyFailure extends Error {
  readonly isTimeout: boolean;

  constructor(message: string, isTimeout: boolean) {
    super(message);
    this.isTimeout = isTimeout;
  }
}

const poolUsual = 10;
const timeoutUsualMs = 5000;

/** What is behind an application: databases, third parties. Each has a pool of connections. */
export class Dependencies {
  readonly #ports: Readonly<Record<string, number>>;
  readonly #agents = new Map<string, Agent>();
  readonly #used = new Map<string, number>();
  readonly #queues = new Map<string, (() => void)[]>();

  constructor(ports: Readonly<Record<string, number>>) {
    this.#ports = ports;
  }

  /** Asks all that a path needs, one after the other. Rejects with a `DependencyFailure`. */
  async use(path: string, behaviour: Behaviour): Promise<void> {
    for (const [start, names] of Object.entries(behaviour.needs ?? {}))
      if (path.startsWith(start)) for (const name of names) await this.#ask(name, path, behaviour);
  }

  async #ask(name: string, path: string, behaviour: Behaviour): Promise<void> {
    const timeoutMs = behaviour.dependencyTimeoutMs ?? timeoutUsualMs;
    const until = Date.now() + timeoutMs;
    await this.#acquire(name, behaviour.pool ?? poolUsual, timeoutMs);
    const isLeaked = Math.random() < (behaviour.poolLeak ?? 0);
    try {
      await this.#send(name, path, Math.max(until - Date.now(), 1));
    } finally {
      if (!isLeaked) this.#release(name);
    }
  }

  async #acquire(name: string, max: number, timeoutMs: number): Promise<void> {
    const used = this.#used.get(name) ?? 0;
    if (used < max) {
      this.#used.set(name, used + 1);
      return;
    }
    const queue = this.#queues.get(name) ?? [];
    this.#queues.set(name, queue);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = (): void => resolve(true);
    queue.push(waiter);
    if (await Promise.race([promise, sleep(timeoutMs, false)])) return;
    queue.splice(queue.indexOf(waiter), 1);
    throw new DependencyFailure(`${name}: no connection of the pool within ${timeoutMs} ms`, true);
  }

  #release(name: string): void {
    const next = this.#queues.get(name)?.shift();
    if (next === undefined) this.#used.set(name, (this.#used.get(name) ?? 1) - 1);
    else next();
  }

  #send(name: string, path: string, timeoutMs: number): Promise<void> {
    const agent = this.#agents.get(name) ?? new Agent({ keepAlive: true });
    this.#agents.set(name, agent);
    return new Promise((resolve, reject) => {
      const fail = (what: string, isTimeout = false): void =>
        reject(new DependencyFailure(`${name}: ${what}`, isTimeout));
      const asked = request({ agent, port: this.#ports[name], path: `/dependency${path}` }, (response) => {
        response.resume();
        response.once('error', () => fail('cut'));
        response.once('end', () =>
          response.statusCode === 200 ? resolve() : fail(`answered ${String(response.statusCode)}`),
        );
      });
      const timer = setTimeout(() => {
        fail(`no answer within ${timeoutMs} ms`, true);
        asked.destroy();
      }, timeoutMs);
      asked.once('close', () => clearTimeout(timer));
      asked.once('error', (error) => fail(error.message));
      asked.end();
    });
  }
}
