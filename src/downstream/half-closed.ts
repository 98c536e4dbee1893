import { Deadline, type Deadlines } from '../core/deadline.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { SendQueueBytes, SendQueueWaiter } from '../core/send-queue-bytes.ts';

/** A client that reads nothing for this long, although bytes wait for it, is taken for gone. */
const stuckMsMax = 10_000;

/** A response without a length is ended after this time, */
const streamMsMax = 60_000;

/**
 * unless the client has acknowledged more in that time than its kernel buffers for a program that does not read (6 MiB on
 * Linux by default, `net.ipv4.tcp_rmem`): then the program reads.
 */
const readBytesMin = 8 * 1024 * 1024;

/** While the gateway drains, a response without a length of which the client has taken nothing for this long is ended. */
const quietDrainMs = 5000;

const lookEveryMs = 2000;

export interface HalfClosedOwner {
  /** A response without a length is being sent. */
  readonly isStreaming: boolean;
  /** The gateway wants the connection to end, and waits for it. */
  readonly isDraining: boolean;
  /** The client is taken for gone. */
  onHalfClosedTimeout(): void;
}

interface HalfClosedPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly sendQueueBytes: SendQueueBytes;
}

/**
 * Watches a client that has sent FIN and still gets its responses (ADR 10). A client that has left looks like one that reads until
 * its kernel has no room, and an event stream may take an hour to fill that. So the limits are shorter than for other clients.
 */
export class HalfClosedTimeout extends Deadline implements SendQueueWaiter {
  readonly #transport: Transport;
  readonly #ports: HalfClosedPorts;
  readonly #owner: HalfClosedOwner;
  readonly #stuckMs: number;
  #deliveredBytes = 0;
  /** When the client was last seen to read, or had nothing to read. */
  #progressAt: Instant;
  /** When the client was last seen to read. */
  #readAt: Instant;
  /** When the current period of the stream began, and how many bytes had been delivered then. */
  #streamAt: Instant;
  #streamDelivered = 0;

  constructor(transport: Transport, writeMs: number, ports: HalfClosedPorts, owner: HalfClosedOwner) {
    super();
    this.#transport = transport;
    this.#ports = ports;
    this.#owner = owner;
    this.#stuckMs = Math.min(writeMs, stuckMsMax);
    const now = ports.clock.now();
    this.#progressAt = now;
    this.#readAt = now;
    this.#streamAt = now;
    this.at = after(now, lookEveryMs);
    ports.deadlines.add(this);
  }

  stop(): void {
    this.#ports.deadlines.remove(this);
  }

  override onExpired(): void {
    this.#ports.sendQueueBytes.look(this.#transport.facts, this);
  }

  /** For `SendQueueBytes` alone. Bytes in the kernel count as delivered where their number is unknown. */
  onSendQueueBytes(bytes: number | null): void {
    if (this.index < 0) return;
    const now = this.#ports.clock.now();
    this.at = after(now, lookEveryMs);
    const { sentBytes, pendingBytes } = this.#transport;
    const queued = pendingBytes + (bytes ?? 0);
    const delivered = sentBytes - queued;
    if (delivered > this.#deliveredBytes) this.#readAt = now;
    if (queued === 0 || delivered > this.#deliveredBytes) this.#progressAt = now;
    this.#deliveredBytes = delivered;
    if (now - this.#progressAt >= this.#stuckMs || this.#streamsTooLong(now) || this.#holdsDrain(now))
      this.#owner.onHalfClosedTimeout();
  }

  /** Without bytes for it, a client that has left answers with no reset: only time shows it. */
  #holdsDrain(now: Instant): boolean {
    return this.#owner.isDraining && this.#owner.isStreaming && now - this.#readAt >= quietDrainMs;
  }

  #streamsTooLong(now: Instant): boolean {
    if (this.#owner.isStreaming && now - this.#streamAt < streamMsMax) return false;
    const isOver = this.#owner.isStreaming && this.#deliveredBytes - this.#streamDelivered < readBytesMin;
    this.#streamAt = now;
    this.#streamDelivered = this.#deliveredBytes;
    return isOver;
  }
}
