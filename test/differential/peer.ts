import type { Reading } from './reading.ts';

export type ReaderName = 'node' | 'nginx' | 'haproxy';

/** Somebody else who reads HTTP. */
export interface Peer {
  readonly name: ReaderName;
  /**
   * As it reads a client's bytes; the end mark is put behind them. Who has said nothing for `quietMs` waits for more.
   */
  requests(bytes: Buffer, quietMs: number): Promise<Reading>;
  /** As it reads an endpoint's bytes in answer to `method`, which end with a FIN; the first final response. */
  response(bytes: Buffer, method: string, quietMs: number): Promise<Reading>;
  stop(): Promise<void>;
}
