import { Agent, request } from 'node:https';

interface Page {
  readonly status: number;
  readonly text: string;
}

interface FailedRequest {
  readonly path: string;
  readonly what: string;
  readonly second: number;
}

/** As the example's routes have it. */
const host = 'shop.localhost';

/** Requests at a steady rate over kept TLS connections, until it is stopped. A status of 500 or more, and a connection that breaks, is a failure. */
export class SteadyLoad {
  readonly #at: { readonly host: string; readonly port: number };
  readonly #perSecond: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64, rejectUnauthorized: false });
  readonly #failures: FailedRequest[] = [];
  #paths: string[] = [];
  #timer: NodeJS.Timeout | null = null;
  #inFlight = 0;
  #done = 0;
  #began = 0;

  constructor(at: { readonly host: string; readonly port: number }, perSecond: number) {
    this.#at = at;
    this.#perSecond = perSecond;
  }

  get(path: string): Promise<Page> {
    return new Promise((resolve) => {
      const failed = (error: Error): void => resolve({ status: 0, text: error.message });
      const named = { servername: host, headers: { host } };
      const asked = request({ ...this.#at, ...named, path, agent: this.#agent, timeout: 10_000 }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', failed);
      });
      asked.on('timeout', () =>
        asked.destroy(new Error(`no answer within 10 s${asked.reusedSocket ? ', on a kept connection' : ''}`)),
      );
      asked.on('error', failed);
      asked.end();
    });
  }

  start(paths: readonly string[]): void {
    this.#paths = [...paths];
    this.#began = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = ((performance.now() - this.#began) / 1000) * this.#perSecond;
      for (; sent < due; sent++) void this.#send(this.#paths[sent % this.#paths.length] ?? '/');
    }, 10);
  }

  add(path: string): void {
    this.#paths.push(path);
  }

  remove(path: string): void {
    this.#paths = this.#paths.filter((one) => one !== path);
  }

  async #send(path: string): Promise<void> {
    this.#inFlight++;
    const { status, text } = await this.get(path);
    this.#inFlight--;
    this.#done++;
    if (status === 0 || status >= 500) {
      const second = Math.round((performance.now() - this.#began) / 1000);
      this.#failures.push({ path, second, what: `${status} ${text.slice(0, 200)}` });
    }
  }

  failures(): readonly FailedRequest[] {
    return [...this.#failures];
  }

  /** Those until now were explained. */
  forget(): void {
    this.#failures.length = 0;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer ?? undefined);
    while (this.#inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    this.#agent.destroy();
  }

  summary(): string {
    const seconds = (performance.now() - this.#began) / 1000;
    return `${this.#done} requests in ${seconds.toFixed(0)} s (${(this.#done / seconds).toFixed(0)}/s), ${this.#failures.length} failed`;
  }
}
