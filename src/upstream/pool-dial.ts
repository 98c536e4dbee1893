import type { Failure } from '../core/failure.ts';
import type { PendingStream, StreamWaiter } from '../core/stream.ts';
import type { Transport } from '../core/transport.ts';
import { Dial, type DialPorts, type DialTarget, type DialWaiter } from './dial.ts';

/** The pool, as its dials see it. One of the three is called, once. */
export interface PoolDialOwner {
  onDialed(dial: PoolDial, transport: Transport, remoteAddress: string): void;
  onDialFailed(dial: PoolDial, failure: Failure): void;
  onDialCancelled(dial: PoolDial): void;
}

/** A new connection for the request that has asked for it. */
export class PoolDial implements DialWaiter, PendingStream {
  readonly waiter: StreamWaiter;
  /** The settings under which the connection is made. */
  readonly tls: DialTarget['tls'];
  readonly #dial: Dial;
  readonly #owner: PoolDialOwner;
  #isPending = true;

  constructor(target: DialTarget, ports: DialPorts, waiter: StreamWaiter, owner: PoolDialOwner) {
    this.waiter = waiter;
    this.tls = target.tls;
    this.#owner = owner;
    this.#dial = new Dial(target, ports, this);
  }

  begin(): this {
    this.#dial.begin();
    return this;
  }

  cancel(): void {
    this.#dial.cancel();
    if (!this.#isPending) return;
    this.#isPending = false;
    this.#owner.onDialCancelled(this);
  }

  onStageDone(stage: 'dns' | 'connect' | 'tls'): void {
    this.waiter.onStageDone(stage);
  }

  onDialed(transport: Transport, address: string): void {
    this.#isPending = false;
    this.#owner.onDialed(this, transport, address);
  }

  onDialFailed(failure: Failure): void {
    if (!this.#isPending) return;
    this.#isPending = false;
    this.#owner.onDialFailed(this, failure);
  }
}
