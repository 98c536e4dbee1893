import { describeFailure, unsent } from './call-failure.ts';
import { type CallScope, callScope } from './call-scope.ts';
import type { FetchInput, FetchOptions, ResilientFetch, ResilientRequestInit } from './fetch-options.ts';
import { ClientLimitError, GatewayError } from './gateway-error.ts';
import { type ClientParts, failureOf, runCall } from './resilient-call.ts';
import { createRetryPolicy } from './retry-policy.ts';
import { systemClientClock } from './system.ts';

/** A fetch that survives. Without options it never sends a POST twice that may have been executed, and ends within 30 s. */
export function createFetch(options: FetchOptions = {}): ResilientFetch {
  const { clock = systemClientClock } = options;
  const policy = createRetryPolicy(options);
  const scopes = new Set<CallScope>();
  const counts = {
    calls: 0,
    callsSucceeded: 0,
    callsFailed: 0,
    callsCancelled: 0,
    attempts: 0,
    retries: 0,
    hedges: 0,
    hedgesWon: 0,
  };
  const parts = {
    options,
    clock,
    policy,
    counts,
    notRetried: {},
    queues: new Map(),
  } satisfies ClientParts as ClientParts;
  let closed: ClientLimitError | null = null;

  async function fetch(input: FetchInput, given?: ResilientRequestInit): Promise<Response> {
    // `fetch(url, null)` is lawful.
    const init = given ?? {};
    const { signal: caller = input instanceof Request ? input.signal : null } = init;
    const scope = callScope(clock, caller);
    counts.calls++;
    scopes.add(scope);
    try {
      if (closed) scope.stop(closed);
      scope.signal.throwIfAborted();
      const response = await runCall(parts, input, init, scope);
      if (failureOf(response) === null) counts.callsSucceeded++;
      else counts.callsFailed++;
      return response;
    } catch (error) {
      if (caller?.aborted && error === caller.reason) counts.callsCancelled++;
      else counts.callsFailed++;
      // The body of a response that the error has goes on to listen.
      if (!(error instanceof GatewayError && error.response !== null)) {
        // An attempt may still wait, or have an answer that nobody reads.
        scope.stop(error);
        scope.close();
      }
      throw error;
    } finally {
      scopes.delete(scope);
    }
  }

  return Object.assign(fetch, {
    stats: () => ({
      ...counts,
      hookErrors: policy.hookErrors,
      notRetried: { ...parts.notRetried },
      inFlight: scopes.size,
      queued: [...parts.queues.values()].reduce((sum, { waiters }) => sum + waiters.length, 0),
      origins: policy.origins(),
    }),
    close() {
      const failure = describeFailure(unsent('client_closed'));
      closed = new ClientLimitError('the client is closed', { failure, attempts: 0, retryReason: 'client_closed' });
      for (const scope of scopes) scope.stop(closed);
    },
  });
}
