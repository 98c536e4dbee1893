import type { ClientConnection, ClientEngine, OpenConnection } from '../core/client-engine.ts';
import { Deadline } from '../core/deadline.ts';
import type { Failure } from '#failures/failure.ts';
import type { Cancellable } from '../core/connector.ts';
import type { RequestRule } from '#failures/rules.ts';
import type { HandshakeFailure } from '../core/tls-server.ts';
import { after, type Clock } from '../core/time.ts';
import type { Transport, TransportListener } from '../core/transport.ts';
import type { ListenerSettings } from './listener-settings.ts';
import { noteLoss } from './note-loss.ts';
import type { ClientSource, Peer } from './peer.ts';
import type { DownstreamPorts, StartClientEngine } from './ports.ts';
import type { PrefaceConnection, PrefaceStage } from './preface-stage.ts';
import { unspokenRule } from './preface-stages.ts';

/** A client that connects sends its first bytes within a round trip. */
const speakMs = 1000;

const nothing = new Uint8Array(0);

/**
 * A connection whose engine has not started yet. Its first bytes pass the stages, and then go to the engine of the
 * protocol that these have chosen:
 *
 *     PROXY protocol ──▶ delay after floods ──▶ TLS ──▶ choice of the protocol ──▶ engine by ALPN name
 *
 * A protocol without an engine is answered by the fallback engine, recorded, and closed.
 */
export class Preface extends Deadline implements TransportListener, ClientConnection, PrefaceConnection {
  transport: Transport;
  readonly listener: ListenerSettings;
  protocol: string | null = null;
  listed: OpenConnection | null = null;
  servesHost: ((host: string) => boolean) | null = null;
  offersHttp1 = false;
  #ports: DownstreamPorts;
  /** The index of the stage that looks at the next bytes. */
  #stage = 0;
  /** Bytes that this stage wants to see again with more behind them: the first `#heldBytes` of the buffer. */
  #held: Uint8Array = nothing;
  #heldBytes = 0;
  #source: ClientSource | null = null;
  #engine: ClientEngine | null = null;
  /** The request that follows is refused by this rule. */
  #refusal: { readonly rule: RequestRule; readonly at: string } | null = null;
  /** It owns the transport while it lasts. */
  #handshake: Cancellable | null = null;

  constructor(transport: Transport, listener: ListenerSettings, ports: DownstreamPorts) {
    super();
    this.transport = transport;
    this.listener = listener;
    this.#ports = ports;
    transport.listener = this;
    ports.deadlines.add(this);
    this.at = after(ports.clock.now(), listener.limits.headMs);
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#heldBytes === 0) return this.#readStages(bytes, start, end);
    this.#append(bytes, start, end);
    this.#readStages(this.#held, 0, this.#heldBytes);
  }

  /** The buffer doubles, so that a client that sends byte by byte does not make us copy all of them each time. */
  #append(bytes: Uint8Array, start: number, end: number): void {
    const has = this.#heldBytes;
    this.#heldBytes += end - start;
    if (this.#heldBytes > this.#held.length) {
      const larger = new Uint8Array(Math.max(this.#heldBytes, 2 * this.#held.length));
      larger.set(this.#held.subarray(0, has));
      this.#held = larger;
    }
    this.#held.set(bytes.subarray(start, end), has);
  }

  #readStages(bytes: Uint8Array, start: number, end: number): void {
    const { prefaceStages } = this.#ports;
    let at = start;
    for (let stage = prefaceStages[this.#stage]; stage !== undefined; stage = prefaceStages[++this.#stage]) {
      const result = stage.read(this, bytes, at, end);
      if (result === 'taken') return;
      if (result === 'partial') return this.#hold(bytes, at, end, stage);
      at += result;
    }
    this.#startEngine(bytes, at, end);
  }

  #hold(bytes: Uint8Array, start: number, end: number, { bytesMax, rule }: PrefaceStage): void {
    if (end - start > bytesMax) return this.refuse(rule);
    if (bytes === this.#held && start === 0) return;
    this.#held = nothing;
    this.#heldBytes = 0;
    this.#append(bytes, start, end);
  }

  #startEngine(bytes: Uint8Array, start: number, end: number): void {
    const protocol = this.protocol ?? 'http/1.1';
    const isSpoken = protocol !== 'h2' || this.listener.http2;
    const startEngine = isSpoken ? this.#ports.engines.byProtocol.get(protocol) : undefined;
    if (startEngine === undefined) return this.refuse(this.#refusal?.rule ?? unspokenRule(protocol));
    const engine = this.#start(startEngine);
    if (this.#refusal !== null) engine.refuseNext(this.#refusal.rule, this.#refusal.at);
    engine.onBytes(bytes, start, end);
  }

  #start(startEngine: StartClientEngine): ClientEngine {
    this.#ports.deadlines.remove(this);
    const { facts } = this.transport;
    const scheme = facts.tls === null ? 'http' : 'https';
    const { servesHost, offersHttp1 } = this;
    const origin = { transport: facts, scheme, source: this.#source } as const;
    const peer: Peer = { ...origin, listener: this.listener.id, offersHttp1, servesHost };
    const engine = startEngine(this.transport, peer, this.listener, this.#ports);
    this.#engine = engine;
    this.#ports.onEngineStarted(engine, this);
    return engine;
  }

  // For the stages.

  get isPeerTrusted(): boolean {
    return this.#ports.isTrusted(this.transport.facts.remoteAddress);
  }

  get clientAddress(): string {
    return this.#source?.address ?? this.transport.facts.remoteAddress;
  }

  get clock(): Clock {
    return this.#ports.clock;
  }

  admitAfterMs(): number {
    const { limits } = this.listener;
    // A connection that waits has not failed: the deadline for its first bytes comes later.
    return Math.min(this.#ports.admission.delayMs(this.clientAddress, limits), limits.headMs / 2);
  }

  handshakeDelayMs(): number {
    return this.#ports.admission.handshakeDelayMs(this.clientAddress, this.listener.limits);
  }

  nameClient(source: ClientSource): boolean {
    this.#source = source;
    const ports = this.#ports.onClientNamed(this, source.address);
    if (ports === null) this.close();
    else this.#ports = ports;
    return ports !== null;
  }

  refuse(rule: RequestRule): void {
    this.#start(this.#ports.engines.fallback).refuse(rule, '');
  }

  refuseNext(rule: RequestRule, at: string): void {
    this.#refusal = { rule, at };
  }

  takeOver(handshake: Cancellable): void {
    this.#handshake = handshake;
  }

  continueOn(transport: Transport): void {
    this.#handshake = null;
    if (this.index < 0) return transport.close('close'); // It was closed meanwhile.
    this.transport = transport;
    this.#held = nothing;
    this.#heldBytes = 0;
    this.#stage++;
    transport.listener = this;
  }

  failHandshake(failure: HandshakeFailure, serverName: string | null, alert?: Uint8Array): void {
    if (this.index < 0) return;
    this.noteHandshakeFailure(failure, serverName);
    if (alert === undefined) return this.close();
    this.#ended();
    this.transport.write(alert, 0, alert.length, 'owned');
    this.transport.end('close');
  }

  noteHandshakeFailure(failure: HandshakeFailure, serverName: string | null): void {
    this.#ports.onHandshakeFailed({ listener: this.listener.id, address: this.clientAddress, serverName, ...failure });
  }

  close(): void {
    if (this.index < 0) return;
    this.#ended();
    if (this.#handshake === null) this.transport.close('close');
    else this.#handshake.cancel();
  }

  // The transport and the deadline.

  onEnd(): void {
    if (this.#isInHello) this.failHandshake({ reason: 'closed', code: '' }, null);
    else this.close();
  }

  onWritten(): void {}

  onClosed(errno: string | null): void {
    noteLoss(errno, this.#ports.counts);
    if (this.#isInHello) this.failHandshake({ reason: 'closed', code: errno ?? '' }, null);
    else this.#ended();
  }

  override onExpired(): void {
    if (this.#handshake === null && !this.#isInHello) this.close();
    else this.failHandshake({ reason: 'timeout', code: '' }, null);
  }

  /** A part of a ClientHello has come. A client that sends nothing may be a check of a load balancer. */
  get #isInHello(): boolean {
    const isSecure = this.transport.facts.tls !== null || this.#refusal !== null;
    return this.#heldBytes > 0 && this.listener.tls !== null && !isSecure;
  }

  #ended(): void {
    if (this.index < 0) return;
    this.#ports.deadlines.remove(this);
    this.#ports.onConnectionClosed(this);
  }

  // The listener.

  readonly isLingering = false;

  /** A client that has been silent for a while may be asked to connect again; one that has just connected is about to send. */
  closeToMakeRoom(): boolean {
    const { clock } = this.#ports;
    const connectedAt = this.at - this.listener.limits.headMs;
    if (connectedAt + speakMs > clock.now() || this.transport.hasUnread()) return false;
    this.close();
    return true;
  }

  announceClose(): void {}

  /** A client that has begun to send is about to send a request, which is served. */
  closeIdle(): boolean {
    if (this.#engine !== null) return this.#engine.closeIdle();
    if (this.#heldBytes > 0 || this.#handshake !== null) return true;
    return this.#closeUnlessUnread();
  }

  endTunnels(): void {}

  forceClose(failure: Failure, hadTimeToRead: boolean): boolean {
    if (this.#engine !== null) return this.#engine.forceClose(failure, hadTimeToRead);
    return this.#closeUnlessUnread();
  }

  #closeUnlessUnread(): boolean {
    if (this.transport.hasUnread()) return false;
    this.close();
    return true;
  }
}
