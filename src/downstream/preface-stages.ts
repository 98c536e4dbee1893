import type { RequestRule } from '#failures/rules.ts';
import type { TlsServer } from '../core/tls-server.ts';
import { decidePreface } from '../wire/preface.ts';
import { parseProxyProtocol, proxyHeaderBytesMax } from '../wire/proxy-protocol.ts';
import type { PrefaceStage, PrefaceConnection } from './preface-stage.ts';
import { tlsStage } from './tls-stage.ts';
import { DelayedConnection } from './delayed-connection.ts';

/** Lets a connection wait whose address has flooded before: nothing of it is read, and no handshake begins. */
export const floodDelayStage: PrefaceStage = {
  rule: 'request-line',
  bytesMax: 0,
  read(connection, bytes, start, end) {
    const delayMs = connection.admitAfterMs();
    if (delayMs === 0) return 0;
    const first = bytes.subarray(start, end);
    new DelayedConnection(connection, first, (all) => goOn(connection, all)).start(delayMs);
    return 'taken';
  },
};

function goOn(connection: PrefaceConnection, bytes: Uint8Array): void {
  const { transport } = connection;
  connection.continueOn(transport);
  // First: an engine that has enough for now pauses in `onBytes`.
  transport.resume();
  transport.listener.onBytes(bytes, 0, bytes.length);
}

/**
 * Reads the PROXY protocol header where the listener has it enabled. The header of a peer that is not trusted would let
 * every client choose its address, so it is not read: the next stage refuses it like any other garbage.
 */
const proxyProtocolStage: PrefaceStage = {
  rule: 'proxy-protocol',
  bytesMax: proxyHeaderBytesMax,
  read(connection, bytes, start, end) {
    if (!connection.listener.proxyProtocol || !connection.isPeerTrusted) return 0;
    const header = parseProxyProtocol(bytes, start, end);
    if (header.state === 'partial') return 'partial';
    if (header.state === 'refused') {
      connection.refuse('proxy-protocol');
      return 'taken';
    }
    return header.source === null || connection.nameClient(header.source) ? header.consumed : 'taken';
  },
};

/** Chooses the protocol: the one that ALPN has agreed on within TLS, else the one that the first bytes show. */
const protocolStage: PrefaceStage = {
  rule: 'request-line',
  bytesMax: 64,
  read(connection, bytes, start, end) {
    if (connection.protocol !== null) return 0;
    const decision = connection.transport.facts.tls?.alpn ?? decidePreface(bytes, start, end);
    if (decision === 'partial') return 'partial';
    connection.protocol = decision;
    return 0;
  },
};

/** The stages of each connection, in order. `protocols` are offered to TLS clients (ALPN), the preferred one first. */
export function prefaceStages(tls: TlsServer, protocols: readonly string[]): readonly PrefaceStage[] {
  return [proxyProtocolStage, floodDelayStage, tlsStage(tls, protocols), protocolStage];
}

/** Why a client is refused whose protocol has no engine here. */
export function unspokenRule(protocol: string): RequestRule {
  if (protocol === 'h2') return 'http2-not-offered';
  return protocol === 'tls' ? 'tls-on-plain-port' : 'request-line';
}
