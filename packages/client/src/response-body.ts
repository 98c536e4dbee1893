import { callAfter, ignore, untilAborted } from './call-scope.ts';
import type { ClientClock } from './client-clock.ts';

/** Of problem details, which are the longest that are read of an answer that failed. */
const problemBytesMax = 16_384;
/** Of other answers: what signatures look at. */
const signatureBytesMax = 256;
/** For the beginning of an answer that failed, and for reading the rest of one that nobody wants. */
const lookMs = 1000;
/** What is read of an answer that nobody wants, so that its connection can be used again. */
const drainBytesMax = 65_536;

/** The beginning of the body as text. The response stays readable. '' where it cannot be had in time. */
export async function readStart(
  response: Response,
  clock: ClientClock,
  bytesMax = /json/.test(response.headers.get('content-type') ?? '') ? problemBytesMax : signatureBytesMax,
): Promise<string> {
  const text = new TextDecoder();
  let start = '';
  await readParts(response.clone(), bytesMax, clock, (part) => (start += text.decode(part, { stream: true })));
  return start.slice(0, bytesMax);
}

/** Reads what is short, so that the connection can be used again, and cancels the rest. Never rejects. */
export async function discardBody(response: Response | null, clock: ClientClock): Promise<void> {
  if (response !== null) await readParts(response, drainBytesMax, clock, () => {});
}

async function readParts(
  { body }: Response,
  bytesMax: number,
  clock: ClientClock,
  take: (part: Uint8Array) => void,
): Promise<void> {
  if (body === null || body.locked) return;
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const cancelTimer = callAfter(clock, lookMs, () => void ignore(reader.cancel()));
  try {
    for (let bytes = 0; bytes < bytesMax; ) {
      const { done, value } = await reader.read();
      if (done) return;
      bytes += value.length;
      take(value);
    }
  } catch {
    // What came so far is all that there is.
  } finally {
    cancelTimer();
    // Not waited for: of two branches of one body, the first one's cancel ends with the other's.
    void ignore(reader.cancel());
  }
}

/** Whether the whole body is read before the caller gets the response: it is short, and comes at once. */
export function isHoldable({ headers, body }: Response, bytesMax: number): boolean {
  const length = Number(headers.get('content-length'));
  return body !== null && length > 0 && length <= bytesMax && !isEventStream(headers);
}

/** Reads a copy of the body: the platform keeps it for the response itself. Rejects if it is cut. */
export async function holdBody(response: Response): Promise<void> {
  await response.clone().arrayBuffer();
}

interface BodyWatch {
  readonly clock: ClientClock;
  /** The one that the body belongs to. */
  readonly attempt: { readonly signal: AbortSignal; readonly abort: () => void };
  readonly idleMs: number | null;
  /** What the caller reads in place of the platform's error. */
  readonly asError: (isIdle: boolean, error: unknown) => unknown;
  readonly ended: () => void;
}

/** Bodies that nobody reads never end: their calls are forgotten with them. */
const unread = new FinalizationRegistry<() => void>((ended) => {
  try {
    ended();
  } catch {
    // workerd calls this outside of any request, where no timer may be cleared. The request's own timers have ended with it.
  }
});

/** The same response, whose body keeps its caller's signal and its idle time, and says how it broke. */
export function watchBody(response: Response, watch: BodyWatch): Response {
  const { body, status, statusText, headers } = response;
  // `new Response` takes no others.
  if (body === null || status < 200 || status > 599) {
    watch.ended();
    return response;
  }
  const stream = watchedStream(response, body, watch);
  unread.register(stream, watch.ended);
  return alike(new Response(stream, { status, statusText, headers }), response);
}

/** What `new Response` cannot be given. */
function alike(made: Response, { url, type, redirected }: Pick<Response, 'url' | 'type' | 'redirected'>): Response {
  const of = { url, type, redirected, clone: () => alike(Response.prototype.clone.call(made), of) };
  return Object.defineProperties(made, Object.getOwnPropertyDescriptors(of));
}

function watchedStream(
  response: Response,
  body: ReadableStream<Uint8Array>,
  { clock, attempt: { signal, abort }, idleMs, asError, ended }: BodyWatch,
): ReadableStream<Uint8Array> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let isIdle = false;
  const stall = (): void => {
    isIdle = true;
    abort();
  };
  const idleMax = isEventStream(response.headers) ? null : idleMs;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader ??= body.getReader();
        const cancelTimer = idleMax === null ? null : callAfter(clock, idleMax, stall);
        try {
          const { done, value } = await untilAborted(reader.read(), signal);
          if (!done) return controller.enqueue(value);
          ended();
          controller.close();
        } catch (error) {
          void ignore(reader.cancel(error));
          ended();
          // The caller's own reason stays what it is.
          controller.error(signal.aborted && !isIdle ? signal.reason : asError(isIdle, error));
        } finally {
          cancelTimer?.();
        }
      },
      async cancel(reason) {
        ended();
        await (reader ?? body).cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

function isEventStream(headers: Headers): boolean {
  return /^text.event-stream/.test(headers.get('content-type') ?? '');
}
