import { fail, type Failure } from '#failures/failure.ts';
import type { PendingStream, StreamWaiter, UpstreamStream } from '../core/stream.ts';
import type { AttemptFacts } from '../core/exchange.ts';
import type { EndpointRelease } from '../core/endpoint-release.ts';
import type { Endpoint, Route, Upstream } from './ports.ts';

/**
 * The route for an exchange that is answered by `stream`: it is asked once, at once, and nothing of its response is held. `replaced`: the attempt in
 * whose place it answers; null: there was none.
 */
export function routeToSource(
  route: Route,
  stream: UpstreamStream,
  replaced: Pick<AttemptFacts, 'release'> | null,
): Route {
  // Nothing becomes free if a response waits in memory for its client.
  const buffer = { ...route.buffer, responseBytesMax: 0 };
  const asked = replaced === null ? null : route.upstream;
  const upstream = new ResponseSource(stream, asked, replaced?.release ?? null);
  // The limit of responses is one of what endpoints send.
  const bodyLimits = route.bodyLimits && { ...route.bodyLimits, responseBytesMax: null };
  return {
    ...{ ...route, upstream, split: null, bounds: null, retry: null, asksPrevious: false, commitDelayMs: 0 },
    ...{ buffer, bodyLimits },
  };
}

/** A stream that a filter has made, in the place of an upstream and of its only endpoint. */
class ResponseSource implements Upstream, Endpoint {
  readonly id: string;
  readonly application: string;
  readonly attemptsMax = 0;
  readonly secure = false;
  readonly isSource = true;
  readonly authority = '';
  readonly state = 'unchecked';
  readonly exit = null;
  readonly runs: EndpointRelease | null;
  readonly #stream: UpstreamStream;

  /** `asked`: the upstream that was asked before. */
  constructor(stream: UpstreamStream, asked: Upstream | null, release: EndpointRelease | null) {
    this.id = asked?.id ?? '';
    this.application = asked?.application ?? '';
    this.runs = release;
    this.#stream = stream;
  }

  get address(): string {
    return this.#stream.address;
  }

  choose(): Endpoint {
    return this;
  }

  hasOther(): boolean {
    return false;
  }

  mayRetry(): boolean {
    return false;
  }

  unavailable(): Failure {
    return fail('gateway_fault', 'route', { invariant: 'a response source is always available' });
  }

  acquire(waiter: StreamWaiter): PendingStream | null {
    waiter.onStream(this.#stream);
    return null;
  }
}
