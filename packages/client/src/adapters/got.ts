import type { CallFailure } from '../call-failure.ts';
import { GatewayError } from '../gateway-error.ts';
import {
  type AdapterCall,
  type AdapterOptions,
  adapterPolicy,
  admitted,
  isReplayable,
  noteFailure,
  plainHeader,
  responseFacts,
} from './adapter-policy.ts';
import type { Foreign } from './foreign.ts';

export { callFailureOf, type AdapterOptions } from './adapter-policy.ts';

/** What the hooks use of a request of got. */
interface GotRequestLike {
  readonly url: string | URL | undefined;
  readonly method: string;
  readonly body?: unknown;
  readonly isStream?: boolean;
  readonly signal?: AbortSignal | undefined;
  headers: Record<string, unknown>;
  context: Record<string, unknown>;
}

interface GotErrorLike {
  readonly code?: string;
  /** Of a timeout: what had not come in time. */
  readonly event?: string;
  readonly cause?: unknown;
  readonly options?: GotRequestLike;
  readonly response?: {
    readonly statusCode: number;
    readonly headers: Record<string, unknown>;
    readonly body?: unknown;
    readonly rawBody?: unknown;
  };
}

/** Under this name the call lies in `context`, which got keeps over its attempts. */
const name = 'candorCall';

interface OpenCall {
  readonly call: AdapterCall;
  /** Attempts that have passed the breaker. Redirects run the hook again. */
  admitted: number;
  isOpen: boolean;
}

const callIn = (request: GotRequestLike | undefined): OpenCall | null =>
  (request?.context[name] as OpenCall | undefined) ?? null;

/**
 * Options for `got.extend(resilientGot())`. got goes on to send and to throw its own errors; whether and when a request is sent again
 * is decided by the policy. `callFailureOf(error)` says what is known of a failure. Streams are left to got.
 */
export function resilientGot(options: AdapterOptions = {}): GotExtension {
  const { policy, clock, begin } = adapterPolicy(options);

  function open(request: GotRequestLike): OpenCall {
    const url = new URL(String(request.url));
    const key = plainHeader(request.headers, 'idempotency-key') ?? policy.idempotencyKeyFor(request.method, url);
    if (key !== null) request.headers['idempotency-key'] = key;
    const replayable = isReplayable(request.body);
    const call = begin({ method: request.method, url, hasIdempotencyKey: key !== null, replayable });
    return { call, admitted: 0, isOpen: true };
  }

  function failureOf(error: GotErrorLike): CallFailure | null {
    const { response, event } = error;
    if (response !== undefined && error.code === 'ERR_NON_2XX_3XX_RESPONSE') {
      const body = response.rawBody ?? response.body;
      return policy.failureOfResponse(
        responseFacts(response.statusCode, (header) => plainHeader(response.headers, header), body),
      );
    }
    if (event === undefined) return policy.failureOfError(error);
    const isBefore = /^(?:lookup|connect|secureConnect|socket)$/.test(event);
    return policy.failureOfError({ code: isBefore ? 'UND_ERR_CONNECT_TIMEOUT' : 'UND_ERR_HEADERS_TIMEOUT' });
  }

  return {
    handlers: [
      (request, next) => {
        const result = next(request);
        if (request.isStream === true) return result;
        const settle = (isGood: boolean): void => {
          const state = callIn(request);
          if (state?.isOpen !== true) return;
          state.isOpen = false;
          if (isGood) state.call.succeeded();
          // The caller gave up, or a hook threw: the policy has not been asked about it.
          else state.call.cancelled();
        };
        // got keeps what it returned for the caller; this branch must not become an unhandled rejection.
        (result as Promise<unknown>).then(
          () => settle(true),
          () => settle(false),
        );
        return result;
      },
    ],
    hooks: {
      beforeRequest: [
        async (request, { retryCount }) => {
          if (request.isStream === true) return;
          const state = callIn(request) ?? open(request);
          request.context[name] = state;
          if (state.admitted > retryCount) return;
          await admitted(state.call, clock, request.signal ?? null);
          state.admitted = retryCount + 1;
        },
      ],
    },
    retry: {
      limit: Number.MAX_SAFE_INTEGER,
      enforceRetryRules: false,
      calculateDelay: ({ error }) => {
        const state = callIn(error.options);
        // The breaker's refusal has ended the call already; got shows it as the cause of an error of its own.
        if (error.cause instanceof GatewayError) noteFailure(error, error.cause);
        const failure = state?.isOpen !== true || error.cause instanceof GatewayError ? null : failureOf(error);
        if (state === null || failure === null) return 0;
        const isRedirected = (error.request?.redirectUrls?.length ?? 0) > 0;
        const { next, failure: reported } = state.call.failed(failure, isRedirected);
        // got takes 0 for "do not retry".
        if (next.retry) return Math.max(1, next.delayMs);
        state.isOpen = false;
        noteFailure(error, reported);
        return 0;
      },
    },
  };
}

/** A part of got's ExtendOptions. */
export interface GotExtension {
  handlers: ((request: Foreign, next: (request: Foreign) => Foreign) => Foreign)[];
  hooks: { beforeRequest: ((request: Foreign, context: { retryCount: number }) => Promise<void>)[] };
  retry: { limit: number; enforceRetryRules: boolean; calculateDelay: (retry: { error: Foreign }) => number };
}
