import type { BreakerEvent, ClientHooks, FailuresEvent, RetryEvent } from '../client-hooks.ts';
import type { FetchFunction } from '../fetch-options.ts';

/** All of these hooks, in order. `failuresInRow` is that of the first that has one. */
export function joinHooks(...all: readonly ClientHooks[]): ClientHooks {
  const failuresInRow = all.find((hooks) => hooks.failuresInRow !== undefined)?.failuresInRow;
  const each =
    <E>(pick: (hooks: ClientHooks) => ((event: E) => void) | undefined) =>
    // All are called at once. The client counts what one throws, or rejects with.
    (event: E): unknown =>
      Promise.all(all.map(async (hooks) => pick(hooks)?.(event)));
  const joined: Required<Omit<ClientHooks, 'failuresInRow'>> = {
    retry: each((hooks) => hooks.retry),
    breaker: each((hooks) => hooks.breaker),
    failures: each((hooks) => hooks.failures),
    attempt: each((hooks) => hooks.attempt),
  };
  return failuresInRow === undefined ? joined : { ...joined, failuresInRow };
}

/** What `console`, pino and winston have. */
export interface LogLike {
  info(message: string): void;
  warn(message: string): void;
}

/** One line for each retry, each change of a breaker, and each row of failures. */
export function logHooks(log: LogLike = console): ClientHooks {
  return {
    retry: (event) => log.info(retryLine(event)),
    breaker: (event) => log.warn(breakerLine(event)),
    failures: (event) => log.warn(failuresLine(event)),
  };
}

const retryLine = ({ method, url, attempt, failure, delayMs, reason }: RetryEvent): string =>
  `${method} ${url}: attempt ${attempt} failed (${described(failure)}); the next follows in ${Math.round(delayMs)} ms, since ${reason}`;

const breakerLine = ({ origin, from, to, failure, openMs }: BreakerEvent): string =>
  `breaker of ${origin}: ${from} to ${to}${failure === null ? '' : ` (${described(failure)})`}${openMs === null ? '' : `; nothing is sent for ${Math.round(openMs)} ms`}`;

const failuresLine = ({ origin, failures, failure }: FailuresEvent): string =>
  `${failures} calls to ${origin} have failed in a row; the last one: ${described(failure)}`;

/** `nginx wrote it, 502, unreachable, connect_refused`: what is known, and no more. */
function described({ writer, gateway, status, shape, cause }: FailuresEvent['failure']): string {
  const author = gateway ?? (writer === 'unknown' ? null : `the ${writer}`);
  return [author, status, shape, cause].filter((part) => part !== null).join(', ') || 'no answer';
}

export interface WebhookOptions {
  /** What sends. Default: the platform's. */
  readonly fetch?: FetchFunction;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds until a message is given up. Default 5 s. */
  readonly timeoutMs?: number;
  /** Called with what became of a message that was not accepted. */
  readonly failed?: (error: unknown) => void;
}

/** Messages that wait for an answer at the same time; further ones are given up: an outage must not become a second one. */
const messagesMax = 4;

/** Posts each row of failures and each change of a breaker as JSON. A message that fails is not repeated. */
export function webhookHooks(url: string | URL, options: WebhookOptions = {}): ClientHooks {
  const { fetch = globalThis.fetch as FetchFunction, headers = {}, timeoutMs = 5000, failed = () => {} } = options;
  let waiting = 0;
  const post = (kind: string, event: object): void => {
    if (waiting >= messagesMax)
      return failed(new Error(`${messagesMax} messages wait for ${new URL(url).origin} already`));
    waiting++;
    const init: RequestInit = {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ kind, ...event }),
      signal: AbortSignal.timeout(timeoutMs),
    };
    fetch(url, init)
      .then(async (response) => {
        await response.body?.cancel();
        if (!response.ok) failed(new Error(`the webhook answered ${response.status}`));
      })
      .catch(failed)
      .finally(() => {
        waiting--;
      });
  };
  return {
    failures: (event) => post('failures', event),
    breaker: (event) => post('breaker', event),
  };
}

/** The part of the API of OpenTelemetry that is used: `trace` of `@opentelemetry/api`. */
export interface TraceApiLike {
  getActiveSpan(): { addEvent(name: string, attributes: Record<string, string | number>): unknown } | undefined;
}

/** Events in the span that is active when they happen: `http.client.retry`, `http.client.breaker`, `http.client.failures`. */
export function spanEventHooks(trace: TraceApiLike): ClientHooks {
  const add = (name: string, attributes: Record<string, string | number | null>): void => {
    const known = Object.entries(attributes).filter((pair): pair is [string, string | number] => pair[1] !== null);
    trace.getActiveSpan()?.addEvent(`http.client.${name}`, Object.fromEntries(known));
  };
  const ofFailure = ({ status, shape, cause, gateway, whose }: FailuresEvent['failure']) => ({
    'http.response.status_code': status,
    'candor.shape': shape,
    'candor.cause': cause,
    'candor.gateway': gateway,
    'candor.whose': whose,
  });
  return {
    retry: ({ method, url, attempt, delayMs, reason, failure }) =>
      add('retry', {
        'http.request.method': method,
        'url.full': url,
        'http.request.resend_count': attempt,
        'candor.retry_reason': reason,
        'candor.delay_ms': delayMs,
        ...ofFailure(failure),
      }),
    breaker: ({ origin, from, to, openMs }) =>
      add('breaker', { 'server.address': origin, 'candor.from': from, 'candor.to': to, 'candor.open_ms': openMs }),
    failures: ({ origin, failures, failure }) =>
      add('failures', { 'server.address': origin, 'candor.failures': failures, ...ofFailure(failure) }),
  };
}
