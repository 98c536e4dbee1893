import type { Http2LimitCount, Http2LimitReached } from '../core/http2-limit.ts';

/** Counts HTTP/2 connections that ended at a limit between two reports to the main thread. Listeners and limits are few. */
export class Http2Limits {
  #counted = new Map<string, Http2LimitCount>();

  count(reached: Http2LimitReached): void {
    const kind = `${reached.listener} ${reached.limit}`;
    this.#counted.set(kind, { ...reached, count: (this.#counted.get(kind)?.count ?? 0) + 1 });
  }

  /** Those since the last call. */
  take(): readonly Http2LimitCount[] {
    if (this.#counted.size === 0) return [];
    const taken = [...this.#counted.values()];
    this.#counted = new Map();
    return taken;
  }
}
