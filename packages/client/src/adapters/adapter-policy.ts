import { answeredBefore, type CallFailure, describeFailure } from '../call-failure.ts';
import { untilAborted, within } from '../call-scope.ts';
import type { ClientClock } from '../client-clock.ts';
import { fill } from '../fill.ts';
import { BreakerOpenError, GatewayError } from '../gateway-error.ts';
import type { ResponseFacts } from '../response-facts.ts';
import type { RetryPolicyOptions } from '../retry-options.ts';
import type { NextStep } from '../retry-decision.ts';
import { type BreakerRefusal, type ClientRetryPolicy, createRetryPolicy, type PolicyCall } from '../retry-policy.ts';
import { readSignature } from '../signatures/read-signature.ts';
import { systemClientClock } from '../system.ts';

/** What every adapter takes: the options of a policy, or a policy that it shares with others. */
export interface AdapterOptions extends RetryPolicyOptions {
  /** Its breakers and budgets are then those of all adapters that share it, and the options of a policy are not read here. */
  readonly policy?: ClientRetryPolicy;
  /** How long a call may take, with all attempts and waits, before no further attempt is made. Default 30 s; null: without end. */
  readonly overallMs?: number | null;
  /** Divides an origin into breakers and budgets of their own. */
  readonly key?: (url: URL) => string;
}

export interface AdapterPolicy {
  readonly policy: ClientRetryPolicy;
  readonly clock: ClientClock;
  readonly begin: (request: AdapterRequest) => AdapterCall;
}

interface AdapterRequest {
  readonly method: string;
  readonly url: URL;
  readonly hasIdempotencyKey: boolean;
  readonly replayable: boolean;
}

export function adapterPolicy(options: AdapterOptions): AdapterPolicy {
  const policy = options.policy ?? createRetryPolicy(fill<RetryPolicyOptions>({ classify: readSignature }, options));
  const overall = options.overallMs === undefined ? {} : { overallMs: options.overallMs };
  return {
    policy,
    clock: options.clock ?? systemClientClock,
    begin: (request) =>
      new AdapterCall(
        policy.begin({
          ...request,
          ...overall,
          ...(options.key === undefined ? {} : { key: options.key(request.url) }),
        }),
      ),
  };
}

/** A call of the policy that remembers whether one of its attempts may have been executed. */
export class AdapterCall {
  readonly policyCall: PolicyCall;
  #maybeExecuted = false;

  constructor(policyCall: PolicyCall) {
    this.policyCall = policyCall;
  }

  /** What the caller gets to know of the call, where this is the failure of its last attempt. `isRedirected`: it came behind a redirect. */
  failed(known: CallFailure, isRedirected = false): { readonly next: NextStep; readonly failure: CallFailure } {
    const failure = isRedirected ? describeFailure(known, answeredBefore) : known;
    this.#maybeExecuted ||= failure.mayHaveBeenExecuted;
    return {
      next: this.policyCall.failed(failure),
      failure: { ...failure, mayHaveBeenExecuted: this.#maybeExecuted },
    };
  }

  admit(): BreakerRefusal | null {
    return this.policyCall.admit();
  }

  succeeded(): void {
    this.policyCall.succeeded();
  }

  cancelled(): void {
    this.policyCall.cancelled();
  }

  /** The breaker does not let the call through. */
  refused(failure: CallFailure): BreakerOpenError {
    const { subject, attempts } = this.policyCall;
    const message = `${subject.method} ${subject.url} was not sent: its origin has failed too often, and the breaker is open`;
    const reported = { ...failure, mayHaveBeenExecuted: this.#maybeExecuted };
    return new BreakerOpenError(message, { failure: reported, attempts, retryReason: 'breaker_open' });
  }
}

/** Resolves after the time; rejects with the reason of the signal as soon as that is aborted, and leaves no timer. */
export function pause(clock: ClientClock, ms: number, signal: AbortSignal | null = null): Promise<void> {
  return within(clock, ms, (over) => (signal === null ? over : untilAborted(over, signal)));
}

/** Resolves when the breaker lets the attempt through; rejects if that would take too long, or the caller gives up. */
export async function admitted(
  call: AdapterCall,
  clock: ClientClock,
  signal: AbortSignal | null = null,
): Promise<void> {
  for (;;) {
    const refusal = call.admit();
    if (refusal === null) return;
    if (!refusal.next.retry) throw call.refused(refusal.failure);
    await pause(clock, refusal.next.delayMs, signal);
  }
}

const failures = new WeakMap<object, CallFailure>();

/** Remembers what is known of the failure that an error of another library reports. */
export function noteFailure(error: unknown, failure: CallFailure): void {
  if (typeof error === 'object' && error !== null) failures.set(error, failure);
}

/** What is known of a failed call: of a GatewayError, or of the error that the adapted library threw. Null: the error is no failure of a call. */
export function callFailureOf(error: unknown): CallFailure | null {
  if (error instanceof GatewayError) return error;
  return typeof error === 'object' && error !== null ? (failures.get(error) ?? null) : null;
}

/** As much of a body as is read to tell who wrote it: problem details as a whole, of others what signatures read. */
export const bodyStartMax = (contentType: string | null): number =>
  /^application\/(?:problem\+)?json/i.test(contentType ?? '') ? 65_536 : 256;

/** Facts of a response whose body is at hand, in whatever form the library has it. A stream is not read. */
export function responseFacts(status: number, header: ResponseFacts['header'], body: unknown): ResponseFacts {
  return { status, header, bodyStart: startOf(body, bodyStartMax(header('content-type'))) };
}

function startOf(body: unknown, max: number): string {
  if (typeof body === 'string') return body.slice(0, max);
  if (body instanceof ArrayBuffer) return decode(new Uint8Array(body), max);
  if (body instanceof Uint8Array) return decode(body, max);
  return isPlain(body) ? JSON.stringify(body).slice(0, max) : '';
}

const decode = (bytes: Uint8Array, max: number): string => new TextDecoder().decode(bytes.subarray(0, max));

/** What a library has parsed out of JSON. */
const isPlain = (body: unknown): boolean =>
  Array.isArray(body) ||
  (typeof body === 'object' && body !== null && Object.getPrototypeOf(body) === Object.prototype);

/** Whether a body can be sent again: not one that is read as it is sent. */
export function isReplayable(body: unknown): boolean {
  if (body === null || body === undefined || typeof body !== 'object') return true;
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body) || body instanceof URLSearchParams) return true;
  if (body instanceof Blob || body instanceof FormData) return true;
  const streams = ['pipe', 'getReader', 'next', Symbol.asyncIterator] as const;
  return !streams.some((name) => typeof (body as Record<string | symbol, unknown>)[name] === 'function');
}

/** A header of a plain object, whatever the case of its name. */
export function plainHeader(headers: Readonly<Record<string, unknown>>, name: string): string | null {
  const found = Object.keys(headers).find((key) => key.toLowerCase() === name.toLowerCase());
  const value = found === undefined ? null : headers[found];
  if (value === null || value === undefined) return null;
  // Headers are texts, numbers, or lists of them.
  return Array.isArray(value) ? value.join(', ') : `${value as string | number}`;
}
