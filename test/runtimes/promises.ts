import {
  CallTimeoutError,
  createFetch,
  failureOf,
  type FetchOptions,
  GatewayError,
} from '../../packages/client/src/main.ts';

/**
 * What candor-client promises, for every runtime: this file is bundled with the built package in place of its source, and run by Node, Bun, Deno, workerd and a
 * browser. It uses what all of them have: fetch, timers, streams.
 */

interface World {
  /** The origin of `runtime-origin.ts`. */
  readonly origin: string;
  /** A port on which nothing listens. */
  readonly refused: string;
}

export interface Outcome {
  readonly promise: string;
  /** Null: it holds. */
  readonly broken: string | null;
}

type Tried = (world: World, id: string) => Promise<void>;

const quick = { retry: { baseMs: 5 }, timeouts: { overallMs: 8000 } } satisfies FetchOptions;

const promises: Readonly<Record<string, Tried>> = {
  'a GET that is answered with 503 twice is sent three times': async ({ origin }, id) => {
    const response = await createFetch(quick)(`${origin}/fails?id=${id}&times=2`);
    equal([response.status, await response.text(), await sent(origin, id)], [200, 'served', 3]);
  },
  'a retry waits for as long as Retry-After says': async ({ origin }, id) => {
    const start = performance.now();
    const response = await createFetch(quick)(`${origin}/fails?id=${id}&times=1&after=1`);
    const ms = performance.now() - start;
    equal([response.status, ms >= 1000], [200, true]);
  },
  'a POST that may have been executed is sent once': async ({ origin }, id) => {
    const response = await createFetch(quick)(`${origin}/fails?id=${id}&times=1`, { method: 'POST', body: 'order' });
    equal([response.status, failureOf(response)?.mayHaveBeenExecuted, await sent(origin, id)], [503, true, 1]);
  },
  'a POST that a gateway did not pass on is sent again, with its body': async ({ origin }, id) => {
    const url = `${origin}/fails?id=${id}&times=1&delivery=not_sent`;
    const response = await createFetch(quick)(url, { method: 'POST', body: 'order' });
    equal([response.status, await response.text(), await sent(origin, id)], [200, 'served order', 2]);
  },
  'a POST that was redirected is sent once, whatever failed behind that': async ({ origin, refused }, id) => {
    const fetch = createFetch({ ...quick, breaker: false });
    const post = { method: 'POST', body: 'order' };
    const error = await thrownBy(fetch(`${origin}/moved?id=${id}&to=${encodeURIComponent(refused)}`, post));
    equal([error instanceof GatewayError && error.mayHaveBeenExecuted, await sent(origin, id)], [true, 1]);
    const to = encodeURIComponent(`/fails?id=${id}b&times=9&delivery=not_sent`);
    const response = await fetch(`${origin}/moved?id=${id}a&to=${to}`, post);
    equal(
      [response.status, response.redirected, failureOf(response)?.mayHaveBeenExecuted, await sent(origin, `${id}a`)],
      [503, true, true, 1],
    );
    const fine = await fetch(`${origin}/moved?id=${id}c&to=${encodeURIComponent(`/fails?id=${id}d&times=0`)}`, post);
    equal([fine.status, fine.url.includes('/fails'), fine.redirected], [200, true, true]);
  },
  'a POST is sent again with the same key where the service is declared to honour keys': async ({ origin }, id) => {
    const fetch = createFetch({ ...quick, idempotency: { honouredBy: [origin] } });
    const response = await fetch(`${origin}/fails?id=${id}&times=1`, { method: 'POST', body: 'order' });
    const keys = (await report(origin, id)).keys;
    equal(
      [response.status, keys.length, new Set(keys).size, /^"[0-9a-f]{32}"$/.test(keys[0] ?? '')],
      [200, 2, 1, true],
    );
  },
  'an answer that does not come in time is a TimeoutError, and the attempt is ended': async ({ origin }, id) => {
    const fetch = createFetch({ retry: false, timeouts: { attemptMs: 200 } });
    const error = await thrownBy(fetch(`${origin}/silent?id=${id}`));
    equal([error instanceof CallTimeoutError, error instanceof GatewayError && error.shape], [true, 'too_slow']);
  },
  'the reason of an abort is thrown as it is, and nothing is sent again': async ({ origin }, id) => {
    const gone = new AbortController();
    const call = createFetch(quick)(`${origin}/silent?id=${id}`, { signal: gone.signal });
    const reason = new Error('the user has left');
    setTimeout(() => gone.abort(reason), 50);
    equal([(await thrownBy(call)) === reason, (await sent(origin, id)) <= 1], [true, true]);
  },
  'a connection that is cut is a GatewayError, and the GET is sent again before': async ({ origin }, id) => {
    const error = await thrownBy(createFetch(quick)(`${origin}/cut?id=${id}`));
    equal(
      [error instanceof GatewayError, error instanceof TypeError, (await sent(origin, id)) > 1],
      [true, true, true],
    );
  },
  'a port on which nothing listens is never said to have executed a GET for sure': async ({ refused }) => {
    const error = await thrownBy(createFetch({ ...quick, retry: false })(refused));
    equal(error instanceof GatewayError && (error.delivery === 'not_sent' || error.mayHaveBeenExecuted), true);
  },
  'a body that is cut while it is held is asked for again': async ({ origin }, id) => {
    const response = await createFetch(quick)(`${origin}/half?id=${id}`);
    equal([await response.text(), await sent(origin, id)], ['whole body', 2]);
  },
  'bodies are streamed': async ({ origin }) => {
    const response = await createFetch()(`${origin}/bytes?count=300000`);
    let bytes = 0;
    for (const reader = response.body!.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
    }
    equal(bytes, 300_000);
  },
  'a Request and a FormData pass, also when they are sent again': async ({ origin }, id) => {
    const body = new FormData();
    body.set('a', 'b');
    const fetch = createFetch({ ...quick, idempotency: { honouredBy: [origin] } });
    const response = await fetch(new Request(`${origin}/fails?id=${id}&times=1`, { method: 'PUT', body: 'put' }));
    equal([response.status, await response.text()], [200, 'served put']);
    const form = await fetch(`${origin}/echo`, { method: 'POST', body });
    equal(/name="a"[^]*b/.test(await form.text()), true);
  },
  'a redirect is followed, and the response has its address': async ({ origin }) => {
    const response = await createFetch()(`${origin}/redirect`);
    equal([response.url, response.redirected, response.ok], [`${origin}/echo`, true, true]);
  },
  'a breaker that is open sends nothing': async ({ origin }, id) => {
    const fetch = createFetch({ retry: false, breaker: { failuresInRow: 2, waitMs: 0 } });
    for (let call = 0; call < 4; call++) await fetch(`${origin}/fails?id=${id}&times=99`).catch(() => null);
    equal([await sent(origin, id), fetch.stats().origins[0]?.breaker], [2, 'open']);
  },
  'close() ends what waits': async ({ origin }, id) => {
    const fetch = createFetch(quick);
    const call = fetch(`${origin}/silent?id=${id}`);
    setTimeout(() => fetch.close(), 50);
    const error = await thrownBy(call);
    equal(error instanceof GatewayError && [error.cause, fetch.stats().inFlight], ['client_closed', 0]);
  },
  'a page that asks another origin causes no preflight': async ({ origin }, id) => {
    const { document } = globalThis as { document?: unknown };
    await createFetch(quick)(`${origin}/fails?id=${id}&times=1`);
    await createFetch(quick)(`${origin}/fails?id=${id}&times=0`, { method: 'POST', body: 'text' });
    equal(
      [(await report(origin, id)).preflights, (await report(origin, id)).deadlines > 0],
      [0, document === undefined],
    );
  },
};

export async function tryPromises(world: World): Promise<readonly Outcome[]> {
  const run = Math.floor(performance.now() * 1000).toString(36) + Math.floor(Math.random() * 1e9).toString(36);
  return await Promise.all(
    Object.entries(promises).map(async ([promise, tried], index) => ({
      promise,
      broken: await tried(world, `${run}-${index}`).then(
        () => null,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      ),
    })),
  );
}

function equal(actual: unknown, expected: unknown): void {
  const [is, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== wanted) throw new Error(`${is}, not ${wanted}`);
}

async function thrownBy(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    () => null,
    (error: unknown) => error,
  );
}

interface Report {
  readonly sent: number;
  readonly preflights: number;
  /** Requests that said until when their answer is waited for. */
  readonly deadlines: number;
  readonly keys: readonly string[];
}

async function report(origin: string, id: string): Promise<Report> {
  return (await (await fetch(`${origin}/report?id=${id}`)).json()) as Report;
}

async function sent(origin: string, id: string): Promise<number> {
  return (await report(origin, id)).sent;
}
