import type { Server } from 'node:net';
import { duplicateSockets, type SocketHandle } from './duplicate-socket.ts';

/** With the listener's own: a turn of the event loop accepts so many and one. */
const extraMax = 7;

/** They are closed after so many looks in a row without a waiting connection, since each of them is woken for each connection. */
const calmLooks = 32;

/**
 * Accepts at duplicates of a listening socket while connections wait at it (`AcceptPressure`): each has a turn of its own in libuv, and all
 * accept from one queue, so that none of its connections is lost when they close.
 */
export class ExtraAcceptors {
  readonly #fd: number;
  readonly #accept: (handle: SocketHandle) => Server;
  #state: 'none' | 'opening' | 'open' | 'closed' = 'none';
  #servers: Server[] = [];
  #calm = 0;

  /** `accept`: begins to accept at the handle. */
  constructor(fd: number, accept: (handle: SocketHandle) => Server) {
    this.#fd = fd;
    this.#accept = accept;
  }

  /** How many accept. */
  get size(): number {
    return this.#servers.length;
  }

  /** Whether connections wait now. */
  note(isPressed: boolean): void {
    this.#calm = isPressed ? 0 : this.#calm + 1;
    if (isPressed) this.#open();
    else if (this.#state === 'open' && this.#calm >= calmLooks) this.#end('none');
  }

  #open(): void {
    if (this.#state !== 'none') return;
    this.#state = 'opening';
    void this.#duplicate();
  }

  async #duplicate(): Promise<void> {
    const handles = await duplicateSockets(new Array<number>(extraMax).fill(this.#fd));
    for (const handle of handles) {
      if ('errno' in handle) continue;
      if (this.#state === 'opening') this.#servers.push(this.#accept(handle));
      else handle.close();
    }
    if (this.#state === 'opening') this.#state = 'open';
  }

  /** For good: the listener closes. */
  close(): void {
    this.#end('closed');
  }

  #end(state: 'none' | 'closed'): void {
    this.#state = state;
    for (const server of this.#servers) server.close();
    this.#servers = [];
  }
}
