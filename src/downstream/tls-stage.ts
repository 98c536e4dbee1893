import type { Cancellable } from '../core/connector.ts';
import { type Linked, LinkedList } from '../core/linked-list.ts';
import type { TlsServer, TlsServerWaiter, TlsSessionSettings, HandshakeFailure } from '../core/tls-server.ts';
import { clientHelloFlightBytesMax, parseClientHello } from '../wire/client-hello.ts';
import { DelayedConnection } from './delayed-connection.ts';
import type { PrefaceConnection, PrefaceStage, StageResult } from './preface-stage.ts';
import type { Transport } from '../core/transport.ts';

/** A handshake that has begun and is neither complete nor failed: what its connection cancels, and what the TLS server reports to. */
export class HandshakeInProgress implements TlsServerWaiter, Cancellable, Linked {
  readonly connection: PrefaceConnection;
  previous: this | null = null;
  next: this | null = null;
  readonly #serverName: string | null;
  readonly #list: HandshakesInProgress;
  #started: Cancellable | null = null;

  constructor(connection: PrefaceConnection, serverName: string | null, list: HandshakesInProgress) {
    this.connection = connection;
    this.#serverName = serverName;
    this.#list = list;
  }

  begin(started: Cancellable): void {
    this.#started = started;
    this.#list.add(this);
  }

  cancel(): void {
    this.#list.remove(this);
    this.#started?.cancel();
  }

  onSecure(transport: Transport, failure: HandshakeFailure | null): void {
    this.#list.remove(this);
    const { connection } = this;
    if (failure !== null) {
      connection.noteHandshakeFailure(failure, this.#serverName);
      connection.refuseNext('client-certificate', failure.code);
    }
    connection.continueOn(transport);
  }

  onHandshakeFailed(failure: HandshakeFailure): void {
    this.#list.remove(this);
    this.connection.failHandshake(failure, this.#serverName);
  }
}

/** The handshakes in progress, the oldest first. */
export class HandshakesInProgress extends LinkedList<HandshakeInProgress> {
  /** The oldest handshake of the address that has most in progress: a flood from few addresses makes room by itself. */
  oldestOfBusiest(): PrefaceConnection | null {
    const counts = new Map<string, { count: number; readonly oldest: PrefaceConnection }>();
    let busiest: { readonly count: number; readonly oldest: PrefaceConnection } | null = null;
    for (let one = this.first; one !== null; one = one.next) {
      const address = one.connection.transport.facts.remoteAddress;
      const known = counts.get(address);
      if (known === undefined) counts.set(address, { count: 1, oldest: one.connection });
      else known.count++;
    }
    for (const one of counts.values()) if (busiest === null || one.count > busiest.count) busiest = one;
    return busiest?.oldest ?? null;
  }
}

/**
 * In one worker. A client needs a round trip or two for its handshake; beyond this number the oldest one of the address that has most
 * makes room.
 */
const handshakesInProgressMax = 1000;

/**
 * TLS where the listener has it. The stage reads the ClientHello before the TLS library does, and so chooses the host's
 * settings before the session begins: sessions of one host are then never resumed at another.
 */
export function tlsStage(
  tls: TlsServer,
  protocols: readonly string[],
  inProgressMax: number = handshakesInProgressMax,
): PrefaceStage {
  const withoutHttp2 = protocols.filter((protocol) => protocol !== 'h2');
  const inProgress = new HandshakesInProgress();
  return {
    rule: 'plain-on-tls-port',
    bytesMax: clientHelloFlightBytesMax,
    read(connection, bytes, start, end) {
      const { tls: hosts } = connection.listener;
      if (hosts === null || connection.transport.facts.tls !== null) return 0;
      const reading = parseClientHello(bytes, start, end);
      if (reading.state === 'partial') return 'partial';
      if (reading.state === 'refused') return refuse(connection, bytes[start] as number);
      const { serverName, protocols: offered, versionMax } = reading.hello;
      const isChallenge = offered.length === 1 && offered[0] === challengeProtocols[0] && serverName !== null;
      const challenge = isChallenge ? hosts.challengeFor(serverName) : null;
      const host = challenge ?? hosts.hostFor(serverName);
      if (serverName !== null && challenge === null) hosts.noteAsked(serverName, connection);
      if (host === null) {
        const isAwaited = serverName !== null && hosts.isAwaited(serverName);
        const reason = isAwaited ? 'no_certificate_yet' : 'unknown_name';
        connection.failHandshake({ reason, code: '' }, serverName === '' ? null : serverName, unrecognizedName);
        return 'taken';
      }
      const own = connection.listener.http2 ? protocols : withoutHttp2;
      const spoken = challenge === null ? own : challengeProtocols;
      if (offered.length > 0 && !sharesProtocol(offered, spoken)) {
        connection.failHandshake({ reason: 'no_shared_protocol', code: '' }, serverName, noApplicationProtocol);
        return 'taken';
      }
      // Before the work begins: a key exchange and a signature.
      const delayMs = connection.handshakeDelayMs();
      if (delayMs === Infinity) {
        connection.failHandshake({ reason: 'limit', code: '' }, serverName);
        return 'taken';
      }
      connection.offersHttp1 = offered.includes('http/1.1');
      // A client that names no host has not asked for a certificate, so that none is the wrong one for its requests.
      if (serverName !== null) {
        // Not assigned at once: V8 allocates functions that are assigned to a property in the old generation.
        const servesHost = (name: string): boolean => hosts.hostFor(name) === host;
        connection.servesHost = servesHost;
      }
      const first = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
      const session = { host, serverName, protocols: spoken, versionMax };
      if (delayMs === 0) begin(connection, first, session);
      else new DelayedConnection(connection, first, (all) => goOn(connection, all, session)).start(delayMs);
      return 'taken';
    },
  };

  function goOn(connection: PrefaceConnection, first: Uint8Array, session: TlsSessionSettings): void {
    connection.transport.resume();
    begin(connection, first, session);
  }

  function begin(connection: PrefaceConnection, first: Uint8Array, session: TlsSessionSettings): void {
    const { serverName } = session;
    const handshake = new HandshakeInProgress(connection, serverName, inProgress);
    const started = startOrNull(tls, connection, first, session, handshake);
    if (started === null)
      return connection.failHandshake({ reason: 'unusable_certificate', code: '' }, serverName, internalError);
    handshake.begin(started);
    connection.takeOver(handshake);
    if (inProgress.size > inProgressMax)
      inProgress.oldestOfBusiest()?.failHandshake({ reason: 'limit', code: '' }, null);
  }
}

function sharesProtocol(offered: readonly string[], spoken: readonly string[]): boolean {
  for (const protocol of offered) if (spoken.includes(protocol)) return true;
  return false;
}

/** RFC 8737 §3. It has no engine: the CA closes the connection after the handshake. */
const challengeProtocols = ['acme-tls/1'] as const;

/** Null: OpenSSL refuses the certificate. One connection fails then, and not the worker. */
function startOrNull(
  tls: TlsServer,
  { transport }: PrefaceConnection,
  first: Uint8Array,
  session: TlsSessionSettings,
  waiter: TlsServerWaiter,
): Cancellable | null {
  try {
    return tls.start(transport, first, session, waiter);
  } catch {
    return null;
  }
}

/** A fatal alert as the first record of a connection (RFC 8446 §6). */
function alertRecord(description: number): Uint8Array {
  return Uint8Array.of(21, 3, 1, 0, 2, 2, description);
}

const unrecognizedName = alertRecord(112);
const noApplicationProtocol = alertRecord(120);
const unexpectedMessage = alertRecord(10);
const internalError = alertRecord(80);

/** A request in clear text is answered by the reason: its client reads HTTP. Other bytes get an alert. */
function refuse(connection: PrefaceConnection, first: number): StageResult {
  const isLetter = (first >= 0x41 && first <= 0x5a) || (first >= 0x61 && first <= 0x7a);
  if (isLetter) {
    connection.refuseNext('plain-on-tls-port', '');
    return 0;
  }
  connection.failHandshake({ reason: 'garbage', code: '' }, null, unexpectedMessage);
  return 'taken';
}
