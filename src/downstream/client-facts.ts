import type { ClientFacts } from '../core/exchange.ts';
import type { MessageHeaders } from '../core/message.ts';
import { clientFromForwarded } from '../wire/forwarded.ts';
import type { Peer } from './peer.ts';
import type { DownstreamPorts } from './ports.ts';

/** Which peers may name the client, and in which header. */
type Trust = Pick<DownstreamPorts, 'isTrusted' | 'addressHeader'>;

/**
 * Finds out who the client is. A peer that is not trusted is the client, whatever its headers say. A trusted peer names the
 * client (X-Forwarded-For, RFC 7239 §5.2), and is believed as far as its own chain is trusted.
 */
export function clientFacts(peer: Peer, headers: MessageHeaders | null, trust: Trust): ClientFacts {
  const { transport, scheme, listener, source } = peer;
  // Behind the PROXY protocol, the client that the balancer named has sent the headers, not the balancer.
  const peerAddress = source?.address ?? transport.remoteAddress;
  const trusted = trust.isTrusted(peerAddress);
  const named =
    trusted && headers !== null ? clientFromForwarded(headers, trust.isTrusted, trust.addressHeader()) : null;
  return {
    address: named?.address ?? peerAddress,
    port: named?.address == null ? (source?.port ?? transport.remotePort) : 0,
    peerAddress,
    trusted,
    scheme: named?.scheme ?? scheme,
    peerScheme: scheme,
    tls: transport.tls,
    connection: transport,
    listener,
    recordCache: null,
  };
}
