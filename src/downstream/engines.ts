import type { TlsServer } from '../core/tls-server.ts';
import { http2Engine } from './h2/engine.ts';
import type { Http1Buffers } from './http1/buffers.ts';
import { http1Engine } from './http1/engine.ts';
import type { SharedPorts } from './ports.ts';
import { prefaceStages } from './preface-stages.ts';

/** The stages and engines of a worker. HTTP/1.1 answers clients whose protocol is not spoken here. */
export function clientEngines(buffers: Http1Buffers, tls: TlsServer): Pick<SharedPorts, 'prefaceStages' | 'engines'> {
  const fallback = http1Engine(buffers);
  // Clients that are told to speak HTTP/1.0 offer that alone, such as `curl --http1.0`.
  const byProtocol = new Map([
    ['h2', http2Engine(buffers.storage)],
    ['http/1.1', fallback],
    ['http/1.0', fallback],
  ]);
  return { prefaceStages: prefaceStages(tls, [...byProtocol.keys()]), engines: { byProtocol, fallback } };
}
