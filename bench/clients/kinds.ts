import { Agent as HttpAgent, type AgentOptions, type ClientRequestArgs } from 'node:http';
import type { Socket } from 'node:net';
import axios from 'axios';
import axiosRetry from 'axios-retry';
import { circuitBreaker, ConsecutiveBreaker, ExponentialBackoff, handleAll, retry, wrap } from 'cockatiel';
import fetchRetry from 'fetch-retry';
import got from 'got';
import ky from 'ky';
import pRetry, { AbortError } from 'p-retry';
import { Agent, RetryAgent } from 'undici';
import { createFetch } from '../../packages/client/src/main.ts';

/** One client's way to its origin. */
interface ClientWorld {
  readonly connect: (done: (error: Error | null, socket: Socket | null) => void) => void;
  readonly honoursKeys: boolean;
}

export interface MeasuredCall {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** Resolves with the status of an answer whose body has come whole; rejects as the library does. */
type SendCall = (call: MeasuredCall) => Promise<number>;

export const configurations = ['documented', 'configured'] as const;
/** As the library's documentation shows it first; or with what people add: more retries, POST too with a key, timeouts of 2 s. */
export type Configuration = (typeof configurations)[number];

export interface Kind {
  readonly name: string;
  /** Where the documented configuration is from. */
  readonly source: string;
  readonly documented: string;
  /** Null: there is nothing to configure. */
  readonly configured: string | null;
  make(world: ClientWorld, configuration: Configuration): SendCall;
}

/** What people set for an attempt. */
const timeoutMs = 2000;

type Fetch = typeof fetch;

/** The platform's fetch over the client's own connections. */
function fetchOf({ connect }: ClientWorld): Fetch {
  const dispatcher = agentOf(connect);
  return ((input, init) => fetch(input, { ...init, dispatcher } as unknown as RequestInit)) as Fetch;
}

function agentOf(connect: ClientWorld['connect']): Agent {
  const connector = (_: unknown, done: (error: Error | null, socket: Socket | null) => void): void => connect(done);
  return new Agent({ connect: connector as never });
}

/** Node's own client over the client's own connections: axios and got use it. */
function httpAgentOf({ connect }: ClientWorld): HttpAgent {
  class MemoryAgent extends HttpAgent {
    override createConnection(_: ClientRequestArgs, done?: (error: Error | null, stream: never) => void): never {
      connect(done as never);
      return undefined as never;
    }
  }
  return new MemoryAgent({ keepAlive: true } satisfies AgentOptions);
}

async function statusOf(response: Response): Promise<number> {
  await response.text();
  return response.status;
}

function withTimeout(call: MeasuredCall): RequestInit {
  return { ...initOf(call), signal: AbortSignal.timeout(timeoutMs) };
}

function initOf({ method, headers, body }: MeasuredCall): RequestInit {
  return { method, headers, ...(body === undefined ? {} : { body }) };
}

class AnsweredBadly extends Error {}

/** As people write it around `fetch`. */
async function orThrow(response: Response): Promise<number> {
  const status = await statusOf(response);
  if (status >= 500 || status === 429) throw new AnsweredBadly(String(status));
  return status;
}

const anyMethod = ['get', 'post', 'put', 'head', 'delete', 'options', 'trace'] as const;

export const kinds: readonly Kind[] = [
  {
    name: 'candor-client',
    source: 'packages/client/README.md',
    documented: '`createFetch()`',
    configured: 'the origins that honour keys declared, `attemptMs: 2000`',
    make(world, configuration) {
      const options = {
        idempotency: { honouredBy: () => world.honoursKeys },
        timeouts: { attemptMs: timeoutMs },
      };
      const send = createFetch({ fetch: fetchOf(world) as never, ...(configuration === 'configured' ? options : {}) });
      return async (call) => statusOf(await send(call.url, initOf(call)));
    },
  },
  {
    name: 'candor-client, openMs 5000',
    source: 'packages/client/README.md',
    documented: '`createFetch({ breaker: { openMs: 5000, waitMs: 20_000 } })`: back within 5 s in place of 2 s',
    configured: null,
    make(world) {
      const send = createFetch({ fetch: fetchOf(world) as never, breaker: { openMs: 5000, waitMs: 20_000 } });
      return async (call) => statusOf(await send(call.url, initOf(call)));
    },
  },
  {
    name: 'fetch',
    source: 'the Fetch standard',
    documented: '`fetch(url)`',
    configured: null,
    make(world) {
      const send = fetchOf(world);
      return async (call) => statusOf(await send(call.url, initOf(call)));
    },
  },
  {
    name: 'ky',
    source: 'its readme, "retry"',
    documented: '`ky(url)`: 2 retries, not of POST, timeout 10 s',
    configured: '3 retries with jitter, POST too, timeout 2 s and retried',
    make(world, configuration) {
      const send =
        configuration === 'documented'
          ? ky.create({ fetch: fetchOf(world) })
          : ky.create({
              fetch: fetchOf(world),
              timeout: timeoutMs,
              retry: { limit: 3, methods: [...anyMethod], jitter: true, retryOnTimeout: true },
            });
      return async (call) => statusOf(await send(call.url, initOf(call)));
    },
  },
  {
    name: 'axios-retry',
    source: 'its README, "Usage"',
    documented: '`axiosRetry(axios, { retries: 3 })`: at once; POST only after network errors',
    configured: '3 retries, exponential, of network errors, 429 and 5xx, POST too, timeout 2 s',
    make(world, configuration) {
      const base = { httpAgent: httpAgentOf(world), proxy: false as const, adapter: 'http' as const };
      const client = axios.create(configuration === 'documented' ? base : { ...base, timeout: timeoutMs });
      axiosRetry(
        client,
        configuration === 'documented'
          ? { retries: 3 }
          : {
              retries: 3,
              retryDelay: (number, error) => axiosRetry.exponentialDelay(number, error),
              shouldResetTimeout: true,
              retryCondition: ({ response }) =>
                response === undefined || response.status === 429 || response.status >= 500,
            },
      );
      return async ({ url, method, headers, body }) =>
        (await client.request({ url, method, headers, data: body })).status;
    },
  },
  {
    name: 'got',
    source: 'its documentation, "Retry"',
    documented: '`got(url)`: 2 retries with Retry-After, not of POST',
    configured: '3 retries, POST too, timeout 2 s',
    make(world, configuration) {
      const base = { agent: { http: httpAgentOf(world) } };
      const client = got.extend(
        configuration === 'documented'
          ? base
          : {
              ...base,
              timeout: { request: timeoutMs },
              retry: { limit: 3, methods: ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'] },
            },
      );
      return async ({ url, method, headers, body }) =>
        (await client(url, { method, headers, ...(body === undefined ? {} : { body }) })).statusCode;
    },
  },
  {
    name: 'p-retry + fetch',
    source: 'its readme, "Usage"',
    documented: '`pRetry(run, { retries: 5 })`: network errors, whatever the method',
    configured: '3 retries with `randomize`, of 429 and 5xx too, timeout 2 s',
    make(world, configuration) {
      const send = fetchOf(world);
      if (configuration === 'documented')
        return (call) =>
          pRetry(
            async () => {
              const response = await send(call.url, initOf(call));
              if (response.status === 404) throw new AbortError(response.statusText);
              return statusOf(response);
            },
            { retries: 5 },
          );
      return (call) =>
        pRetry(async () => orThrow(await send(call.url, withTimeout(call))), { retries: 3, randomize: true });
    },
  },
  {
    name: 'undici RetryAgent',
    source: 'its documentation, "RetryAgent"',
    documented: '`new RetryAgent(new Agent())`: 5 retries with Retry-After, not of POST',
    configured: '3 retries, POST too, timeout 2 s and retried',
    make({ connect }, configuration) {
      const agent =
        configuration === 'documented'
          ? new RetryAgent(agentOf(connect))
          : new RetryAgent(agentOf(connect), {
              maxRetries: 3,
              methods: ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'],
              errorCodes: ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT'],
            });
      const limits = configuration === 'documented' ? {} : { headersTimeout: timeoutMs };
      return async ({ url, method, headers, body }) => {
        const { origin, pathname: path } = new URL(url);
        const answer = await agent.request({ origin, path, method, headers, body: body ?? null, ...limits });
        await answer.body.text();
        return answer.statusCode;
      };
    },
  },
  {
    name: 'cockatiel',
    source: 'its readme, first example',
    documented: 'retry of everything 3 times with `ExponentialBackoff`, around a breaker of 5 failures and 10 s',
    configured: 'the same, timeout 2 s',
    make(world, configuration) {
      const send = fetchOf(world);
      const policy = wrap(
        retry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() }),
        circuitBreaker(handleAll, { halfOpenAfter: 10_000, breaker: new ConsecutiveBreaker(5) }),
      );
      const init = configuration === 'documented' ? initOf : withTimeout;
      return (call) => policy.execute(async () => orThrow(await send(call.url, init(call))));
    },
  },
  {
    name: 'fetch-retry',
    source: 'its README, "Example"',
    documented: '`fetchRetry(fetch)`: 3 retries, 1 s apart, of network errors, whatever the method',
    configured: '3 retries, exponential, of 429, 502, 503 and 504 too, timeout 2 s',
    make(world, configuration) {
      const client = fetchRetry(
        fetchOf(world),
        configuration === 'documented'
          ? undefined
          : { retries: 3, retryDelay: (attempt) => 2 ** attempt * 1000, retryOn: [429, 502, 503, 504] },
      );
      const init = configuration === 'documented' ? initOf : withTimeout;
      return async (call) => statusOf(await client(call.url, init(call) as never));
    },
  },
];
