import type { FetchFunction } from './fetch-options.ts';

/** In place of `redirects.ts` where a bundler builds for pages, which cannot look into redirects. A browser wants its fetch to be called without a receiver. */
export function followingFetch(fetch: FetchFunction): FetchFunction {
  return async (input, init) => fetch(input, init);
}
