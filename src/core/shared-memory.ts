/** The memory that all workers share. Structured-cloneable: each worker gets it when it starts. */
export interface SharedMemory extends SharedSizes {
  readonly semaphores: SharedArrayBuffer;
  readonly addresses: SharedArrayBuffer;
}

export interface SharedSizes {
  /** Workers at once, including those that are being replaced. */
  readonly workersMax: number;
  /** Endpoints at once, including those that drain. */
  readonly endpointsMax: number;
  /** Bounds of requests in flight at once, including those of earlier configurations; absent: none. */
  readonly boundsMax?: number;
  /** Entries for client addresses that are connected at once. When a third of them are used, a new address may find its bucket full. */
  readonly addressesMax: number;
}
