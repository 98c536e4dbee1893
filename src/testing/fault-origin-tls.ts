import { connect, createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { after, type Clock, type Timer } from '../core/time.ts';
import { certificateAuthority, type CertificateAuthority } from './certificates.ts';
import { type FaultOrigin, faultIdOf, requestsMax, startFaultOrigin } from './fault-origin.ts';
import { OriginRequestReader } from './origin-request.ts';
import type { Script, Step } from './origin-script.ts';
import { systemClock } from './system.ts';
import { type SessionSettings, type TlsFault, tlsFaults, type TlsWorld } from './tls-faults.ts';

/** A TLS origin with faults: one port for each of `tlsFaults`, and one that works. */
export interface TlsFaultOrigin {
  /** The certificate that a client must trust, in PEM. */
  readonly authority: CertificateAuthority;
  /** The host name in the certificates. */
  readonly serverName: string;
  /** The address at which TLS works. Behind it are all paths of the plain fault origin. */
  readonly address: OriginAddress;
  /** The address of a TLS fault. Throws if no fault has that name. */
  addressOf(fault: string): OriginAddress;
  /** The plain origin behind the sessions that succeed. Its `requests` are those that the clients sent. */
  readonly behind: FaultOrigin;
  /** How many requests came with this X-Fault-Id: to the plain origin, and on sessions that do not reach it. */
  count(faultId: string): number;
  /** Stops listening and closes every connection at once. */
  close(): Promise<void>;
}

export interface OriginAddress {
  readonly host: string;
  readonly port: number;
}

export interface TlsFaultOriginOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default `origin.test`. */
  readonly serverName?: string;
  /**
   * The first of as many ports as there are faults, plus one; default: free ports. The first one is for the origin that
   * works.
   */
  readonly firstPort?: number;
  /** Default: an authority created for this origin. */
  readonly authority?: CertificateAuthority;
  readonly clock?: Clock;
}

/** Resolves when all ports listen; rejects with Node's error if one cannot. */
export async function startTlsFaultOrigin(options: TlsFaultOriginOptions = {}): Promise<TlsFaultOrigin> {
  const clock = options.clock ?? systemClock;
  const wallTime = clock.wallTime();
  const world: TlsWorld = {
    authority: options.authority ?? certificateAuthority(wallTime),
    unknownAuthority: certificateAuthority(wallTime, 'An Authority Nobody Knows'),
    serverName: options.serverName ?? 'origin.test',
    wallTime,
  };
  const origin = new Ports(world, clock, await startFaultOrigin({ clock }));
  try {
    await origin.listen(options.host ?? '127.0.0.1', options.firstPort ?? 0);
    return origin;
  } catch (error) {
    await origin.close();
    throw error;
  }
}

const goodName = '';

class Ports implements TlsFaultOrigin {
  readonly authority: CertificateAuthority;
  readonly serverName: string;
  readonly behind: FaultOrigin;
  readonly #world: TlsWorld;
  readonly #clock: Clock;
  readonly #servers: Server[] = [];
  readonly #addresses = new Map<string, OriginAddress>();
  readonly #sockets = new Set<Socket>();
  /** Requests on sessions with a fault, oldest first; the last 10,000. */
  readonly #played: string[] = [];

  constructor(world: TlsWorld, clock: Clock, behind: FaultOrigin) {
    this.authority = world.authority;
    this.serverName = world.serverName;
    this.behind = behind;
    this.#world = world;
    this.#clock = clock;
  }

  get address(): OriginAddress {
    return this.addressOf(goodName);
  }

  addressOf(fault: string): OriginAddress {
    const address = this.#addresses.get(fault);
    if (address === undefined) throw new Error(`There is no TLS fault called ${fault}.`);
    return address;
  }

  count(faultId: string): number {
    return this.behind.count(faultId) + this.#played.filter((id) => id === faultId).length;
  }

  async listen(host: string, firstPort: number): Promise<void> {
    const { authority, serverName } = this.#world;
    const { certificate, key } = authority.issue({ names: [serverName, host] });
    await this.#listenOne(goodName, host, firstPort, this.#serve({ cert: certificate, key }));
    for (const [index, fault] of tlsFaults.entries()) {
      await this.#listenOne(fault.name, host, firstPort === 0 ? 0 : firstPort + 1 + index, this.#accepting(fault));
    }
  }

  #listenOne(name: string, host: string, port: number, accept: (raw: Socket) => void): Promise<void> {
    // Half-open: after a FIN from the peer, the origin must send its own FIN only if the fault says so.
    const server = createServer({ allowHalfOpen: true }, (raw) => {
      this.#keep(raw);
      accept(raw);
    });
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        const bound = server.address();
        if (bound !== null && typeof bound === 'object') {
          this.#addresses.set(name, { host: bound.address, port: bound.port });
        }
        resolve();
      });
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #accepting({ behaviour }: TlsFault): (raw: Socket) => void {
    if (behaviour.kind === 'raw') {
      const { begins, script } = behaviour;
      return (raw) => new RawPlayer(raw, this.#clock, script(), begins);
    }
    if (behaviour.kind === 'served') return this.#serve(behaviour.settings(this.#world));
    const { certificate, key } = this.#world.authority.issue({ names: [this.serverName] });
    const context = createSecureContext({ cert: certificate, key });
    const later = (next: () => void): void => {
      this.#clock.schedule(after(this.#clock.now(), apartMs), (then) => then(), next);
    };
    return (raw) => {
      const secure = this.#secured(raw, context, {});
      this.#noteRequests(secure);
      secure.once('data', () => behaviour.play({ secure, raw, later }));
    };
  }

  /** A request that the client sends again is recorded again, on this connection or another. */
  #noteRequests(secure: TLSSocket): void {
    const reader = new OriginRequestReader({
      onHead: (head) => this.#note(faultIdOf(head)),
      onBody: () => {},
      onEnd: () => {},
      onBroken: () => {},
    });
    secure.on('data', (bytes: Buffer) => reader.push(bytes));
  }

  #note(faultId: string | null): void {
    if (faultId === null) return;
    this.#played.push(faultId);
    if (this.#played.length > requestsMax) this.#played.shift();
  }

  /** Passes the bytes of a session on to the plain origin and back. */
  #serve(settings: SessionSettings): (raw: Socket) => void {
    const trusted = settings.requestCert === true ? { ca: this.#world.authority.certificate } : {};
    const context = createSecureContext({ ...settings, ...trusted });
    return (raw) => {
      const secure = this.#secured(raw, context, settings);
      // Passes no byte on before the client has sent its certificate.
      secure.once('secure', () => {
        if (settings.requestCert !== true || secure.authorized || secure.getPeerX509Certificate() !== undefined)
          this.#relay(secure);
      });
    };
  }

  #secured(raw: Socket, secureContext: SecureContext, { requestCert = false }: SessionSettings): TLSSocket {
    const secure = new TLSSocket(raw, {
      isServer: true,
      secureContext,
      requestCert,
      rejectUnauthorized: requestCert,
      ALPNProtocols: ['http/1.1'],
    });
    secure.on('error', () => raw.destroy());
    secure.on('close', () => raw.destroy());
    return secure;
  }

  #relay(secure: TLSSocket): void {
    const { host, port } = this.behind.address;
    const plain = connect({ host, port, allowHalfOpen: true, noDelay: true });
    this.#keep(plain);
    plain.on('close', () => secure.destroySoon());
    secure.on('close', () => plain.destroy());
    secure.pipe(plain);
    plain.pipe(secure);
  }

  async close(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of this.#sockets) socket.destroy();
    await this.behind.close();
    await Promise.all(closed);
  }
}

/** Longer than a gateway may hold a response back to wait for the rest. */
const apartMs = 150;

/** Plays a script on a connection, without TLS. */
class RawPlayer {
  readonly #raw: Socket;
  readonly #clock: Clock;
  readonly #steps: Iterator<Step>;
  #timer: Timer | null = null;

  constructor(raw: Socket, clock: Clock, script: Script, begins: 'accept' | 'hello') {
    this.#raw = raw;
    this.#clock = clock;
    this.#steps = script[Symbol.iterator]();
    raw.on('close', () => this.#timer?.cancel());
    // The client has left, so the script need not go on.
    raw.on('end', () => raw.destroy());
    if (begins === 'accept') this.#play();
    else raw.once('data', () => this.#play());
    raw.resume();
  }

  readonly #play = (): void => {
    for (let next = this.#steps.next(); next.done !== true; next = this.#steps.next()) {
      if (this.#raw.destroyed || !this.#goesOnAfter(next.value)) return;
    }
  };

  #goesOnAfter(step: Step): boolean {
    switch (step.do) {
      case 'send':
        this.#raw.write(step.bytes);
        return true;
      case 'pause':
        this.#timer = this.#clock.schedule(after(this.#clock.now(), step.ms), this.#play, undefined);
        return false;
      case 'fin':
        this.#raw.end();
        return false;
      case 'reset':
        this.#raw.resetAndDestroy();
        return false;
      case 'stop-reading':
      case 'keep':
        return true;
    }
  }
}
