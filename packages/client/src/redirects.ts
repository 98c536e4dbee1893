import { ignore } from './call-scope.ts';
import type { FetchFunction, FetchInput } from './fetch-options.ts';

/**
 * The fetch for one request. `isOnce`: it may not be executed twice. Where a platform follows a redirect, its error does not say so: a refused
 * connection would prove that nothing was sent, although the service has answered. So the first redirect of such a request is followed here, and
 * an error behind it has `redirected`.
 */
export function followingFetch(fetch: FetchFunction, isOnce: boolean): FetchFunction {
  // A page cannot look into a redirect.
  const follows = isOnce && !('location' in globalThis);
  return async (input, init = {}) => (follows ? fetchAndFollow(fetch, input, init) : fetch(input, init));
}

/** Where the caller's redirects are followed. A Request that has a body of its own is kept for a redirect that wants it again. */
async function fetchAndFollow(fetch: FetchFunction, input: FetchInput, init: RequestInit): Promise<Response> {
  const asked: Partial<Request> = input instanceof Request ? input : {};
  const { method = asked.method ?? 'GET', redirect = asked.redirect ?? 'follow' } = init;
  if (redirect !== 'follow') return fetch(input, init);
  const body = init.body === undefined && asked.body != null ? (input as Request).clone().body : (init.body ?? null);
  const answer = await fetch(input, { ...init, redirect: 'manual' });
  const location = answer.headers.get('location');
  if (location === null || !/^30[12378]$/.test(String(answer.status))) return answer;
  try {
    void ignore(answer.body?.cancel());
    const from = new URL(asked.url ?? (input as string | URL));
    const target = new URL(location, from);
    const { headers = asked.headers, signal = asked.signal } = init;
    const sent = { ...init, method, body, headers, signal, duplex: 'half' } as RequestInit;
    const response = await fetch(target.href, redirected(sent, answer.status, target.origin === from.origin));
    return Object.defineProperty(response, 'redirected', { value: true });
  } catch (error) {
    if (init.signal?.aborted !== true) Object.assign(Object(error) as object, { redirected: true });
    throw error;
  }
}

/** The next request, as the standard of fetch makes it (HTTP-redirect fetch). */
function redirected(init: RequestInit, status: number, isSameOrigin: boolean): RequestInit {
  const headers = new Headers(init.headers);
  const isRead = status === 303 || (status < 303 && init.method === 'POST');
  if (isRead)
    for (const name of ['type', 'length', 'encoding', 'language', 'location']) headers.delete(`content-${name}`);
  if (!isSameOrigin)
    for (const name of ['authorization', 'proxy-authorization', 'cookie', 'host']) headers.delete(name);
  return { ...init, headers, redirect: 'follow', ...(isRead ? { method: 'GET', body: null } : {}) };
}
