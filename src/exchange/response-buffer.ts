import type { Ownership, ResponseHead } from '../core/message.ts';
import type { BufferAllowance } from './buffer-allowance.ts';
import { BufferedBytes } from './buffered-bytes.ts';
import { isStream } from '../wire/is-stream.ts';

export interface BufferedClient {
  /** Sends bytes on. False: the client has no room for more. */
  passToClient(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
}

/**
 * Bytes of a response that wait for a slow client, so that the endpoint is read at its own speed and its connection is free
 * for other requests.
 *
 *     idle ──tryWait──▶ waiting ──add…──▶ waiting ──onClientRoom──▶ idle          waiting ──full──▶ spent
 *
 * A response that has filled the buffer once is a large one: from then on its endpoint waits for the client.
 */
export class ResponseBuffer {
  readonly #client: BufferedClient;
  readonly #bytesMax: number;
  readonly #bytes: BufferedBytes;
  /** The client has no room: what comes is added here. */
  isWaiting = false;
  #isSpent = false;

  constructor(client: BufferedClient, bytesMax: number, allowance: BufferAllowance) {
    this.#client = client;
    this.#bytesMax = bytesMax;
    this.#bytes = new BufferedBytes(allowance, 'response');
  }

  /** The client has no room. False: the endpoint must wait for it. */
  tryWait(): boolean {
    this.isWaiting = !this.#isSpent;
    return this.isWaiting;
  }

  /** Adds bytes, behind which the endpoint is read on. False: it must wait until the client has room. */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#bytes.tryAdd(bytes, start, end)) {
      this.passAll();
      this.#client.passToClient(bytes, start, end, 'borrowed');
      this.#isSpent = true;
    } else if (this.#bytes.length >= this.#bytesMax) this.#isSpent = true;
    return !this.#isSpent;
  }

  /** The client has taken everything that was passed on. True: nothing waits for it any more. */
  onClientRoom(): boolean {
    this.#bytes.giveBackTaken();
    for (let bytes = this.#bytes.take(); bytes !== null; bytes = this.#bytes.take()) {
      if (!this.#client.passToClient(bytes, 0, bytes.length, 'owned')) return false;
    }
    this.isWaiting = false;
    return true;
  }

  /** The response is complete: passes everything on, whether the client has room or not. */
  passAll(): void {
    for (let bytes = this.#bytes.take(); bytes !== null; bytes = this.#bytes.take())
      this.#client.passToClient(bytes, 0, bytes.length, 'owned');
    this.isWaiting = false;
  }

  /** The exchange has ended. */
  close(): void {
    this.#bytes.release();
  }
}

/**
 * Whether what is left of a response may wait in a buffer: it is no stream, and it fits, as far as its length is known.
 * `passedBytes` of it have been passed on.
 */
export function mayBuffer(head: ResponseHead, passedBytes: number, bytesMax: number): boolean {
  if (bytesMax === 0) return false;
  const { framing, headers } = head;
  if (framing.kind === 'length' && framing.bytes - passedBytes > bytesMax) return false;
  return !isStream(headers);
}
