/**
 * Every limit of this room, with its reason; those of a request's head come from the configuration, whose defaults have
 * theirs. Reaching one is a rule broken, by name.
 */
export interface HeadLimits {
  /** A whole head, from its first byte to the last of its empty line. */
  readonly headBytesMax: number;
  readonly headersMax: number;
  readonly targetBytesMax: number;
  readonly methodBytesMax: number;
}

/** The longest registered method, UPDATEREDIRECTREF, has 17. */
export const methodBytesMax = 32;

/**
 * Our own endpoints are trusted more than clients: Content-Security-Policy and many Set-Cookie lines make 20 KiB heads in
 * practice, which nginx's 4 or 8 KiB turn into its "too big header" 502.
 */
export const responseLimits: HeadLimits = {
  headBytesMax: 64 * 1024,
  headersMax: 256,
  targetBytesMax: 0, // A response has neither.
  methodBytesMax: 0,
};

let lastLimits = responseLimits;

/** With another limit for heads, which nearly always is the same as before. */
export function responseLimitsWith(headBytesMax: number): HeadLimits {
  if (lastLimits.headBytesMax !== headBytesMax) lastLimits = { ...responseLimits, headBytesMax };
  return lastLimits;
}

/**
 * The interim responses (1xx) of one exchange, and all bytes of their heads. A page announces what it needs in one 103 or two, and
 * a sign of life comes every few seconds; an endless series would else be read for as long as the answer may take.
 */
export const interimMax = 100;
export const interimBytesMax = 256 * 1024;

export interface ChunkLimits {
  /**
   * One chunk-size with its extensions, without CR LF. Sizes take at most 16 digits; extensions, whose one
   * use is signatures of some 90 bytes (AWS SigV4 streaming), get the rest.
   */
  readonly chunkSizeLineMax: number;
  /** All extensions of one message: else many tiny chunks with long extensions cost far more than their body. */
  readonly chunkExtensionBytesMax: number;
  readonly trailerBytesMax: number;
  readonly trailerHeadersMax: number;
}

export const chunkLimits: ChunkLimits = {
  chunkSizeLineMax: 256,
  chunkExtensionBytesMax: 64 * 1024,
  trailerBytesMax: 16 * 1024, // As much as Node gives a whole head; gRPC-style trailers take some hundred bytes.
  trailerHeadersMax: 64,
};

/** Leading zeros are allowed (RFC 9112 §7.1: 1*HEXDIG), but sixteen digits say every size there can be. */
export const chunkSizeDigitsMax = 16;

/** RFC 9112 §2.2: an old client may send CR LF after its body. Two such lines and two more for luck; not a stream. */
export const emptyLinesMax = 4;

/**
 * Names a Connection header may nominate (RFC 9110 §7.6.1). Each is looked up among all header lines, so the product is
 * to be bounded; real messages nominate one or two. A message that nominates more is refused: what it keeps for one connection
 * would go further.
 */
export const nominationsMax = 32;

/**
 * How many bytes are copied at once while a head is read: pipelined requests behind it are then copied at most once each,
 * and a copy of 4 KiB costs some 0.1 µs.
 */
export const copyStepBytes = 4 * 1024;

/** How many of a peer's first bytes are kept as evidence of what it speaks. */
export const evidenceBytesMax = 64;
