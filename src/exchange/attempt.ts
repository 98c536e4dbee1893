import type { EndpointState, InstanceExit } from '../core/endpoint.ts';
import type { AttemptFacts, RetryReason } from '../core/exchange.ts';
import type { Failure } from '../core/failure.ts';
import type { ResponseHead } from '../core/message.ts';
import type { Delivery } from '../core/shape.ts';
import type { PendingStream, UpstreamStream } from '../core/stream.ts';
import { inVainFor } from '../policy/retry.ts';
import type { Endpoint } from './ports.ts';

/** One try at one endpoint, while it runs and afterwards. Times are milliseconds since the exchange began. */
export class Attempt implements AttemptFacts {
  readonly target: Endpoint;
  readonly endpoint: string;
  /** Of the endpoint; once connected, that of the connection, which may be the name's other family. */
  address: string;
  readonly endpointState: EndpointState;
  readonly addressStale: boolean;
  readonly startedMs: number;
  reused = false;
  idleMs = -1;
  localPort = 0;
  queuedMs = -1;
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
  /** While it waits for a stream, and while it has one. */
  pending: PendingStream | null = null;
  stream: UpstreamStream | null = null;

  constructor(target: Endpoint, startedMs: number) {
    this.target = target;
    this.endpoint = target.id;
    this.address = target.address;
    this.endpointState = target.state;
    this.addressStale = target.addressStale === true;
    this.startedMs = startedMs;
  }

  /** Something on the way to a connection is done. */
  reached(stage: 'queue' | 'dns' | 'connect' | 'tls', atMs: number): void {
    if (stage === 'queue') this.queuedMs = atMs;
    else if (stage === 'dns') this.dnsMs = atMs;
    else if (stage === 'connect') this.connectedMs = atMs;
    else this.tlsMs = atMs;
  }

  connected(stream: UpstreamStream): void {
    this.address = stream.address;
    this.pending = null;
    this.stream = stream;
    this.reused = stream.reused;
    this.idleMs = stream.reused ? stream.idleMs : -1;
    this.localPort = stream.localPort;
  }

  answered(response: ResponseHead, atMs: number): void {
    this.status = response.status;
    this.headMs = atMs;
  }

  /** The response is whole: it went well, whatever becomes of the client. */
  ended(atMs: number): void {
    this.endedMs = atMs;
    this.stream = null;
  }

  /** The endpoint has ended its half of a tunnel, and not in order; what the client sends still goes there. */
  broke(failure: Failure, atMs: number): void {
    this.failure = failure;
    this.endedMs = atMs;
  }

  /** What broke broke when all was done. */
  succeeded(): void {
    this.failure = null;
    this.retryReason = 'accepted';
  }

  failed(failure: Failure, atMs: number): void {
    this.failure = failure;
    this.endedMs = atMs;
    this.delivery = deliveryOf(this.stream);
    this.pending = null;
    this.stream = null;
  }

  /** It ends for a reason that is not its own. */
  giveUp(failure: Failure, atMs: number): void {
    const { pending, stream } = this;
    this.failed(failure, atMs);
    this.retryReason = inVainFor(failure) ?? 'fails_anywhere';
    pending?.cancel();
    stream?.cancel();
  }
}

/** How far the request had come when its attempt failed. */
function deliveryOf(stream: UpstreamStream | null): Delivery {
  if (stream === null || !stream.requestBegun) return 'not_sent';
  if (stream.answerBegun) return 'response_started';
  return stream.requestSent ? 'sent_unknown' : 'partial';
}

const order: readonly Delivery[] = ['not_sent', 'refused_by_peer', 'partial', 'sent_unknown', 'response_started'];

/** Of all attempts, the one that came furthest tells whether the request may have been executed. */
export function furthest(a: Delivery, b: Delivery): Delivery {
  return order.indexOf(a) >= order.indexOf(b) ? a : b;
}
