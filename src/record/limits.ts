/**
 * How many characters of each text a record keeps; longer texts end with "…". A whole line stays below
 * `lineBytesMax` whatever a client or an application sends.
 */
export const recordLimits = {
  /** Ids of a trusted peer may have any form; our own ids have 36 characters. */
  id: 128,
  /** Names from the configuration, addresses of clients. */
  name: 256,
  /** No method that is known has more than 17 (UPDATEREDIRECTREF). */
  method: 32,
  /** SIGVTALRM is the longest. */
  signal: 16,
  /** Longer than any domain name (RFC 1035 §2.3.4). */
  host: 255,
  /** A request target may have 8 KiB and more; its beginning is enough to identify it. */
  path: 2048,
  query: 2048,
  /** Each request header that `log.headers` names. */
  header: 256,
  /** Each text of the evidence: 64 bytes of garbage written out need 256. */
  evidence: 512,
  detail: 2048,
  /** Each reason of a state. */
  reason: 240,
  /** More attempts than this are a configuration mistake; the first ones and the last are kept. */
  attempts: 16,
} as const;

/** One character may take six bytes (\u2026). With every text at its limit a line has some 300 KiB. */
export const lineBytesMax = 512 * 1024;
