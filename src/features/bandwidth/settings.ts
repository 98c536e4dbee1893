export const bandwidthName = 'bandwidth';

/** How fast bodies of responses are sent. */
export interface BandwidthSpec {
  /** Of one response; null: it has no limit of its own. */
  readonly responseBytesPerS: number | null;
  /** Of all responses of the route together; null: none. */
  readonly routeBytesPerS: number | null;
  /** Bytes of each response that come before its own limit holds. */
  readonly freeBytes: number;
  /** From the main thread: where all workers count for the route, and the number of its rate there. */
  readonly shared?: { readonly rates: SharedArrayBuffer; readonly number: number };
}

/** What is counted for a route. */
export const countedBytes = 1024;

/** What a route may have sent at once, in `countedBytes`. */
export const burstOf = (bytesPerS: number): number => Math.max(64, Math.ceil(bytesPerS / 8 / countedBytes));
