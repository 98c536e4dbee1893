import type { TunnelSpec } from '../core/route-spec.ts';
import type { EndedExchange, SessionChange, TunnelFacts, User } from '../core/exchange.ts';
import { fail, type Failure, type ForceCloseReason } from '#failures/failure.ts';
import type { MessageHeaders, Ownership, ResponseHead } from '../core/message.ts';
import { after, type Clock, type Instant, never, type Timer } from '../core/time.ts';
import type { Attempt } from './attempt.ts';
import type { BodyPath } from './body-path.ts';
import type { ExchangePorts, Route } from './ports.ts';
import { exitFailure, isBrokenByEndpoint, isBrokenConnection, tunnelEndOf, TunnelSide } from './tunnel-side.ts';
import { type TunnelReceiver, WebSocketDirection } from './websocket-direction.ts';

/**
 * How long the two sides of a WebSocket may take to answer the gateway's close frames and to end their connections; the rest is
 * reset. Less than the second that a force closed worker waits, so that the tunnel is recorded in time.
 */
const closingMs = 900;

/**
 * How long a side of a WebSocket may take to end its connection after both have sent close frames and the other one has ended.
 * Chromium never ends the stream of a WebSocket over HTTP/2.
 */
const agreedMs = 5000;

/**
 * How long the endpoint of a WebSocket may be silent after its client has ended its connection: no client of a WebSocket sends FIN
 * and reads on (RFC 6455 §7.1.1), and endpoints that notice nothing would keep a stop of the gateway waiting.
 */
const clientGoneMs = 1000;

/** RFC 6455 §7.4.1, and the registry of close codes for 1012. */
const closeCodes = { goingAway: 1001, serviceRestart: 1012 } as const;

/** Reasons after which another process, worker or instance serves at the same address: a client may connect again at once. */
const restarts: ReadonlySet<ForceCloseReason> = new Set<ForceCloseReason>([
  'gateway_replaced',
  'worker_replaced',
  'instance_stopped',
]);

type SideName = 'client' | 'application';

/** What a tunnel does to its two sides and its exchange. `Exchange` implements it. */
export interface TunnelEnds {
  readonly bytesToClient: number;
  sendToEndpoint(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  endToEndpoint(trailers: MessageHeaders | null): void;
  flushToEndpoint(): void;
  resumeClient(): void;
  sendToClient(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  flushToClient(): void;
  resumeEndpoint(): void;
  /** One direction has ended. */
  onDirectionEnded(): void;
  /** Ends the tunnel with `failure`: both connections are reset. */
  onRequestFailed(failure: Failure): void;
  /** The timer of the tunnel has fired: calls `onDue`. */
  onTunnelDue(): void;
}

/** What a tunnel's end sets, and reads, of its exchange. */
export interface TunnelExchange {
  readonly attempts: readonly Attempt[];
  readonly bytesToClient: number;
  failure: Failure | null;
  endKind: EndedExchange['endKind'];
}

/** The facts with which a tunnel begins. */
interface TunnelStart {
  readonly protocol: string;
  /** The 101 names an extension of WebSocket. */
  readonly extended: boolean;
  readonly address: string;
  readonly settings: TunnelSpec;
  /** The client still sends the body of its request, which goes to the endpoint before the tunnel's bytes. */
  readonly bodyFollows: boolean;
  /** What the filters have noted before. */
  readonly session: SessionChange | null;
  readonly user: User | null;
  /** For how long a tunnel may be idle of which one direction has ended: it is about to end. */
  readonly halfClosedMs: number;
}

/** The tunnel that `response`, a 101 to `attempt`, begins on `route`. */
export function tunnelStart(
  { tunnel: settings, timeouts }: Pick<Route, 'tunnel' | 'timeouts'>,
  { address }: Attempt,
  protocol: string,
  response: ResponseHead,
  bodyFollows: boolean,
  { session, user }: Pick<TunnelStart, 'session' | 'user'> = { session: null, user: null },
): TunnelStart {
  const extended = response.headers.has('sec-websocket-extensions');
  return { protocol, extended, address, settings, bodyFollows, session, user, halfClosedMs: timeouts.idleMs };
}

/**
 * Passes the bytes of a tunnel on, and decides when it is idle, when its sides are pinged, how it is closed, and how it ended.
 *
 *     open ──drain, idle──▶ closing (close frames, then FINs) ──▶ over        any ──both FINs, failure──▶ over
 *
 * In a WebSocket it reads frames, since TCP alone does not distinguish a process that was killed from one that closed the
 * connection: both send a FIN. For other protocols a FIN is a proper end, and the gateway cannot close them in order.
 */
export class Tunnel implements TunnelFacts, BodyPath {
  readonly protocol: string;
  how: TunnelFacts['how'] = 'closed';
  by: TunnelFacts['by'] = 'client';
  readonly #start: TunnelStart;
  readonly #ends: TunnelEnds;
  readonly #clock: Clock;
  readonly #fill: (target: Uint8Array) => void;
  /** Null in other protocols than WebSocket. */
  readonly #toEndpoint: WebSocketDirection | null = null;
  readonly #toClient: WebSocketDirection | null = null;
  readonly #client: TunnelSide;
  readonly #endpoint: TunnelSide;
  #timer: Timer | null = null;
  #bodyFollows: boolean;
  #isOver = false;
  #directionsOpen = 2;
  #isHalfClosed = false;
  /** Who sent the first close frame, and who the first FIN. */
  #closedFirst: SideName | null = null;
  #endedFirst: SideName | null = null;
  /** The endpoint ended a WebSocket without a close frame. Later failures are consequences of that. */
  #unclosed: Failure | null = null;
  /** Why the gateway closes the tunnel; null while it does not. */
  #ending: Failure | null = null;
  /** When a tunnel that is being closed is reset. */
  #resetAt: Instant = never;
  #codeForClient = 0;

  constructor(start: TunnelStart, ends: TunnelEnds, { clock, ids }: Pick<ExchangePorts, 'clock' | 'ids'>) {
    this.protocol = start.protocol;
    this.#start = start;
    this.#bodyFollows = start.bodyFollows;
    this.#ends = ends;
    this.#clock = clock;
    this.#fill = (target) => ids.fill(target);
    const now = clock.now();
    this.#client = new TunnelSide(now);
    this.#endpoint = new TunnelSide(now);
    if (start.protocol.toLowerCase() === 'websocket') {
      const { extended } = start;
      this.#toEndpoint = new WebSocketDirection({ masked: true, extended }, endpointOf(ends), this.#fill);
      this.#toClient = new WebSocketDirection({ masked: false, extended }, clientOf(ends), this.#fill);
    }
    this.#arm();
  }

  get session(): SessionChange | null {
    return this.#start.session;
  }

  get user(): User | null {
    return this.#start.user;
  }

  /** The code of the first close frame; 0 if there was none. */
  get closeCode(): number {
    if (this.#toClient?.isClosed === true) return this.#codeForClient;
    if (this.#toEndpoint?.isClosed === true) return closeCodes.goingAway;
    return (this.#closedFirst === 'client' ? this.#toEndpoint : this.#toClient)?.frames.code ?? 0;
  }

  // Bytes.

  pushRequest(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    const direction = this.#bodyFollows ? null : this.#toEndpoint;
    this.#client.onBytes(this.#clock.now());
    const hasRoom =
      direction === null
        ? this.#ends.sendToEndpoint(bytes, start, end, ownership)
        : direction.forward(bytes, start, end, ownership);
    this.#client.isPaused = !hasRoom;
    if (direction !== null) this.#noteFrames(direction, 'client', this.#endpoint);
    return hasRoom;
  }

  pushResponse(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    const direction = this.#toClient;
    this.#endpoint.onBytes(this.#clock.now());
    const hasRoom =
      direction === null
        ? this.#ends.sendToClient(bytes, start, end, ownership)
        : direction.forward(bytes, start, end, ownership);
    this.#endpoint.isPaused = !hasRoom;
    if (direction !== null) this.#noteFrames(direction, 'application', this.#client);
    return hasRoom;
  }

  #noteFrames(direction: WebSocketDirection, sender: SideName, receiver: TunnelSide): void {
    if (direction.frames.seen) this.#closedFirst ??= sender;
    if (direction.hasPassedPing) receiver.owesPong = true;
    direction.hasPassedPing = false;
    if (this.#mayEnd) this.#arm();
  }

  onEndpointRoom(): void {
    this.#client.onRoom(this.#clock.now());
    this.#ends.resumeClient();
  }

  onClientRoom(): void {
    this.#endpoint.onRoom(this.#clock.now());
    this.#ends.resumeEndpoint();
  }

  // The ends of the two directions.

  /** The client has sent FIN, or the end of the body that comes before the tunnel's bytes. */
  endRequest(trailers: MessageHeaders | null): void {
    if (this.#bodyFollows) {
      this.#bodyFollows = false;
      this.#arm(); // From now on the gateway may ping the endpoint.
      return this.#ends.endToEndpoint(trailers);
    }
    this.#toEndpoint?.end();
    this.#noteEnd('client', this.#client);
    this.#ends.endToEndpoint(trailers);
    this.#ends.onDirectionEnded();
  }

  /** The endpoint has sent FIN. Returns the failure that this end is; null where it is in order, or follows another end. */
  endpointEnded(): Failure | null {
    this.#toClient?.end();
    this.#noteEnd('application', this.#endpoint);
    if (this.#isInOrder || this.#endedFirst === 'client' || this.#hasSentClose) return null;
    const { address } = this.#start;
    this.#unclosed = fail('tunnel_unclosed', 'body', { address, bytesReceived: this.#ends.bytesToClient });
    return this.#unclosed;
  }

  #noteEnd(name: SideName, side: TunnelSide): void {
    this.#endedFirst ??= name;
    this.#isHalfClosed = true;
    side.isPaused = false;
    side.onBytes(this.#clock.now());
    this.#arm(); // The limit is a shorter one from now on.
  }

  /** One direction has ended, and its last byte has been sent; returns how many have not. */
  endDirection(): number {
    const directionsOpen = --this.#directionsOpen;
    if (this.#mayEnd) this.#arm();
    return directionsOpen;
  }

  // What the gateway does by itself.

  /** The listener drains. Closes a WebSocket; other tunnels fail with `failure` at once. A tunnel that is being closed goes on with it. */
  drain(failure: Failure): void {
    const isRestart = failure.cause === 'drained' && restarts.has(failure.evidence.reason);
    this.#close(failure, isRestart ? closeCodes.serviceRestart : closeCodes.goingAway);
  }

  /**
   * Sends close frames to both sides, each at the end of the frame that is under way. The sides then end their connections, the
   * endpoint first (RFC 6455 §7.1.1). Where a side has sent a close frame already, the tunnel gets the same time to end.
   */
  #close(failure: Failure, code: number): void {
    if (this.#ending !== null) return;
    const [toClient, toEndpoint] = [this.#toClient, this.#toEndpoint];
    if (toClient === null || toEndpoint === null || !this.#canClose) return this.#ends.onRequestFailed(failure);
    this.#ending = failure;
    this.#resetAt = after(this.#clock.now(), closingMs);
    this.#codeForClient = code;
    this.#arm();
    if (this.#closedFirst !== null) return;
    toClient.close(code);
    toClient.flush();
    toEndpoint.close(closeCodes.goingAway);
    toEndpoint.flush();
  }

  /** Both directions are open, and their bytes are frames. */
  get #canClose(): boolean {
    return (
      !this.#bodyFollows &&
      !this.#isHalfClosed &&
      this.#toClient?.frames.lost === false &&
      this.#toEndpoint?.frames.lost === false
    );
  }

  /** For the timer alone. */
  onDue(): void {
    this.#timer = null;
    const now = this.#clock.now();
    if (this.#ending !== null) {
      if (now >= this.#resetAt) return this.#ends.onRequestFailed(this.#ending);
    } else {
      if (now >= this.#idleAt(now)) return this.#close(this.#idleFailure(now), closeCodes.goingAway);
      this.#pingSilent(now);
    }
    this.#arm();
  }

  /** Sets the timer to what comes next. Bytes that come meanwhile do not move it: it looks again when it fires. */
  #arm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isOver) return;
    this.#timer = this.#clock.schedule(this.#nextAt(this.#clock.now()), due, this.#ends);
  }

  #nextAt(now: Instant): Instant {
    if (this.#ending !== null) return this.#resetAt;
    const idleAt = this.#idleAt(now);
    const pingMs = this.#pingMs;
    if (pingMs === null) return idleAt;
    return Math.min(idleAt, this.#client.pingAt(now, pingMs), this.#endpoint.pingAt(now, pingMs)) as Instant;
  }

  get #idleMs(): number {
    if (!this.#isHalfClosed) return this.#start.settings.idleMs;
    const { halfClosedMs } = this.#start;
    if (this.#isLeftByClient) return Math.min(clientGoneMs, halfClosedMs);
    return this.#mayEnd ? Math.min(agreedMs, halfClosedMs) : halfClosedMs;
  }

  /** The client has sent the first FIN, with or without a close frame. */
  get #isLeftByClient(): boolean {
    return this.#toEndpoint !== null && this.#endedFirst === 'client';
  }

  /** The time between pings; null if none can be sent, or none is wanted. */
  get #pingMs(): number | null {
    return this.#canClose && this.#closedFirst === null ? this.#start.settings.pingMs : null;
  }

  /**
   * When the tunnel is closed because it is idle. Without pings both sides may be silent for the idle time, with pings each of them:
   * a side that is there sends pongs. While bytes of a side wait for the other one, the tunnel is in use.
   */
  #idleAt(now: Instant): Instant {
    const [client, endpoint] = [this.#client, this.#endpoint];
    if (client.isPaused || endpoint.isPaused) return after(now, this.#idleMs);
    const choose = this.#pingMs === null ? Math.max : Math.min;
    return after(choose(client.activeAt, endpoint.activeAt) as Instant, this.#idleMs);
  }

  #idleFailure(now: Instant): Failure {
    const idleMs = this.#idleMs;
    const { address } = this.#start;
    const facts = { address, idleMs, bytesReceived: this.#ends.bytesToClient };
    const isSilent = ({ activeAt }: TunnelSide): boolean => after(activeAt, idleMs) <= now;
    if (isSilent(this.#client) && isSilent(this.#endpoint)) return fail('tunnel_idle', 'body', facts);
    const silent = isSilent(this.#client) ? 'client' : 'application';
    return fail('tunnel_idle', 'body', { ...facts, silent });
  }

  #pingSilent(now: Instant): void {
    const pingMs = this.#pingMs;
    const [toClient, toEndpoint] = [this.#toClient, this.#toEndpoint];
    if (pingMs === null || toClient === null || toEndpoint === null) return;
    if (this.#client.pingAt(now, pingMs) <= now) this.#client.ping(now, toClient, toEndpoint, this.#fill);
    if (this.#endpoint.pingAt(now, pingMs) <= now) this.#endpoint.ping(now, toEndpoint, toClient, this.#fill);
  }

  // The end.

  /** Other protocols end with a FIN, a WebSocket with a close frame. */
  get #isInOrder(): boolean {
    return this.#toEndpoint === null || this.#closedFirst !== null;
  }

  /** Both sides have sent a close frame: how their connections end does not matter. */
  get #isAgreed(): boolean {
    return this.#toEndpoint?.frames.seen === true && this.#toClient?.frames.seen === true;
  }

  /** Only the FIN of one side is missing, which says nothing any more. */
  get #mayEnd(): boolean {
    return this.#directionsOpen === 1 && this.#isAgreed;
  }

  /** A side has got a close frame of the gateway. */
  get #hasSentClose(): boolean {
    return this.#toEndpoint?.isClosed === true || this.#toClient?.isClosed === true;
  }

  /** The tunnel is over: notes how it ended and by whom, also in the exchange. */
  conclude(exchange: TunnelExchange): void {
    this.#isOver = true;
    this.#timer?.cancel();
    const attempt = exchange.attempts.at(-1);
    const failure = this.#failureOf(exchange, attempt);
    if (failure === null) attempt?.succeeded();
    else if (attempt !== undefined && failure.cause.startsWith('tunnel_')) attempt.failure = failure;
    // How the endpoint ended its connection after the gateway's close frame says nothing against it.
    else if (failure === this.#ending && attempt?.failure?.cause !== failure.cause) attempt?.succeeded();
    exchange.failure = failure;
    exchange.endKind = failure === null ? 'forwarded' : failure.cause === 'client_gone' ? 'abandoned' : 'truncated';
    if (failure === null) this.by = this.#closedFirst ?? this.#endedFirst ?? 'client';
    else [this.how, this.by] = tunnelEndOf(failure);
  }

  #failureOf({ failure, bytesToClient }: TunnelExchange, attempt: Attempt | undefined): Failure | null {
    if (this.#ending !== null && (this.#hasSentClose || failure?.cause === 'drained')) return this.#ending;
    if (this.#isAgreed && (failure === null || failure.cause === 'tunnel_idle' || isBrokenConnection(failure)))
      return null;
    // The limit of a WebSocket that its client has left: that is what ended it.
    const isLeft = failure?.cause === 'tunnel_idle' && this.#isLeftByClient;
    const met = this.#unclosed ?? (isLeft ? null : failure);
    if (met === null)
      return this.#isInOrder ? null : fail('client_gone', 'flush', { bytesSent: bytesToClient, how: 'closed' });
    if (attempt == null || attempt.exit === null || !isBrokenByEndpoint(met)) return met;
    return exitFailure(attempt, met, bytesToClient);
  }
}

function due(ends: TunnelEnds): void {
  ends.onTunnelDue();
}

function endpointOf(ends: TunnelEnds): TunnelReceiver {
  return { send: (...given) => ends.sendToEndpoint(...given), flush: () => ends.flushToEndpoint() };
}

function clientOf(ends: TunnelEnds): TunnelReceiver {
  return { send: (...given) => ends.sendToClient(...given), flush: () => ends.flushToClient() };
}
