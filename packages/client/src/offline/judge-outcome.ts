import type { CallFailure } from '../call-failure.ts';
import { GatewayError } from '../gateway-error.ts';
import { failureOfError } from '../network-failure.ts';
import { failureOf } from '../resilient-call.ts';
import { failureOfResponse } from '../response-failure.ts';
import { readSignature } from '../signatures/read-signature.ts';

/** How an attempt ended: with a response, or with what `fetch` threw. */
export interface CallOutcome {
  readonly response: Response | null;
  readonly error: unknown;
  /** Null: it did not fail, or was refused by a 4xx. */
  readonly failure: CallFailure | null;
}

export const outcomeOfResponse = (response: Response, wallTime: number): CallOutcome => {
  const header = (name: string): string | null => response.headers.get(name);
  const { status } = response;
  // Of another fetch than that of `createFetch` the head is known, and no more.
  const failure = failureOf(response) ?? failureOfResponse({ status, header, bodyStart: '' }, readSignature, wallTime);
  return { response, error: null, failure };
};

export const outcomeOfError = (error: unknown): CallOutcome => ({
  response: null,
  error,
  failure: error instanceof GatewayError ? error : failureOfError(error),
});

/** What becomes of a call: 'wait' means that it is sent again later. */
export function judgeOutcome(
  { response, failure }: CallOutcome,
  isRepeatable: boolean,
): 'sent' | 'refused' | 'fails_anywhere' | 'maybe_executed' | 'wait' {
  if (failure === null) return response !== null && response.status < 400 ? 'sent' : 'refused';
  if (!failure.temporary) return 'fails_anywhere';
  return failure.mayHaveBeenExecuted && !isRepeatable ? 'maybe_executed' : 'wait';
}
