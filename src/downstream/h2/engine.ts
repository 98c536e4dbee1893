import type { HeadStorage } from '../../wire/head-storage.ts';
import { DecodedSection } from '../../wire/h2/decoded-section.ts';
import { HeaderBlockWriter } from '../../wire/h2/hpack-encoder.ts';
import type { StartClientEngine } from '../ports.ts';
import type { Http2Buffers } from './buffers.ts';
import { Http2ClientConnection } from './connection.ts';
import { LostExchanges } from './lost-exchanges.ts';
import { StrainedTurns } from './read-turns.ts';

export function http2Engine(storage: HeadStorage): StartClientEngine {
  const buffers: Http2Buffers = {
    storage,
    section: new DecodedSection(storage),
    block: new HeaderBlockWriter(),
    strainedTurns: new StrainedTurns(),
    lostExchanges: new LostExchanges(),
  };
  return (transport, peer, listener, ports) => new Http2ClientConnection(transport, peer, listener, ports, buffers);
}
