import type { StartClientEngine } from '../ports.ts';
import type { Http1Buffers } from './buffers.ts';
import { Http1ClientConnection } from './connection.ts';

export function http1Engine(buffers: Http1Buffers): StartClientEngine {
  return (transport, peer, listener, ports) => new Http1ClientConnection(transport, peer, listener, ports, buffers);
}
