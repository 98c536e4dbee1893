import type { TransportFacts } from './transport.ts';

/**
 * The bytes of a connection in the kernel's send queue: in flight or not sent, and not acknowledged by the peer. A transport
 * knows only the bytes that the kernel has not accepted.
 */
export interface SendQueueBytes {
  /** Calls `waiter` later, never during the call. */
  look(facts: TransportFacts, waiter: SendQueueWaiter): void;
}

export interface SendQueueWaiter {
  /** Null if the number is not known. */
  onSendQueueBytes(bytes: number | null): void;
}
