import { after, type Instant } from '../core/time.ts';
import type { FillRandomly, WebSocketDirection } from './websocket-direction.ts';
import type { TunnelFacts } from '../core/exchange.ts';
import { whoseOf } from '#failures/failure-texts.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { Attempt } from './attempt.ts';

/** Whether the failure is that the application's side of the connection broke. */
export function isBrokenByEndpoint({ cause }: Failure): boolean {
  return byEndpoint.has(cause);
}

/** Whether the failure is that one of the two connections broke. */
export function isBrokenConnection({ cause }: Failure): boolean {
  return cause === 'client_gone' || byEndpoint.has(cause);
}

const byEndpoint: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'tunnel_unclosed',
  'response_body_reset',
  'response_body_unclosed',
]);

/** The failure of a tunnel whose connection broke because the process of the instance ended. */
export function exitFailure({ address }: Attempt, { cause }: Failure, bytesReceived: number): Failure {
  const how = cause === 'response_body_reset' ? 'reset' : 'closed';
  return fail('tunnel_exit', 'body', { address, bytesReceived, how });
}

/** How a tunnel with this failure ended, and which side ended it. */
export function tunnelEndOf(failure: Failure): [TunnelFacts['how'], TunnelFacts['by']] {
  switch (failure.cause) {
    case 'tunnel_exit':
      return ['exit', 'application'];
    case 'tunnel_unclosed':
    case 'response_body_unclosed':
      return ['unclosed', 'application'];
    case 'response_body_reset':
      return ['reset', 'application'];
    case 'client_gone':
      return [failure.evidence.how === 'closed' ? 'unclosed' : 'reset', 'client'];
    case 'drained':
      return ['drained', 'gateway'];
    case 'tunnel_idle':
      return ['idle', 'gateway'];
    default:
      return ['failed', whoseOf(failure) === 'client' ? 'client' : 'gateway'];
  }
}

/** Eight random bytes: no ping of the other side, and none of another gateway in a chain, has the same payload. */
const payloadBytes = 8;

/** One side of a tunnel: when it was last active, and when the gateway pings it. */
export class TunnelSide {
  /** When its last byte came, or the pause after it ended. */
  activeAt: Instant;
  /** The gateway reads nothing from it, because the other side takes no more. */
  isPaused = false;
  /** A ping of the other side has been passed to it, and it has sent nothing since. */
  owesPong = false;
  #pingedAt: Instant;
  #payload: Uint8Array | null = null;

  constructor(now: Instant) {
    this.activeAt = now;
    this.#pingedAt = now;
  }

  onBytes(now: Instant): void {
    this.activeAt = now;
    this.owesPong = false;
  }

  /** The other side takes bytes again. */
  onRoom(now: Instant): void {
    if (this.isPaused) this.activeAt = now;
    this.isPaused = false;
  }

  /** When a ping is due, if the side sends nothing until then. A side that is not read cannot answer. */
  pingAt(now: Instant, pingMs: number): Instant {
    if (this.isPaused) return after(now, pingMs);
    return after(Math.max(this.activeAt, this.#pingedAt) as Instant, pingMs);
  }

  /**
   * Pings the side: `outgoing` leads to it, and the pong comes in `incoming`. A side that owes the other side a pong is left
   * alone: it need answer the last ping only (RFC 6455 §5.5.3), and the other side would miss its pong.
   */
  ping(now: Instant, outgoing: WebSocketDirection, incoming: WebSocketDirection, fill: FillRandomly): void {
    this.#pingedAt = now;
    if (this.owesPong) return;
    if (this.#payload === null) {
      this.#payload = new Uint8Array(payloadBytes);
      fill(this.#payload);
      incoming.dropPongs(this.#payload);
    }
    outgoing.ping(this.#payload);
    outgoing.flush();
  }
}
