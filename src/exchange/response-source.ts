import { fail, type Failure } from '#failures/failure.ts';
import type { PendingStream, StreamWaiter, UpstreamStream } from '../core/stream.ts';
import type { EndpointRelease } from '../core/endpoint-release.ts';
import type { Endpoint, Route, Upstream } from './ports.ts';

/** Made once for each route: a copy for every file is the dearest object of a small one. */
const routes = new WeakMap<Route, Route>();

/**
 * The route for an exchange that is answered by a stream: it is asked once, at once, and nothing of its response is held. `asked`: the upstream in
 * the place of whose response it answers; null: there was none.
 */
export function routeToSource(route: Route, asked: Upstream | null): Route {
  if (asked !== null) return toSource(route, { ...sources, id: asked.id, application: asked.application });
  const known = routes.get(route) ?? toSource(route, sources);
  routes.set(route, known);
  return known;
}

function toSource(route: Route, upstream: Upstream): Route {
  // Nothing becomes free if a response waits in memory for its client.
  const buffer = { ...route.buffer, responseBytesMax: 0 };
  // The limit of responses is one of what endpoints send.
  const bodyLimits = route.bodyLimits && { ...route.bodyLimits, responseBytesMax: null };
  return {
    ...{ ...route, upstream, split: null, bounds: null, retry: null, asksPrevious: false, commitDelayMs: 0 },
    ...{ buffer, bodyLimits },
  };
}

const unavailable = (): Failure =>
  fail('gateway_fault', 'route', { invariant: 'a response source is always available' });

/** Stands in the place of an upstream. Its only endpoint is the `ResponseSource` of the exchange. */
const sources: Upstream = {
  id: '',
  application: '',
  attemptsMax: 0,
  secure: false,
  isSource: true,
  choose: () => null,
  hasOther: () => false,
  mayRetry: () => false,
  unavailable,
};

/** A stream that a filter has made, as the endpoint that is asked. */
export class ResponseSource implements Endpoint {
  readonly id: string;
  readonly authority = '';
  readonly state = 'unchecked';
  readonly exit = null;
  readonly runs: EndpointRelease | null;
  readonly #stream: UpstreamStream;

  /** `asked`: the upstream that was asked before. */
  constructor(stream: UpstreamStream, asked: Upstream | null, release: EndpointRelease | null) {
    this.id = asked?.id ?? '';
    this.runs = release;
    this.#stream = stream;
  }

  get address(): string {
    return this.#stream.address;
  }

  acquire(waiter: StreamWaiter): PendingStream | null {
    waiter.onStream(this.#stream);
    return null;
  }
}
