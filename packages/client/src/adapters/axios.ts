import type { CallFailure } from '../call-failure.ts';
import type { FetchFunction, FetchInput } from '../fetch-options.ts';
import { followingFetch } from '#client/redirects.ts';
import { isIdempotent } from '../retry-decision.ts';
import {
  type AdapterOptions,
  adapterPolicy,
  admitted,
  isReplayable,
  noteFailure,
  pause,
  plainHeader,
  responseFacts,
} from './adapter-policy.ts';

export { callFailureOf, type AdapterOptions } from './adapter-policy.ts';

/** What the adapter uses of a request of axios. */
export interface AxiosRequestLike {
  method?: string;
  data?: unknown;
  signal?: unknown;
  cancelToken?: unknown;
  beforeRedirect?: unknown;
  headers: { get(name: string): unknown; set(name: string, value: string): unknown };
}

export interface AxiosResponseLike {
  readonly status: number;
  readonly headers: unknown;
  readonly data: unknown;
  readonly request?: unknown;
}

/** The part of `axios` that the adapter needs, so that it depends on no version of it. */
export interface AxiosLike<Request, Response> {
  getAdapter(adapters: never, config: never): (request: Request) => Promise<Response>;
  getUri(request: never): string;
  readonly defaults: { readonly adapter?: unknown };
  readonly CanceledError: new (message: string) => Error;
}

export interface AxiosAdapterOptions extends AdapterOptions {
  /** What sends an attempt: 'xhr', 'http', 'fetch', or a function. Default: that of `axios.defaults`. */
  readonly adapter?: unknown;
}

interface AxiosErrorLike {
  readonly code?: string;
  readonly cause?: unknown;
  readonly request?: unknown;
  readonly response?: AxiosResponseLike;
}

/**
 * An adapter for axios that sends a request again where that is safe: `axios.create({ adapter: resilientAdapter(axios) })`. axios
 * goes on to throw its own errors; `callFailureOf(error)` says what is known of the failure. `timeout` of axios bounds each attempt.
 */
export function resilientAdapter<Request extends AxiosRequestLike, Response extends AxiosResponseLike>(
  axios: AxiosLike<Request, Response>,
  options: AxiosAdapterOptions = {},
): (request: Request) => Promise<Response> {
  const { policy, clock, begin } = adapterPolicy(options);
  const send = axios.getAdapter(
    (options.adapter ?? axios.defaults.adapter) as never,
    { env: { fetch: observedFetch } } as never,
  );
  return async (request) => {
    const method = (request.method ?? 'get').toUpperCase();
    const url = new URL(axios.getUri(request as never), (globalThis as { location?: { href: string } }).location?.href);
    const key = request.headers.get('Idempotency-Key') ?? policy.idempotencyKeyFor(method, url);
    if (typeof key === 'string') request.headers.set('Idempotency-Key', key);
    const hasIdempotencyKey = typeof key === 'string';
    const call = begin({ method, url, hasIdempotencyKey, replayable: isReplayable(request.data) });
    const signal = signalOf(request);
    let isRedirected = false;
    const { beforeRedirect } = request;
    request.beforeRedirect = (...details: unknown[]): void => {
      isRedirected = true;
      if (typeof beforeRedirect === 'function') beforeRedirect(...details);
    };
    const waited = async (wait: Promise<void>): Promise<void> => {
      try {
        await wait;
      } catch (error) {
        call.cancelled();
        throw signal?.aborted === true ? new axios.CanceledError('canceled') : error;
      }
    };
    for (;;) {
      await waited(admitted(call, clock, signal));
      isRedirected = false;
      const outcome = await send(request).then(
        (response) => ({ response, error: null }),
        (error: unknown) => ({ response: (error as AxiosErrorLike).response ?? null, error: error as AxiosErrorLike }),
      );
      if (signal?.aborted === true && outcome.response === null) {
        call.cancelled();
        throw outcome.error as Error;
      }
      let failure: CallFailure | null;
      try {
        failure = outcome.response === null ? ofError(outcome.error) : ofResponse(outcome.response);
      } catch (error) {
        // What `classify` throws is the caller's mistake.
        call.cancelled();
        throw error;
      }
      if (failure === null) call.succeeded();
      isRedirected ||= redirected.has(Object((outcome.response ?? outcome.error)?.request) as object);
      const judged = failure === null ? null : call.failed(failure, isRedirected);
      if (judged?.next.retry !== true) {
        if (judged !== null) noteFailure(outcome.error, judged.failure);
        if (outcome.error !== null) throw outcome.error as Error;
        return outcome.response as Response;
      }
      discard(outcome.response?.data);
      await waited(pause(clock, judged.next.delayMs, signal));
    }
  };

  function ofResponse({ status, headers, data }: AxiosResponseLike): CallFailure | null {
    return policy.failureOfResponse(
      responseFacts(status, (name) => plainHeader(headers as Readonly<Record<string, unknown>>, name), data),
    );
  }

  function ofError(error: AxiosErrorLike | null): CallFailure {
    // Its own timeout does not tell whether the request had been sent by then.
    const isTimeout = error?.cause === undefined && /^(?:ECONNABORTED|ETIMEDOUT)$/.test(error?.code ?? '');
    return policy.failureOfError(isTimeout ? { code: 'UND_ERR_HEADERS_TIMEOUT' } : (error?.cause ?? error));
  }
}

/** Requests of axios's adapter for fetch that were redirected: of that it tells nobody. */
const redirected = new WeakSet<object>();

async function observedFetch(input: FetchInput, init?: RequestInit): Promise<Response> {
  const { method } = { method: 'GET', ...init, ...(input instanceof Request ? { method: input.method } : {}) };
  const note = (of: unknown): void => {
    if ((of as { redirected?: boolean } | null)?.redirected === true) redirected.add(Object(input) as object);
  };
  try {
    const fetch = followingFetch(globalThis.fetch as FetchFunction, !isIdempotent(method));
    const response = await fetch(input, init);
    note(response);
    return response;
  } catch (error) {
    note(error);
    throw error;
  }
}

interface CancelTokenLike {
  toAbortSignal?(): AbortSignal;
}

function signalOf({ signal, cancelToken }: AxiosRequestLike): AbortSignal | null {
  const signals = [signal as AbortSignal | undefined, (cancelToken as CancelTokenLike | undefined)?.toAbortSignal?.()];
  const given = signals.filter((one) => one !== undefined && one !== null);
  return given.length > 1 ? AbortSignal.any(given) : (given[0] ?? null);
}

/** Of a response that is a stream: nothing else would read it. */
function discard(data: unknown): void {
  const stream = data as { destroy?(): void; cancel?(): Promise<void> } | null | undefined;
  if (typeof stream?.destroy === 'function') stream.destroy();
  else if (typeof stream?.cancel === 'function') void stream.cancel().catch(() => undefined);
}
