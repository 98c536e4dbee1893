import type { CreateConnection } from './ports.ts';
import { Http1Connection } from './http1-connection.ts';
import { Http2EndpointConnection } from './h2/connection.ts';

/** Connections of protocols that few upstreams have: a worker loads them with the first configuration that needs them. */
export const loadedProtocols: { fastcgi: CreateConnection | null } = { fastcgi: null };

/** Makes a connection of the protocol that ALPN has agreed on; in clear text, of the one that the settings say. */
export const createConnection: CreateConnection = (transport, settings, ports, owner) => {
  const { tls } = transport.facts;
  if (settings.protocol === 'fastcgi' && loadedProtocols.fastcgi !== null)
    return loadedProtocols.fastcgi(transport, settings, ports, owner);
  const isHttp2 = tls === null ? settings.protocol === 'http2' : tls.alpn === 'h2';
  return isHttp2
    ? new Http2EndpointConnection(transport, settings, ports, owner)
    : new Http1Connection(transport, settings, ports, owner);
};
