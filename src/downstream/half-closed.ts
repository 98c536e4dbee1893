import { Deadline, type Deadlines } from '../core/deadline.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import type { SendQueueBytes, SendQueueWaiter } from '../core/send-queue-bytes.ts';

/** A client that takes nothing of what waits for it for this long has left. */
const stuckMsMax = 10_000;

/** A stream without a length ends for such a client when it has lasted this long, */
const streamMsMax = 60_000;

/**
 * unless the client has taken more in that time than a kernel keeps for a program that does not read (6 MiB on Linux, unless
 * somebody has changed `net.ipv4.tcp_rmem`): then somebody reads.
 */
const readBytesMin = 8 * 1024 * 1024;

const lookEveryMs = 2000;

export interface HalfClosedOwner {
  /** A response is being sent that does not say how long it is. */
  readonly isStreaming: boolean;
  /** The client is taken for gone. */
  onHalfClosedTimeout(): void;
}

export interface HalfClosedPorts {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly sendQueueBytes: SendQueueBytes;
}

/**
 * Watches a client that has sent FIN and still gets its answers (ADR 6). A client that is there and does not read looks like one
 * that reads until its kernel has no room, and an event stream may take an hour to fill that. So a client that has said that
 * it sends no more is not waited for as long as others are.
 */
export class HalfClosedTimeout extends Deadline implements SendQueueWaiter {
  readonly #transport: Transport;
  readonly #ports: HalfClosedPorts;
  readonly #owner: HalfClosedOwner;
  readonly #stuckMs: number;
  #deliveredBytes = 0;
  /** When it was last seen to take something, or had nothing to take. */
  #progressAt: Instant;
  /** Of the stream: since when it is watched, and what had been taken then. */
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

  /** For `UntakenBytes` alone. Where nobody knows what the kernel keeps, it counts as taken. */
  onSendQueueBytes(bytes: number | null): void {
    if (this.index < 0) return;
    const now = this.#ports.clock.now();
    this.at = after(now, lookEveryMs);
    const { sentBytes, pendingBytes } = this.#transport;
    const queued = pendingBytes + (bytes ?? 0);
    const delivered = sentBytes - queued;
    if (queued === 0 || delivered > this.#deliveredBytes) this.#progressAt = now;
    this.#deliveredBytes = delivered;
    if (now - this.#progressAt >= this.#stuckMs || this.#streamsTooLong(now)) this.#owner.onHalfClosedTimeout();
  }

  #streamsTooLong(now: Instant): boolean {
    if (this.#owner.isStreaming && now - this.#streamAt < streamMsMax) return false;
    const isOver = this.#owner.isStreaming && this.#deliveredBytes - this.#streamDelivered < readBytesMin;
    this.#streamAt = now;
    this.#streamDelivered = this.#deliveredBytes;
    return isOver;
  }
}
