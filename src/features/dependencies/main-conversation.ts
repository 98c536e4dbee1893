/** How a check talks to a dependency. What comes from the network is hostile: each read is bounded, and nothing throws. */
import { visibleLine } from '#failures/invisible-characters.ts';
import type { DependencyFinding } from './finding.ts';

export type ConversationStep =
  /** More bytes are needed. */
  | null
  | { readonly send: Uint8Array }
  /** The check is over. `send`: a farewell. */
  | { readonly finding: DependencyFinding; readonly send?: Uint8Array };

export interface Conversation {
  /** What is sent first; null: the peer begins. */
  begin(): Uint8Array | null;
  /** All bytes that have come and were not taken yet. `take` says how many of them are not needed any more. */
  onBytes(bytes: Uint8Array, take: (count: number) => void): ConversationStep;
}

/** No answer that a check needs is larger. */
export const answerBytesMax = 65_536;

const detailMax = 160;

/** Words of a peer, for people: one line, shortened. */
export function peerText(bytes: Uint8Array): string | null {
  const text = visibleLine(new TextDecoder().decode(bytes.subarray(0, 4 * detailMax)));
  if (text === '') return null;
  return text.length <= detailMax ? text : `${text.slice(0, detailMax - 1)}…`;
}

/** Reads numbers and texts; what goes beyond the end is 0 or empty, and `isOver` tells. */
export class BoundedReader {
  readonly #bytes: Uint8Array;
  #at: number;
  isOver = false;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  bytes(count: number): Uint8Array {
    if (count < 0 || count > this.left) {
      this.isOver = true;
      return new Uint8Array(0);
    }
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  rest(): Uint8Array {
    return this.bytes(this.left);
  }

  byte(): number {
    return this.bytes(1)[0] ?? 0;
  }

  bigEndian(count: number): number {
    return this.bytes(count).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  littleEndian(count: number): number {
    return this.bytes(count).reduceRight((sum, byte) => sum * 256 + byte, 0);
  }

  /** Up to the next zero byte, which is taken too; without one it is over. */
  untilZero(): Uint8Array {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end === -1) {
      this.isOver = true;
      return new Uint8Array(0);
    }
    const found = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    return found;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const utf8 = (text: string): Uint8Array => encoder.encode(text);
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);
