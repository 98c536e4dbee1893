import { Deadline } from '../core/deadline.ts';
import type { Failure } from '../core/failure.ts';
import { after } from '../core/time.ts';
import type { Transport, TransportListener } from '../core/transport.ts';
import { decidePreface } from '../wire/preface.ts';
import { parseProxyProtocol } from '../wire/proxy-protocol.ts';
import type { Peer } from './client-facts.ts';
import { ClientConnection } from './connection.ts';
import { noteLoss } from './note-loss.ts';
import type { DownstreamPorts, ListenerFacts } from './ports.ts';

/** The longest preface is a PROXY protocol header with all its extensions; real ones have some hundred bytes. */
const prefaceBytesMax = 4096;

/** A client that connects has something to say, a round trip later. */
const speakMs = 1000;

const nothing = new Uint8Array(0);

/**
 * The first bytes of a connection decide what it speaks, before an engine gets it:
 *
 *     PROXY protocol (where the listener has it) ──▶ HTTP/1 │ HTTP/2 │ TLS
 *
 * HTTP/1 goes to its engine; what this port does not speak is answered in HTTP/1, recorded, and closed.
 */
export class Preface extends Deadline implements TransportListener {
  readonly #transport: Transport;
  readonly #listener: ListenerFacts;
  #ports: DownstreamPorts;
  #held: Uint8Array = nothing;
  #proxy: 'awaited' | 'done';
  #source: Peer['source'] = null;
  /** Who has taken the connection over. */
  #engine: ClientConnection | null = null;

  constructor(transport: Transport, listener: ListenerFacts, ports: DownstreamPorts) {
    super();
    this.#transport = transport;
    this.#listener = listener;
    this.#ports = ports;
    // A header from a stranger would let everybody be anybody: it is read only where the peer is trusted.
    this.#proxy = listener.proxyProtocol && ports.isTrusted(transport.facts.remoteAddress) ? 'awaited' : 'done';
    transport.listener = this;
    ports.deadlines.add(this);
    this.at = after(ports.clock.now(), listener.limits.headMs);
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#held.length === 0) return this.#decide(bytes, start, end);
    const all = new Uint8Array(this.#held.length + end - start);
    all.set(this.#held);
    all.set(bytes.subarray(start, end), this.#held.length);
    this.#decide(all, 0, all.length);
  }

  #decide(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    if (this.#proxy === 'awaited') {
      const header = parseProxyProtocol(bytes, start, end);
      if (header.state === 'partial') return this.#hold(bytes, start, end);
      if (header.state === 'refused') return this.#begin().refuse('proxy-protocol', '');
      this.#proxy = 'done';
      this.#source = header.source;
      const ports = header.source === null ? this.#ports : this.#ports.onClientNamed(this, header.source.address);
      if (ports === null) return this.#close();
      this.#ports = ports;
      at += header.consumed;
    }
    const decision = decidePreface(bytes, at, end);
    if (decision === 'partial') return this.#hold(bytes, at, end);
    const engine = this.#begin();
    if (decision === 'tls') engine.refuse('tls-on-plain-port', '');
    else if (decision === 'http/2') engine.refuse('http2-not-offered', '');
    else engine.onBytes(bytes, at, end);
  }

  #hold(bytes: Uint8Array, start: number, end: number): void {
    // Not `slice`: what sockets lend is a Buffer of all connections, and its `slice` is a view.
    this.#held = new Uint8Array(bytes.subarray(start, end));
    if (this.#held.length > prefaceBytesMax) this.#begin().refuse('proxy-protocol', '');
  }

  #begin(): ClientConnection {
    this.#ports.deadlines.remove(this);
    const peer: Peer = { transport: this.#transport.facts, listener: this.#listener.id, source: this.#source };
    const engine = new ClientConnection(this.#transport, peer, this.#listener, this.#ports);
    this.#engine = engine;
    this.#ports.onConnectionOpened(engine, this);
    return engine;
  }

  onEnd(): void {
    this.#close();
  }

  onWritten(): void {}

  onClosed(errno: string | null): void {
    noteLoss(errno, this.#ports.counts);
    this.#gone();
  }

  override onExpired(): void {
    this.#close();
  }

  readonly isLingering = false;

  /** Who has connected and says nothing may be asked to come again; who has only just come is about to speak. */
  closeToMakeRoom(): boolean {
    const { clock } = this.#ports;
    if (this.at - this.#listener.limits.headMs + speakMs > clock.now() || this.#transport.hasUnread()) return false;
    this.#close();
    return true;
  }

  announceClose(): void {}

  /** What has begun to speak is about to send a request. False as with `ClientConnection`. */
  closeIdle(): boolean {
    if (this.#engine !== null) return this.#engine.closeIdle();
    if (this.#held.length > 0) return true;
    if (this.#transport.hasUnread()) return false;
    this.#close();
    return true;
  }

  endTunnel(): void {}

  /** False as with `ClientConnection`. */
  forceClose(failure: Failure): boolean {
    if (this.#engine !== null) return this.#engine.forceClose(failure);
    if (this.#transport.hasUnread()) return false;
    this.#close();
    return true;
  }

  #close(): void {
    this.#gone();
    this.#transport.close('close');
  }

  #gone(): void {
    if (this.index < 0) return;
    this.#ports.deadlines.remove(this);
    this.#ports.counts.clientConnections--;
    this.#ports.onConnectionClosed(this);
  }
}
