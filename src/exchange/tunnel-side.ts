import { after, type Instant } from '../core/time.ts';
import type { FillRandomly, WebSocketDirection } from './websocket-direction.ts';

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
