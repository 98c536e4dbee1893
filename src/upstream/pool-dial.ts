import type { UpstreamSpec } from '../core/configuration.ts';
import type { Failure } from '../core/failure.ts';
import type { PendingStream, StreamWaiter } from '../core/stream.ts';
import type { Transport } from '../core/transport.ts';
import { proxyHeader } from '../wire/write-proxy-protocol.ts';
import { Dial, type DialPorts, type DialTarget, type DialWaiter } from './dial.ts';

/** The pool, as its dials see it. One of the three is called, once. */
export interface PoolDialOwner {
  onDialed(dial: PoolDial, transport: Transport, remoteAddress: string): void;
  onDialFailed(dial: PoolDial, failure: Failure): void;
  onDialCancelled(dial: PoolDial): void;
}

/** What a connection is made with, and keeps as long as it lives. */
export type DialSettings = Pick<UpstreamSpec, 'tls' | 'proxyProtocol'>;

export type PoolDialTarget = Omit<DialTarget, 'tls' | 'header'>;

/**
 * The PROXY protocol header for the client of a request, as text that can be compared: a connection that began with it may
 * carry this request. Null where connections have no header.
 */
export function announcementFor({ client }: StreamWaiter, { proxyProtocol }: DialSettings): string | null {
  if (proxyProtocol === undefined) return null;
  const { address, port, connection } = client;
  const header = proxyHeader(proxyProtocol, {
    address,
    port,
    to: connection.localAddress,
    toPort: connection.localPort,
  });
  return Buffer.from(header).toString('latin1');
}

/** A new connection for the request that has asked for it. */
export class PoolDial implements DialWaiter, PendingStream {
  readonly waiter: StreamWaiter;
  /** The settings under which the connection is made. */
  readonly settings: DialSettings;
  /** The PROXY protocol header of the request's client, as text; null: the connection begins with none. */
  readonly announced: string | null;
  readonly #dial: Dial;
  readonly #owner: PoolDialOwner;
  #isPending = true;

  constructor(
    target: PoolDialTarget,
    settings: DialSettings,
    ports: DialPorts,
    waiter: StreamWaiter,
    owner: PoolDialOwner,
  ) {
    this.waiter = waiter;
    this.settings = settings;
    this.announced = announcementFor(waiter, settings);
    this.#owner = owner;
    const header = this.announced === null ? null : Buffer.from(this.announced, 'latin1');
    this.#dial = new Dial({ ...target, tls: settings.tls, header }, ports, this);
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
