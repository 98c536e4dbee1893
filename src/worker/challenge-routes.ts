import type { AnswerSettings } from '../core/route-spec.ts';
import type { RouteId } from '../core/endpoint.ts';
import type { HttpChallenge, ShownChallenge } from '../core/managed-tls.ts';
import type { RequestHead } from '../core/message.ts';
import type { Route, Router } from '../exchange/ports.ts';
import { respondFilter } from '../filters/respond.ts';
import { hostOf } from '../wire/host.ts';
import { compileRoute } from './compile-route.ts';
import { noHooks } from './feature-parts.ts';

const path = '/.well-known/acme-challenge/';

/**
 * Answers CAs that look for HTTP-01 challenges (RFC 8555 §8.3), before any route, maintenance or redirect sees the request. Requests
 * for other tokens and hosts go to the routes: another program behind the gateway may obtain certificates too.
 */
export class ChallengeRoutes {
  #challenges: readonly HttpChallenge[] = [];

  constructor(shown: readonly ShownChallenge[]) {
    this.show(shown);
  }

  /** These, and no others. */
  show(shown: readonly ShownChallenge[]): void {
    this.#challenges = shown.filter((challenge) => challenge.kind === 'http-01');
  }

  routerOf(router: Router, settings: AnswerSettings): Router {
    return {
      route: (request, client) => {
        if (this.#challenges.length === 0 || !request.target.startsWith(path)) return router.route(request, client);
        const challenge = this.#find(request);
        return challenge === undefined ? router.route(request, client) : routeOf(challenge, settings);
      },
    };
  }

  #find({ target, authority, method }: RequestHead): HttpChallenge | undefined {
    if (method !== 'GET' && method !== 'HEAD') return undefined;
    const host = hostOf(authority);
    const token = target.slice(path.length);
    return this.#challenges.find((challenge) => challenge.token === token && challenge.domain === host);
  }
}

/** A challenge is asked for a few times: what a route needs is not kept. */
function routeOf({ keyAuthorization }: HttpChallenge, settings: AnswerSettings): Route {
  const none = { remove: [], set: [], add: [] };
  return compileRoute(
    {
      ...settings,
      id: 'acme-challenge' as RouteId,
      match: { hosts: [], pathPrefix: path, methods: [] },
      action: { kind: 'feature', feature: 'respond' },
      rewrite: { pathPrefix: null, host: 'client' },
      requestHeaders: none,
      responseHeaders: none,
      timeouts: noTimeouts,
      tunnel: { idleMs: 1000, pingMs: null },
      commitDelayMs: 0,
      buffer: { requestBytesMax: 0, requestWaitMs: 0, responseBytesMax: 0 },
    },
    null,
    undefined,
    {
      ...noHooks,
      priority: null,
      filters: [respondFilter(200, 'application/octet-stream', keyAuthorization)],
    },
  );
}

/** Nothing is waited for. */
const noTimeouts = { dnsMs: 1000, connectMs: 1000, tlsMs: 1000, responseHeadMs: 1000, idleMs: 1000, exchangeMs: null };
