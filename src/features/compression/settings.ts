export const compressionName = 'compression';

/** In the order in which they are chosen among those that a client likes equally. */
export const compressionCodings = ['zstd', 'br', 'gzip'] as const;

export type CompressionCoding = (typeof compressionCodings)[number];

export interface CompressionSpec {
  readonly codings: readonly CompressionCoding[];
  /** Media types in lower case; one may have a `*` for any text. */
  readonly types: readonly string[];
  readonly minBytes: number;
  readonly levels: Readonly<Record<CompressionCoding, number>>;
}

/** Streams, of which each write must arrive as it is. Also of patterns, which have a `*`. */
export const neverCompressed = /^(?:text\/event-stream|application\/grpc(?:[-+*].*)?|multipart\/x-mixed-replace)$/;
