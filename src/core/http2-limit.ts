/** Limits that clients of HTTP/2 may reach: `wire/h2/limits.ts` has each with its number, `worker/admission.ts` that of `abandoned`. */
export const http2LimitNames = [
  'resets',
  'settings',
  'pings',
  'priorities',
  'empty_frames',
  'window_updates',
  'errors',
  'ignored_frames',
  'hpack_bombs',
  'continuations',
  'abandoned',
  'header_block',
] as const;

export type Http2LimitName = (typeof http2LimitNames)[number];

/**
 * Whether the gateway ends the connection that reaches the limit. `abandoned` counts the requests of an address, whose clients have closed their
 * connections themselves.
 */
export function endsConnection(limit: Http2LimitName): limit is Exclude<Http2LimitName, 'abandoned'> {
  return limit !== 'abandoned';
}

/** A connection with which such a limit was reached. */
export interface Http2LimitReached {
  readonly listener: string;
  readonly limit: Http2LimitName;
  /** Of the client. */
  readonly address: string;
  /** How long the next connections of the address wait before they are served. */
  readonly delayMs: number;
}

/** Connections with which one limit was reached; `address` and `delayMs` are those of the last one. */
export interface Http2LimitCount extends Http2LimitReached {
  readonly count: number;
}
