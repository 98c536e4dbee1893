import { Buffer } from 'node:buffer';
import type { MemoryTransport } from '../../src/testing/memory-transport.ts';
import type { ClientActor } from '../exchange/world.ts';

/**
 * A client to which everything after the head of its answer is the body, until the connection ends: an HTTP/1.0 client,
 * or one that has changed to another protocol. With a FIN the body is complete, with a reset it is truncated.
 */
export class PlainClient implements Pick<ClientActor, 'status' | 'state' | 'body'> {
  state: ClientActor['state'] = 'open';
  readonly #transport: MemoryTransport;
  #bytes = Buffer.alloc(0);

  constructor(transport: MemoryTransport) {
    this.#transport = transport;
    transport.listener = {
      onBytes: (bytes, start, end) => {
        this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(start, end)]);
      },
      onEnd: () => this.#ended('whole'),
      onWritten() {},
      onClosed: (errno) => this.#ended(errno === null ? 'whole' : 'cut'),
    };
  }

  #ended(state: 'whole' | 'cut'): void {
    // A reset after a FIN changes nothing for a client that has read the FIN.
    if (this.state === 'open') this.state = state;
  }

  send(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    if (!this.#transport.closed) this.#transport.write(bytes, 0, bytes.length, 'borrowed');
  }

  finish(): void {
    if (!this.#transport.closed) this.#transport.end();
  }

  get #head(): string {
    const end = this.#bytes.indexOf('\r\n\r\n');
    return end < 0 ? '' : this.#bytes.toString('latin1', 0, end + 4);
  }

  get status(): number {
    return Number(this.#head.split(' ')[1] ?? 0);
  }

  get body(): Buffer {
    const head = this.#head.length;
    return head === 0 ? Buffer.alloc(0) : this.#bytes.subarray(head);
  }
}
