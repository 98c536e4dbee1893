/** The memory that all workers share. Structured-cloneable: each worker gets it when it starts. */
export interface SharedMemory extends SharedSizes {
  readonly semaphores: SharedArrayBuffer;
  readonly addresses: SharedArrayBuffer;
}

export interface SharedSizes {
  /** Workers at once, those included that are about to end. */
  readonly workersMax: number;
  /** Endpoints at once, those included that drain. */
  readonly endpointsMax: number;
  /** Entries for client addresses that are connected at once; when a third are used, the first may find none. */
  readonly addressesMax: number;
}
