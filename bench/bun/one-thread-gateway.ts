import { openSync, write } from 'node:fs';
import type { Connector } from '../../src/core/connector.ts';
import { noCounts } from '../../src/core/counters.ts';
import { Deadlines } from '../../src/core/deadline.ts';
import type { EndedExchange } from '../../src/core/exchange.ts';
import { localPlaceSource } from '../../src/core/local-places.ts';
import type { UpstreamSnapshot } from '../../src/core/snapshot.ts';
import { ListenerConnections } from '../../src/downstream/listener.ts';
import { Exchange } from '../../src/exchange/exchange.ts';
import type { Serving } from '../../src/exchange/ports.ts';
import { compileRoute } from '../../src/gateway/compile-route.ts';
import { createRouter } from '../../src/gateway/router.ts';
import { systemClock as clock, systemRandom as random } from '../../src/gateway/system.ts';
import { RecordBatch } from '../../src/record/batch.ts';
import { ExchangeCounters } from '../../src/record/counters.ts';
import { RecordWriter } from '../../src/record/write-record.ts';
import { LiveUpstream } from '../../src/upstream/upstream.ts';
import { HeadStorage } from '../../src/wire/head-storage.ts';
import { OctetWriter } from '../../src/wire/octet-writer.ts';
import { IdSource } from '../../src/wire/request-id.ts';
import { benchLimits, benchRoute, benchUpstream } from '../fixtures.ts';

/**
 * The engine of a worker over any transport, with its log in a file, all in one thread: what two runtimes can be held
 * against each other with. Connections that are accepted go to `accept` of what it returns.
 */
export function startOneThreadGateway(
  connector: Connector,
  originPort: number,
  logPath: string,
): Pick<ListenerConnections, 'accept'> {
  const shared = {
    clock,
    deadlines: new Deadlines(clock),
    writer: new OctetWriter(),
    storage: new HeadStorage(),
    counts: noCounts(1),
  };
  const ports = { ...shared, random, connector, places: localPlaceSource, onUnclassified() {} };
  const upstream = new LiveUpstream(upstreamAt(originPort), ports);
  const serving: Serving = {
    revision: 1,
    deployment: 'bench',
    hopName: 'bench',
    stopping: false,
    unrouted: { errorPages: {}, disclosure: 'public' },
    router: createRouter([{ match: benchRoute.match, route: compileRoute(benchRoute, upstream) }]),
  };
  const counters = new ExchangeCounters();
  const log = recordsTo(openSync(logPath, 'a'));
  const ended = (exchange: EndedExchange): void => {
    counters.count(exchange);
    log.write(exchange);
  };
  const exchangePorts = { clock, ids: new IdSource(random), recorder: { ended } };
  return new ListenerConnections(
    { id: 'http', proxyProtocol: false, limits: benchLimits },
    {
      ...shared,
      exchanges: { create: (stream) => new Exchange(stream, serving, exchangePorts) },
      isTrusted: () => false,
      untaken: { look() {} },
      overload: { failure: null },
      admission: { take: () => '', takeAddress: () => '', giveBack() {}, giveBackAddress() {} },
    },
  );
}

function upstreamAt(port: number): UpstreamSnapshot {
  return {
    ...benchUpstream,
    endpoints: benchUpstream.endpoints.map((endpoint) => {
      return { ...endpoint, address: { kind: 'tcp', host: '127.0.0.1', port } };
    }),
  };
}

function recordsTo(descriptor: number): RecordWriter {
  const batch: RecordBatch = new RecordBatch({
    clock,
    onReady() {
      const lines = batch.take();
      if (lines === null) return;
      const { octets } = lines;
      write(descriptor, octets, 0, octets.length, null, (error) => {
        if (error !== null) throw error;
        batch.acknowledge();
        batch.reuse(octets.buffer);
      });
    },
  });
  return new RecordWriter({
    deployment: 'bench',
    member: 'bench',
    processStartedWall: clock.wallTime(),
    worker: 1,
    queryAllowed: [],
    batch,
  });
}
