/** HTTP/2 connections of clients that the gateway ended because their frames broke a rule of RFC 9113. */
export interface Http2ErrorCount {
  readonly listener: string;
  /** The error that the client was sent in GOAWAY (RFC 9113 §7). */
  readonly code: string;
  readonly count: number;
}

/** Sums of such connections in a worker, until they are reported. */
export class Http2Errors {
  #counted = new Map<string, Http2ErrorCount>();

  add({ listener, code, count }: Http2ErrorCount): void {
    const key = `${listener} ${code}`;
    this.#counted.set(key, { listener, code, count: count + (this.#counted.get(key)?.count ?? 0) });
  }

  /** Those since the last call. */
  take(): readonly Http2ErrorCount[] {
    if (this.#counted.size === 0) return [];
    const taken = [...this.#counted.values()];
    this.#counted = new Map();
    return taken;
  }
}
