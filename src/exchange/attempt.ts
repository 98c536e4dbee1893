import type { EndpointState, InstanceExit } from '../core/endpoint.ts';
import type { AttemptFacts, RetryReason } from '../core/exchange.ts';
import type { Failure } from '../core/failure.ts';
import type { Delivery } from '../core/shape.ts';
import type { UpstreamStream } from '../core/stream.ts';
import type { Endpoint } from './ports.ts';

/** An instance's exit explains a failure that comes this soon after it. */
export const exitExplainsMs = 2000;

/** One try at one endpoint, while it runs and afterwards. Times are milliseconds since the exchange began. */
export class Attempt implements AttemptFacts {
  readonly target: Endpoint;
  readonly endpoint: string;
  readonly address: string;
  readonly endpointState: EndpointState;
  readonly startedMs: number;
  reused = false;
  idleMs = -1;
  localPort = 0;
  dnsMs = -1;
  connectedMs = -1;
  tlsMs = -1;
  sentMs = -1;
  headMs = -1;
  endedMs = -1;
  status = 0;
  failure: Failure | null = null;
  exit: InstanceExit | null = null;
  retry = false;
  retryReason: RetryReason = 'accepted';
  delivery: Delivery = 'not_sent';

  constructor(target: Endpoint, startedMs: number) {
    this.target = target;
    this.endpoint = target.id;
    this.address = target.address;
    this.endpointState = target.state;
    this.startedMs = startedMs;
  }

  connected(stream: UpstreamStream): void {
    this.reused = stream.reused;
    this.idleMs = stream.reused ? stream.idleMs : -1;
    this.localPort = stream.localPort;
  }

  failed(failure: Failure, endedMs: number, stream: UpstreamStream | null): void {
    this.failure = failure;
    this.endedMs = endedMs;
    this.delivery = deliveryOf(stream);
  }
}

/** How far the request had come when its attempt failed. */
function deliveryOf(stream: UpstreamStream | null): Delivery {
  if (stream === null || !stream.requestBegun) return 'not_sent';
  if (stream.answerBegun) return 'response_started';
  return stream.requestSent ? 'sent_unknown' : 'partial';
}

const order: readonly Delivery[] = ['not_sent', 'refused_by_peer', 'partial', 'sent_unknown', 'response_started'];

/**
 * Whether the failure may be no more than the connection's age: the endpoint closed it while our request was
 * on its way (RFC 9112 §9.5). Then a fresh one to the same endpoint is somewhere else.
 */
export function mayBeStale(attempt: Attempt): boolean {
  return attempt.reused && attempt.failure !== null && staleCauses.has(attempt.failure.cause);
}

const staleCauses: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'closed_before_response',
  'reset_before_response',
  'send_failed',
]);

/** Whether a process that ends looks like this from outside. */
export function mayComeOfExit(failure: Failure): boolean {
  return exitCauses.has(failure.cause);
}

const exitCauses: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  ...staleCauses,
  'connect_refused',
  'connect_reset',
  'response_head_cut',
  'response_content_short',
  'response_chunked_cut',
  'response_content_reset',
]);

/** Of all attempts, the one that came furthest tells whether the request may have been executed. */
export function furthest(a: Delivery, b: Delivery): Delivery {
  return order.indexOf(a) >= order.indexOf(b) ? a : b;
}
