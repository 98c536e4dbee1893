import type { EndpointProtocol, UpstreamSpec } from '../core/upstream-spec.ts';
import type { Failure } from '#failures/failure.ts';
import type { AddressUse, ConnectionGroup } from '../core/pooled-connection.ts';
import type { PendingStream, ReusePolicy, StreamWaiter } from '../core/stream.ts';
import type { Instant } from '../core/time.ts';
import type { Transport } from '../core/transport.ts';
import { proxyHeader } from '../wire/write-proxy-protocol.ts';
import { Dial, type DialLimits, type DialPorts, type DialTarget, type DialWaiter } from './dial.ts';

/** The pool, as its dials see it. One of the first three is called, once. */
export interface PoolDialOwner {
  onDialed(dial: PoolDial, transport: Transport, remoteAddress: string): void;
  onDialFailed(dial: PoolDial, failure: Failure): void;
  onDialCancelled(dial: PoolDial): void;
  /** One of several requests that share the dial has been cancelled. */
  onDialShareCancelled(): void;
}

/** What a connection is made with, and keeps as long as it lives. */
export type DialSettings = Pick<UpstreamSpec, 'tls' | 'proxyProtocol' | 'protocol'>;

export type PoolDialTarget = Omit<DialTarget, 'tls' | 'header' | 'protocols'>;

/** Behind this text: connections on which HTTP/2 is not spoken although the upstream has it. */
const http1Group = 'HTTP/1.1 ';

/**
 * The group of connections that may carry the request: of upstreams with the PROXY protocol, those that began with the header of
 * its client; of upstreams with HTTP/2, those of HTTP/1.1 apart (`isHttp1`). Null: all others. As text, to be compared.
 */
export function groupFor(waiter: StreamWaiter, settings: DialSettings, isHttp1: boolean): string | null {
  const header = announcementFor(waiter, settings);
  if (!isHttp1 || settings.protocol !== 'http2') return header === null ? null : textOf(header);
  return header === null ? http1Group : http1Group + textOf(header);
}

function textOf(header: Uint8Array): string {
  return Buffer.from(header).toString('latin1');
}

/** The PROXY protocol header for the client of a request; null where connections have none. */
function announcementFor({ client }: StreamWaiter, { proxyProtocol }: DialSettings): Uint8Array | null {
  if (proxyProtocol === undefined) return null;
  const { address, port, connection } = client;
  const { localAddress: to, localPort: toPort } = connection;
  return proxyHeader(proxyProtocol, { address, port, to, toPort });
}

const http1Protocols = ['http/1.1'];
const http2Protocols = ['h2', 'http/1.1'];

/** ALPN names that are offered within TLS. */
export function protocolsOffered(protocol: EndpointProtocol = 'http1'): readonly string[] {
  return protocol === 'http2' ? http2Protocols : http1Protocols;
}

/** What is asked of a dial: how the request that needs the connection asked the pool. */
export interface DialDemand {
  readonly waiter: StreamWaiter;
  readonly limits: DialLimits;
  readonly reusePolicy: ReusePolicy;
  /** That of its client. */
  readonly use: AddressUse | null;
}

/** What requests share: a dial, or a question on a connection. */
export interface ShareOwner {
  /** False: it is over for this one. */
  leave(share: DialShare): boolean;
}

/** One of the requests that wait for the same. It stays its attempt's pending stream when that is over. */
export class DialShare implements PendingStream, DialDemand {
  readonly waiter: StreamWaiter;
  readonly limits: DialLimits;
  readonly reusePolicy: ReusePolicy;
  readonly use: AddressUse | null;
  /** Since when it has waited for the connection of its client; null: it has not. */
  waitingSince: Instant | null = null;
  /** Where it waits afterwards, if the connection could not carry it. */
  next: PendingStream | null = null;
  readonly #owner: ShareOwner;

  constructor(owner: ShareOwner, { waiter, limits, reusePolicy, use }: DialDemand) {
    this.#owner = owner;
    this.waiter = waiter;
    this.limits = limits;
    this.reusePolicy = reusePolicy;
    this.use = use;
  }

  cancel(): void {
    if (!this.#owner.leave(this)) this.next?.cancel();
  }
}

/** A new connection for the request that has asked for it, and for those that have come while it is being made. */
export class PoolDial implements DialWaiter, ShareOwner {
  /** The settings under which the connection is made. */
  readonly settings: DialSettings;
  /** Which requests the connection may carry. */
  readonly group: ConnectionGroup;
  /** What is offered, or spoken without an offer. */
  readonly protocol: EndpointProtocol;
  /** The address for which the connection is made. */
  readonly user: AddressUse | null;
  readonly #dial: Dial;
  readonly #owner: PoolDialOwner;
  #shares: DialShare[] = [];
  #isPending = true;

  constructor(
    target: PoolDialTarget,
    settings: DialSettings,
    group: ConnectionGroup,
    isHttp1: boolean,
    { waiter: first, use }: DialDemand,
    ports: DialPorts,
    owner: PoolDialOwner,
  ) {
    this.settings = settings;
    this.group = group;
    this.protocol = isHttp1 ? 'http1' : (settings.protocol ?? 'http1');
    this.user = use;
    this.#owner = owner;
    const header = announcementFor(first, settings);
    const protocols = protocolsOffered(this.protocol);
    this.#dial = new Dial({ ...target, tls: settings.tls, protocols, header }, ports, this);
  }

  /** How many requests share it. */
  get size(): number {
    return this.#shares.length;
  }

  join(demand: DialDemand): DialShare {
    const share = new DialShare(this, demand);
    if (this.#shares.length === 0) this.#shares = [share];
    else this.#shares.push(share);
    return share;
  }

  begin(): void {
    this.#dial.begin();
  }

  /** For its shares alone. False: the dial is over for this one. */
  leave(share: DialShare): boolean {
    const at = this.#shares.indexOf(share);
    if (at < 0) return false;
    this.#shares.splice(at, 1);
    this.#owner.onDialShareCancelled();
    if (this.#shares.length > 0 || !this.#isPending) return true;
    this.#isPending = false;
    this.#dial.cancel();
    this.#owner.onDialCancelled(this);
    return true;
  }

  /** The dial is over: those who share it, in the order in which they came. */
  takeShares(): readonly DialShare[] {
    const shares = this.#shares;
    this.#shares = [];
    return shares;
  }

  onStageDone(stage: 'dns' | 'connect' | 'tls'): void {
    for (const { waiter } of this.#shares) waiter.onStageDone(stage);
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
