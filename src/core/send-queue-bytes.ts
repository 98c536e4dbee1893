import type { TransportFacts } from './transport.ts';

/**
 * What the kernel keeps of a connection because its peer has not acknowledged it: on its way, or not sent yet. A transport
 * knows only what the kernel has not taken.
 */
export interface SendQueueBytes {
  /** Tells `waiter` later, and not within the call. */
  look(facts: TransportFacts, waiter: SendQueueWaiter): void;
}

export interface SendQueueWaiter {
  /** Null where nobody knows. */
  onSendQueueBytes(bytes: number | null): void;
}
