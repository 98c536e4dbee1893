/** Limits of an HTTP/2 connection that its client may reach: `wire/h2/limits.ts` has each with its number. */
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

/** A connection that ended at such a limit. */
export interface Http2LimitReached {
  readonly listener: string;
  readonly limit: Http2LimitName;
  /** Of the client. */
  readonly address: string;
  /** How long the next connections of the address wait before they are served. */
  readonly delayMs: number;
}

/** Connections that ended at one limit; `address` and `delayMs` are those of the last one. */
export interface Http2LimitCount extends Http2LimitReached {
  readonly count: number;
}
