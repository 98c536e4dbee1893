import type { Failure } from '#failures/failure.ts';

/** So many bytes are kept of what an endpoint sent and the gateway could not parse. */
export const unparsedBytesMax = 512;

/** Of what the bytes were to be a part: the head of a response, the framing of its body (chunks, trailers), or an HTTP/2 frame. */
export const unparsedParts = ['head', 'body', 'frame'] as const;

export type UnparsedPart = (typeof unparsedParts)[number];

interface UnparsedBytes {
  readonly part: UnparsedPart;
  /** Where in that part they begin; null: not known. */
  readonly offset: number | null;
  readonly bytes: Uint8Array;
}

/**
 * They may hold what clients must not see, and no log. So they are kept beside the failure and not in its evidence, which is logged, sent and
 * shown: only who asks here gets them. Nothing is kept for failures of other kinds.
 */
const byFailure = new WeakMap<Failure, UnparsedBytes>();

/** Returns the failure. The bytes must not change any more. */
export function withUnparsed(failure: Failure, unparsed: UnparsedBytes): Failure {
  if (unparsed.bytes.length > 0) byFailure.set(failure, unparsed);
  return failure;
}

export function unparsedOf(failure: Failure): UnparsedBytes | null {
  return byFailure.get(failure) ?? null;
}

/** Of one attempt, as the store and the admin API have them. */
export interface UnparsedJson {
  /** Counted from 1. */
  readonly attempt: number;
  readonly part: UnparsedPart;
  readonly offset: number | null;
  /** In hexadecimal; credentials in them read `...`. */
  readonly bytes: string;
}
