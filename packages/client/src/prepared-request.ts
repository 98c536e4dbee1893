import { untilAborted } from './call-scope.ts';
import { never } from './retry-defaults.ts';
import type { FetchInput, FetchOptions, ResilientRequestInit } from './fetch-options.ts';

/** A request that can be sent as often as its body allows. */
export interface PreparedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly replayable: boolean;
  /** The arguments of fetch for one attempt. */
  toArguments(headers: Headers, signal: AbortSignal): [input: FetchInput, init: RequestInit];
}

/** Bodies of Request objects are streams, whatever they were made of. Up to this size they are read, so that they can be sent again. */
const requestBytesMax = 65_536;

export async function prepareRequest(
  input: FetchInput,
  { resilience: _, ...init }: ResilientRequestInit,
  signal: AbortSignal,
): Promise<PreparedRequest> {
  const base: Partial<Request> = input instanceof Request ? input : {};
  const { method = base.method ?? 'GET', headers = base.headers } = init;
  const body = init.body ?? (base.body == null ? null : await readBody(base.body, signal));
  const url = new URL(
    base.url ?? (input as string | URL),
    (globalThis as { location?: { href: string } }).location?.href,
  );
  // Throws what is wrong with the call, which would be thrown again by each attempt.
  void new Request(url, { method, body: body && '' });
  return {
    method: method.toUpperCase(),
    url,
    headers: new Headers(headers),
    // A browser that hides the body of a request cannot say whether there is one.
    replayable: isReplayable(body) && (base.body !== undefined || base.url === undefined || !/^P/.test(method)),
    // `duplex` is for streams, and does no harm to others.
    toArguments: (headers, signal) => [
      base.url === undefined ? url.href : input,
      { ...init, headers, signal, ...(body === null ? {} : ({ body, duplex: 'half' } as RequestInit)) },
    ],
  };
}

type BodySource = Exclude<RequestInit['body'], undefined>;

/** A stream is sent once: to keep it would take memory without a limit, unseen by the caller. Those of Node have `pipe`. */
function isReplayable(body: BodySource): boolean {
  const { getReader, pipe, [Symbol.asyncIterator]: iterator } = Object(body) as Record<PropertyKey, unknown>;
  return (getReader ?? pipe ?? iterator) === undefined;
}

/** The whole body if it is small; else a stream of what was read and the rest. */
async function readBody(body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<BodySource> {
  const reader = body.getReader();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= requestBytesMax) {
    const { done, value } = await untilAborted(reader.read(), signal);
    if (done) return new Blob(parts as Uint8Array<ArrayBuffer>[]);
    parts.push(value);
    bytes += value.length;
  }
  return new ReadableStream({
    async pull(controller) {
      const part = parts.shift() ?? (await reader.read()).value;
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** Those of the call, and behind them those that the options add to each attempt. */
export function headersOf(
  { method, url, headers }: PreparedRequest,
  { headers: added, deadlineHeader = ownDeadlineHeader(url) }: FetchOptions,
  attempt: number,
  leftMs: number,
): Headers {
  const timeoutMs = leftMs < never ? Math.max(1, Math.floor(leftMs)) : null;
  const all = new Headers(added?.({ url: url.href, method, attempt, timeoutMs }));
  if (deadlineHeader !== null && timeoutMs !== null) all.set(deadlineHeader, `${timeoutMs}`);
  headers.forEach((value, name) => all.set(name, value));
  return all;
}

/** A page that asks another origin pays for each header with a preflight request. */
function ownDeadlineHeader({ origin }: URL): string | null {
  const page = (globalThis as { location?: { origin: string } }).location?.origin;
  return (page ?? origin) === origin ? 'x-envoy-expected-rq-timeout-ms' : null;
}
