import type { FetchFunction } from './fetch-options.ts';

/** In place of `redirects.ts` where a bundler builds for pages, which cannot look into redirects. */
export function followingFetch(fetch: FetchFunction): FetchFunction {
  return fetch;
}
