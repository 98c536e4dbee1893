import type { Reading } from './reading.ts';

export type ReaderName = 'node' | 'nginx' | 'haproxy';

/** Another reader of HTTP. */
export interface Peer {
  readonly name: ReaderName;
  /**
   * How it reads a client's bytes, which are followed by the end mark. A reader that has sent nothing for `quietMs`
   * waits for more.
   */
  requests(bytes: Buffer, quietMs: number): Promise<Reading>;
  /** How it reads an endpoint's bytes in answer to `method`, which end with a FIN; the first final response. */
  response(bytes: Buffer, method: string, quietMs: number): Promise<Reading>;
  stop(): Promise<void>;
}
