import { failureOf } from '../resilient-call.ts';
import { fill } from '../fill.ts';
import { createFetch } from '../resilient-fetch.ts';
import type { FetchFunction, FetchOptions } from '../fetch-options.ts';
import { readSignature } from '../signatures/read-signature.ts';
import { noteFailure } from './adapter-policy.ts';

export { callFailureOf } from './adapter-policy.ts';

/** A part of ky's options. */
export interface KyOptions {
  readonly fetch: FetchFunction;
  readonly retry: 0;
  readonly timeout: false;
  readonly hooks: { readonly beforeError: ((state: { readonly error: Error }) => Error)[] };
}

/**
 * Options for `ky.create(resilientKy())`: the client is the `fetch` of ky and does all its retries and timeouts. ky goes on to throw
 * its own HTTPError; `callFailureOf(error)` says what is known of the failure.
 */
export function resilientKy(options: FetchOptions = {}): KyOptions {
  return {
    fetch: createFetch(fill<FetchOptions>({ classify: readSignature }, options)),
    retry: 0,
    timeout: false,
    hooks: {
      beforeError: [
        ({ error }) => {
          const { response } = error as { response?: Response };
          const failure = response === undefined ? null : failureOf(response);
          if (failure !== null) noteFailure(error, failure);
          return error;
        },
      ],
    },
  };
}
