import type { EndedExchange, TunnelFacts } from '../core/exchange.ts';
import { whoseOf } from '../core/explain.ts';
import { fail, type Failure } from '../core/failure.ts';
import { CloseFrameReader } from '../wire/close-frame.ts';
import type { Attempt } from './attempt.ts';

type Side = 'client' | 'application';

/** What a tunnel's end sets, and reads, of its exchange. */
export interface TunnelExchange {
  readonly attempts: readonly Attempt[];
  readonly bytesToClient: number;
  failure: Failure | null;
  endKind: EndedExchange['endKind'];
}

/**
 * Finds out how a tunnel ended. In a WebSocket it looks for close frames, since TCP alone does not distinguish a
 * process that was killed from one that closed the connection: both send a FIN. For other protocols a FIN is a proper end.
 */
export class Tunnel implements TunnelFacts {
  readonly protocol: string;
  how: TunnelFacts['how'] = 'closed';
  by: TunnelFacts['by'] = 'client';
  readonly #fromClient: CloseFrameReader | null;
  readonly #fromEndpoint: CloseFrameReader | null;
  /** Who sent the first close frame, and who the first FIN. */
  #closedFirst: Side | null = null;
  #endedFirst: Side | null = null;
  /** The endpoint ended a WebSocket without a close frame. Later failures are consequences of that. */
  #unclosed: Failure | null = null;

  #directionsOpen = 2;

  /** `extended`: the 101 names an extension of WebSocket. */
  constructor(protocol: string, extended: boolean) {
    this.protocol = protocol;
    const isWebSocket = protocol.toLowerCase() === 'websocket';
    this.#fromClient = isWebSocket ? new CloseFrameReader({ masked: true, extended }) : null;
    this.#fromEndpoint = isWebSocket ? new CloseFrameReader({ masked: false, extended }) : null;
  }

  get closeCode(): number {
    return (this.#closedFirst === 'client' ? this.#fromClient?.code : this.#fromEndpoint?.code) ?? 0;
  }

  /** One direction has ended; returns how many have not. */
  endDirection(): number {
    return --this.#directionsOpen;
  }

  clientSent(bytes: Uint8Array, start: number, end: number): void {
    if (this.#fromClient?.push(bytes, start, end) === true) this.#closedFirst ??= 'client';
  }

  endpointSent(bytes: Uint8Array, start: number, end: number): void {
    if (this.#fromEndpoint?.push(bytes, start, end) === true) this.#closedFirst ??= 'application';
  }

  clientEnded(): void {
    this.#endedFirst ??= 'client';
  }

  /** The failure that this end is; null where it is in order, or follows the client's. */
  endpointEnded(address: string, bytesReceived: number): Failure | null {
    this.#endedFirst ??= 'application';
    if (this.#isInOrder || this.#endedFirst === 'client') return null;
    this.#unclosed = fail('tunnel_unclosed', 'body', { address, bytesReceived });
    return this.#unclosed;
  }

  /** Other protocols end with a FIN, a WebSocket with a close frame. */
  get #isInOrder(): boolean {
    return this.#fromClient === null || this.#closedFirst !== null;
  }

  /** Both sides have sent a close frame: how their connections end does not matter. */
  get #isAgreed(): boolean {
    return this.#fromClient?.seen === true && this.#fromEndpoint?.seen === true;
  }

  /** The tunnel is over: notes how it ended and by whom, also in the exchange. */
  conclude(exchange: TunnelExchange): void {
    const attempt = exchange.attempts.at(-1);
    const failure = this.#failureOf(exchange, attempt);
    if (failure === null) attempt?.succeeded();
    else if (attempt !== undefined && failure.cause.startsWith('tunnel_')) attempt.failure = failure;
    exchange.failure = failure;
    exchange.endKind = failure === null ? 'forwarded' : failure.cause === 'client_gone' ? 'abandoned' : 'truncated';
    if (failure === null) this.by = this.#closedFirst ?? this.#endedFirst ?? 'client';
    else [this.how, this.by] = endOf(failure);
  }

  #failureOf({ failure, bytesToClient }: TunnelExchange, attempt: Attempt | undefined): Failure | null {
    if (this.#isAgreed && (failure === null || broken.has(failure.cause))) return null;
    const met = this.#unclosed ?? failure;
    if (met === null)
      return this.#isInOrder ? null : fail('client_gone', 'flush', { bytesSent: bytesToClient, how: 'closed' });
    if (attempt == null || attempt.exit === null || !byEndpoint.has(met.cause)) return met;
    const { address } = attempt;
    const how = met.cause === 'response_body_reset' ? 'reset' : 'closed';
    return fail('tunnel_exit', 'body', { address, bytesReceived: bytesToClient, how });
  }
}

/** The application's side of the connection broke. */
const byEndpoint: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'tunnel_unclosed',
  'response_body_reset',
  'response_body_unclosed',
]);

const broken: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([...byEndpoint, 'client_gone']);

function endOf(failure: Failure): [TunnelFacts['how'], TunnelFacts['by']] {
  switch (failure.cause) {
    case 'tunnel_exit':
      return ['exit', 'application'];
    case 'tunnel_unclosed':
    case 'response_body_unclosed':
      return ['unclosed', 'application'];
    case 'response_body_reset':
      return ['reset', 'application'];
    case 'client_gone':
      return [failure.evidence.how === 'reset' ? 'reset' : 'unclosed', 'client'];
    case 'drained':
      return ['drained', 'gateway'];
    case 'tunnel_idle':
      return ['idle', 'gateway'];
    default:
      return ['failed', whoseOf(failure) === 'client' ? 'client' : 'gateway'];
  }
}
