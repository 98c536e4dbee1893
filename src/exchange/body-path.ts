import type { MessageHeaders, Ownership } from '../core/message.ts';

/**
 * What the bytes of an exchange pass through between its two sides, if they are not passed on as they are: the filters of the
 * route, or a tunnel. It sends on what it likes, when it likes. A push that returns false has taken the bytes, and asks to
 * read no more until it resumes that side.
 */
export interface BodyPath {
  pushRequest(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  endRequest(trailers: MessageHeaders | null): void;
  /** The endpoint takes bytes again. */
  onEndpointRoom(): void;
  pushResponse(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  /** The client takes bytes again. */
  onClientRoom(): void;
}
