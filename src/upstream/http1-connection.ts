import type { PooledConnectionOwner } from '../core/pooled-connection.ts';
import type { Transport } from '../core/transport.ts';
import { Http1Stream } from './http1-stream.ts';
import type { ConnectionSettings } from './ports.ts';
import { SerialConnection, type SerialConnectionPorts } from './serial-connection.ts';

/** One HTTP/1.1 connection to an endpoint. */
export class Http1Connection extends SerialConnection {
  constructor(
    transport: Transport,
    settings: ConnectionSettings,
    ports: SerialConnectionPorts,
    owner: PooledConnectionOwner,
  ) {
    super(transport, settings, ports, owner, (connection) => new Http1Stream(connection, settings, ports));
  }
}
