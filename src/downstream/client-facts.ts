import type { ClientFacts } from '../core/exchange.ts';
import type { Fields } from '../core/message.ts';
import { clientFromForwarded } from '../wire/forwarded.ts';
import type { Peer } from './peer.ts';
import type { DownstreamPorts } from './ports.ts';

/** Whose word on the client is taken, and which of their words. */
type Trust = Pick<DownstreamPorts, 'isTrusted' | 'addressHeader'>;

/**
 * Who asks. A peer that is not trusted is the client itself, whatever its fields say; a trusted one is asked
 * (RFC 7239 §5.2, X-Forwarded-For) and believed as far as its own chain is trusted.
 */
export function clientFacts(peer: Peer, fields: Fields | null, trust: Trust): ClientFacts {
  const { transport, scheme, listener, source } = peer;
  // Behind the PROXY protocol the sender of the fields is the source that it named, not the balancer that named it.
  const peerAddress = source?.address ?? transport.remoteAddress;
  const trusted = trust.isTrusted(peerAddress);
  const named = trusted && fields !== null ? clientFromForwarded(fields, trust.isTrusted, trust.addressHeader()) : null;
  return {
    address: named?.address ?? peerAddress,
    port: named?.address == null ? (source?.port ?? transport.remotePort) : 0,
    peerAddress,
    trusted,
    scheme: named?.scheme ?? scheme,
    peerScheme: scheme,
    tls: transport.tls,
    listener,
  };
}
