import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { answer, reset, type Script } from '../../../../src/testing/origin-script.ts';
import { type FaultOrigin, startFaultOrigin } from '../../../../src/testing/fault-origin.ts';
import { refusingAddress, type UnreachableAddress } from '../../../../src/testing/unreachable-address.ts';
import type { CallFailure } from '../call-failure.ts';
import type { ClientClock } from '../client-clock.ts';
import type { RetryPolicyOptions } from '../retry-options.ts';
import { systemClientClock, systemClientRandom } from '../system.ts';

interface SentCall {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly body?: string | ReadableStream<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** A library with the adapter in it. */
interface AdapterDriver {
  /** Resolves with what the caller of the library gets; rejects with what the library throws. */
  send(call: SentCall): Promise<{ readonly status: number; readonly text: string }>;
  close?(): Promise<void>;
}

interface AdapterUnderTest {
  readonly name: string;
  readonly open: (options: RetryPolicyOptions) => AdapterDriver;
  readonly callFailureOf: (error: unknown) => CallFailure | null;
  /** The name of the error with which the library says that the caller gave up. */
  readonly cancelled: RegExp;
  /** A stream of this length is not kept. Default 5. */
  readonly streamBytes?: number;
}

/** Counts what is scheduled, so that a test sees what a call leaves behind. */
class CountingClock implements ClientClock {
  open = 0;
  readonly now = (): number => systemClientClock.now();
  readonly wallTime = (): number => systemClientClock.wallTime();

  schedule<T>(at: number, fire: (subject: T) => void, subject: T): { cancel(): void } {
    this.open++;
    let isOpen = true;
    const end = (): void => {
      if (isOpen) this.open--;
      isOpen = false;
    };
    const timer = systemClientClock.schedule(
      at,
      () => {
        end();
        fire(subject);
      },
      null,
    );
    return {
      cancel: () => {
        end();
        timer.cancel();
      },
    };
  }
}

const json = 'Content-Type: application/problem+json';
const nginxPage =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.27.0</center>\r\n</body>\r\n</html>\r\n';
const candor = (delivery: string): string =>
  JSON.stringify({
    status: 502,
    cause: 'connect_refused',
    shape: 'unreachable',
    whose: 'application',
    delivery,
    temporary: true,
  });

/** What the origin answers, one after the other; then 200. */
const answers = {
  busy: () => answer('503 Service Unavailable', 'busy'),
  nginx: () => answer('502 Bad Gateway', nginxPage, ['Content-Type: text/html', 'Server: nginx/1.27.0']),
  notSent: () => answer('502 Bad Gateway', candor('not_sent'), [json, 'Proxy-Status: shop;error=connection_refused']),
  asksForOneSecond: () => answer('503 Service Unavailable', 'busy', ['Retry-After: 1']),
  asksForTenSeconds: () => answer('503 Service Unavailable', 'busy', ['Retry-After: 10']),
  redirect: () => answer('303 See Other', '', ['Location: /fault/played?again']),
  redirectToNothing: (nothing: string) => answer('302 Found', '', [`Location: ${nothing}`]),
  cut: (): Script => [reset],
  silent: (): Script => [],
} as const;

type AnswerName = keyof typeof answers;

/** An origin that plays one answer after the other, and then says ok. */
export class PlayedOrigin {
  readonly times: number[] = [];
  #queue: AnswerName[] = [];
  #origin: FaultOrigin | null = null;
  #nothing: UnreachableAddress | null = null;
  #from = 0;

  async start(): Promise<void> {
    this.#nothing = await refusingAddress();
    const nothing = `http://${this.#nothing.host}:${this.#nothing.port}/`;
    const script = (): Script => {
      this.times.push(performance.now());
      const next = this.#queue.shift();
      return next === undefined ? answer('200 OK', 'ok') : answers[next](nothing);
    };
    const does = 'plays what the test has put down';
    this.#origin = await startFaultOrigin({ faults: [{ name: 'played', does, faulty: true, begins: 'body', script }] });
  }

  play(...names: readonly AnswerName[]): void {
    this.#queue = [...names];
    this.times.length = 0;
    this.#from = this.requests.length + this.#from;
  }

  get url(): string {
    return `${this.#origin?.url}/fault/played`;
  }

  get origin(): string {
    return this.#origin?.url ?? '';
  }

  /** Since `play`. */
  get requests(): FaultOrigin['requests'] {
    return this.#origin?.requests.slice(this.#from) ?? [];
  }

  /** Resolves with the first request since `play`. */
  async seen(): Promise<void> {
    while (this.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  async close(): Promise<void> {
    await this.#nothing?.close();
    await this.#origin?.close();
  }
}

const noJitter = { ...systemClientRandom, next: () => 0 };

/** What every adapter promises, with the real library over real sockets. */
export function describeAdapter({ name, open, callFailureOf, cancelled, streamBytes = 5 }: AdapterUnderTest): void {
  void describe(`${name} with the client's policy`, async () => {
    const origin = new PlayedOrigin();
    await origin.start();
    const clock = new CountingClock();
    const drivers: AdapterDriver[] = [];
    const use = (options: RetryPolicyOptions = {}): AdapterDriver => {
      const driver = open({ clock, random: noJitter, ...options });
      drivers.push(driver);
      return driver;
    };
    const failed = async (call: Promise<unknown>): Promise<Error> => {
      const error: unknown = await call.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof Error, 'the call was to fail');
      return error;
    };
    after(async () => {
      for (const driver of drivers) await driver.close?.();
      await origin.close();
    });

    void it('asks again until a GET is answered', async () => {
      origin.play('busy', 'cut');
      const { status, text } = await use().send({ method: 'GET', url: origin.url });
      assert.deepEqual([status, text, origin.requests.length], [200, 'ok', 3]);
    });

    void it('sends a POST once if the gateway does not prove that it was not executed, and says whose the answer is', async () => {
      origin.play('nginx');
      const error = await failed(use().send({ method: 'POST', url: origin.url, body: 'a' }));
      const failure = callFailureOf(error);
      assert.deepEqual(
        [failure?.status, failure?.writer, failure?.gateway, failure?.mayHaveBeenExecuted, origin.requests.length],
        [502, 'gateway', 'nginx', true, 1],
      );
    });

    void it('sends a POST again, with its whole body, if the gateway proves that it was not executed', async () => {
      origin.play('notSent');
      const { status } = await use().send({ method: 'POST', url: origin.url, body: 'order' });
      assert.deepEqual([status, origin.requests.map(({ bodyBytes }) => bodyBytes)], [200, [5, 5]]);
    });

    for (const [what, ...names] of [
      ['says that it was not executed', 'redirect', 'notSent'],
      ['refuses connections', 'redirectToNothing'],
    ] as const)
      void it(`sends a POST once that was redirected to what ${what}`, async () => {
        origin.play(...names);
        const error = await failed(use().send({ method: 'POST', url: origin.url, body: 'a' }));
        const posts = origin.requests.filter(({ method }) => method === 'POST');
        assert.deepEqual([callFailureOf(error)?.mayHaveBeenExecuted, posts.length], [true, 1]);
        assert.equal(callFailureOf(error)?.shape, 'unreachable');
      });

    void it('sends a POST once over a connection that is reset', async () => {
      origin.play('cut');
      const error = await failed(use().send({ method: 'POST', url: origin.url, body: 'a' }));
      assert.deepEqual([callFailureOf(error)?.shape, origin.requests.length], ['reset', 1]);
    });

    void it('sends a POST again with one key if its origin is declared to honour keys', async () => {
      origin.play('cut', 'busy');
      const driver = use({ idempotency: { honouredBy: [origin.origin] } });
      const { status } = await driver.send({ method: 'POST', url: origin.url, body: 'a' });
      const keys = new Set(origin.requests.map(({ headers }) => headers.get('idempotency-key')));
      assert.deepEqual([status, origin.requests.length, keys.size], [200, 3, 1]);
      assert.match([...keys][0] ?? '', /^"[\da-f-]{32,36}"$/);
    });

    void it('fails with what `classify` throws, and leaves no timer', async () => {
      origin.play('busy');
      const classify = (): never => {
        throw new Error('no table');
      };
      const error = await failed(use({ classify }).send({ method: 'GET', url: origin.url }));
      assert.match(error.message, /no table/);
      assert.deepEqual([clock.open, origin.requests.length], [0, 1]);
    });

    void it('sends a body that is a stream once', async () => {
      origin.play('notSent');
      const body = new Blob(['a'.repeat(streamBytes)]).stream();
      await failed(use().send({ method: 'POST', url: origin.url, body }));
      assert.equal(origin.requests.length, 1);
    });

    void it('never asks again before Retry-After', async () => {
      origin.play('asksForOneSecond');
      const { status } = await use().send({ method: 'GET', url: origin.url });
      const [first = 0, second = 0] = origin.times;
      assert.equal(status, 200);
      assert.ok(second - first >= 1000, `${second - first} ms`);
    });

    void it('stops at once if the caller gives up during a wait, and leaves no timer', async () => {
      origin.play('asksForTenSeconds');
      const gone = new AbortController();
      const { promise: waits, resolve } = Promise.withResolvers<void>();
      const driver = use({ hooks: { retry: () => resolve() } });
      const call = failed(driver.send({ method: 'GET', url: origin.url, signal: gone.signal }));
      await waits;
      // The library sets its timer, or the adapter's, after the decision.
      await new Promise((resolve) => setImmediate(resolve));
      const began = performance.now();
      gone.abort();
      const error = await call;
      assert.ok(performance.now() - began < 5000);
      assert.match(error.name, cancelled);
      assert.deepEqual([clock.open, origin.requests.length], [0, 1]);
    });

    void it('stops at once if the caller gives up during an attempt', async () => {
      origin.play('silent');
      const gone = new AbortController();
      const call = failed(use().send({ method: 'GET', url: origin.url, signal: gone.signal }));
      await origin.seen();
      gone.abort();
      assert.match((await call).name, cancelled);
      assert.deepEqual([clock.open, origin.requests.length], [0, 1]);
    });

    void it('keeps within the budget, and sends nothing while the breaker is open', async () => {
      origin.play(...Array.from({ length: 9 }, () => 'busy' as const));
      const driver = use({ breaker: { failuresInRow: 5, openMs: 60_000, openMaxMs: 60_000, waitMs: 0 } });
      const errors: Error[] = [];
      for (let at = 0; at < 4; at++) errors.push(await failed(driver.send({ method: 'GET', url: origin.url })));
      assert.equal(callFailureOf(errors.at(-1))?.cause, 'breaker_open');
      assert.equal(origin.requests.length, 5);
    });
  });
}
