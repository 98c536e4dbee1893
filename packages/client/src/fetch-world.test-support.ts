import { SeededRandom } from '../../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../../src/testing/simulated-clock.ts';
import type { FetchOptions, ResilientFetch } from './fetch-options.ts';
import type { CallFailure } from './call-failure.ts';
import { createFetch } from './resilient-fetch.ts';

interface SentRequest {
  readonly at: number;
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** What the memory origin does with a request. 'silence': it never answers. */
export type Reply = Response | Error | 'silence' | { readonly afterMs: number; readonly reply: Reply };

/** A client in simulated time, before an origin in memory, with everything that it leaves behind counted. */
export class FetchWorld {
  readonly clock = new SimulatedClock();
  readonly sent: SentRequest[] = [];
  readonly fetch: ResilientFetch;
  readonly #reply: (request: SentRequest, number: number) => Reply;

  constructor(reply: (request: SentRequest, number: number) => Reply, options: FetchOptions = {}, seed = 'client') {
    this.#reply = reply;
    this.fetch = createFetch({
      clock: this.clock,
      random: new SeededRandom(seed),
      fetch: (input, init) => this.#send(input, init),
      ...options,
    });
  }

  /** Runs until the work is done, in as much simulated time as it takes; rejects after an hour of it. */
  async finish<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => void (isDone = true);
    void work.catch(() => {}).finally(done);
    for (let step = 0; step < 20_000 && !isDone; step++) {
      await settle();
      const due = isDone ? null : this.clock.nextDueAt;
      if (due !== null) await this.clock.advance(Math.max(0, due - this.clock.now()));
    }
    if (!isDone) throw new Error('the work hangs');
    return work;
  }

  async #send(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init);
    // That of a Request follows the given one only weakly.
    const signal = init?.signal ?? request.signal;
    const { method, url, headers } = request;
    const sent = { at: this.clock.now(), method, url, headers, signal, body: await request.text() };
    this.sent.push(sent);
    return this.#play(this.#reply(sent, this.sent.length), signal);
  }

  async #play(reply: Reply, signal: AbortSignal): Promise<Response> {
    signal.throwIfAborted();
    if (reply instanceof Response) return reply;
    if (reply instanceof Error) throw reply;
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      if (reply === 'silence') return;
      const at = (this.clock.now() + reply.afterMs) as ReturnType<SimulatedClock['now']>;
      this.clock.schedule(at, () => signal.aborted || resolve(this.#play(reply.reply, signal)), undefined);
    });
  }
}

/** Bodies of the platform (streams, Blobs, FormData) take a few turns that are no microtasks. Time stands still meanwhile. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** As Node throws it. */
export function nodeError(code: string, syscall?: string): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code, syscall }) });
}

export function problem(status: number, members: object, headers: Readonly<Record<string, string>> = {}): Response {
  const body = JSON.stringify({ shape: 'unreachable', cause: 'connect_refused', ...members });
  return new Response(body, { status, headers: { 'content-type': 'application/problem+json', ...headers } });
}

export const sampleFailure: CallFailure = {
  writer: 'gateway',
  gateway: 'edge',
  shape: 'reset',
  cause: 'closed_before_response',
  whose: 'application',
  delivery: 'sent_unknown',
  mayHaveBeenExecuted: true,
  proxyError: 'connection_terminated',
  status: 502,
  retryAfterMs: null,
  temporary: true,
  requestId: null,
};
