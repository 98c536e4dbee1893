import { fail } from '#failures/failure.ts';
import { failWith } from '#failures/result.ts';
import type { RouteId } from '../core/endpoint.ts';
import type { Filter } from '../core/filter.ts';
import type { RouteSpec } from '../core/route-spec.ts';
import type { AskUpstream, Subrequest } from '../core/subrequest.ts';
import type { Clock } from '../core/time.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { ExchangePorts, ServingRevision, Upstream } from '../exchange/ports.ts';
import { SubrequestStream } from '../exchange/subrequest.ts';
import { compileRoute } from './compile-route.ts';
import { noHooks } from './feature-parts.ts';
import { routeHop } from './route-hop.ts';

interface SubrequestsPorts {
  readonly clock: Clock;
  readonly exchangePorts: () => ExchangePorts;
  readonly current: () => ServingRevision;
  readonly upstream: (id: string) => Upstream | null;
}

/** Requests of the gateway's own at its upstreams: each is an exchange of a route that no configuration has. */
export function subrequests({ clock, exchangePorts, current, upstream }: SubrequestsPorts): AskUpstream {
  return (request, signal) => {
    const asked = upstream(request.upstream);
    if (asked === null)
      return Promise.resolve(
        failWith(fail('configuration_fault', 'route', { what: `there is no upstream ${request.upstream}` })),
      );
    const { ownHeaders = [], bodyBytesMax } = request;
    const filters = ownHeaders.length === 0 ? [] : [filterTelling(ownHeaders)];
    const bodyLimits = { responseBytesMax: bodyBytesMax };
    const hooks = { ...noHooks, priority: null, filters, bodyLimits, asksForGateway: true };
    const revision = current();
    const hop = routeHop(revision.hopName, '', request.route);
    const route = compileRoute(routeOf(request), asked, undefined, hooks, hop);
    const serving: ServingRevision = { ...revision, router: { route: () => route } };
    return new Promise((resolve) => {
      const cancel = (): void => stream.cancel();
      const stream = new SubrequestStream(request, clock, (result) => {
        signal?.removeEventListener('abort', cancel);
        resolve(result);
      });
      signal?.addEventListener('abort', cancel, { once: true });
      stream.begin(new Exchange(stream, serving, exchangePorts()));
      if (signal?.aborted === true) cancel();
    });
  };
}

/** What clients say of themselves is not forwarded: a filter's words are. */
function filterTelling(ownHeaders: NonNullable<Subrequest['ownHeaders']>): Filter {
  return {
    name: 'subrequest',
    onRequestHead(exchange) {
      for (const [name, value] of ownHeaders) exchange.setRequestHeader(name, value);
      return 'continue';
    },
  };
}

const noEdits = { remove: [], set: [], add: [] };

function routeOf({ route, upstream, hostSent = 'endpoint', limitMs }: Subrequest): RouteSpec {
  return {
    id: route as RouteId,
    match: { hosts: [], pathPrefix: '/', methods: [] },
    action: { kind: 'upstream', upstream },
    rewrite: { pathPrefix: null, host: hostSent },
    requestHeaders: noEdits,
    responseHeaders: noEdits,
    timeouts: {
      ...{ dnsMs: limitMs, connectMs: limitMs, tlsMs: limitMs, responseHeadMs: limitMs, idleMs: limitMs },
      exchangeMs: limitMs,
    },
    tunnel: { idleMs: limitMs, pingMs: null },
    commitDelayMs: 0,
    buffer: { requestBytesMax: 0, requestWaitMs: 0, responseBytesMax: 0 },
    errorPages: {},
    disclosure: 'operator',
  };
}
