import type { ListenerSpec } from '../core/configuration.ts';
import type { WorkerCounts } from '../core/counters.ts';
import { Deadlines } from '../core/deadline.ts';
import type { EndedExchange } from '../core/exchange.ts';
import type { Snapshot, UpstreamDelta } from '../core/snapshot.ts';
import { after, type Clock } from '../core/time.ts';
import type { Random } from '../core/random.ts';
import type { DownstreamPorts, ListenerFacts } from '../downstream/ports.ts';
import { ListenerConnections } from '../downstream/listener.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { ExchangePorts, Serving } from '../exchange/ports.ts';
import { RecordBatch } from '../record/batch.ts';
import { ExchangeCounters } from '../record/counters.ts';
import { RecordWriter } from '../record/write-record.ts';
import { socketConnector } from '../transport/connect.ts';
import { listen, type Listening } from '../transport/listen.ts';
import { LiveUpstream } from '../upstream/upstream.ts';
import type { UpstreamPorts } from '../upstream/ports.ts';
import { HeadStorage } from '../wire/head-storage.ts';
import { OctetWriter } from '../wire/octet-writer.ts';
import { IdSource } from '../wire/request-id.ts';
import { compileRoute } from './compile-route.ts';

import type { FromWorker, ListenProblem, OpenListener, WorkerBirth } from './messages.ts';
import { createRouter } from './router.ts';
import { createTrust } from './trust.ts';

interface OpenedListener {
  readonly listening: Listening;
  readonly connections: ListenerConnections;
}

/** Where a listener of the snapshot is to be found: by host and port as they are, not as they were asked for. */
interface ListenerPlace {
  readonly spec: ListenerSpec;
  readonly place: string;
}

interface NewListeners {
  readonly opened: ReadonlyMap<string, OpenedListener>;
  readonly problems: readonly ListenProblem[];
  readonly places: readonly ListenerPlace[];
}

/** How often counts go to main while nothing is recorded. */
const reportMs = 250;

/**
 * One serving worker: listeners, connections, pools and exchanges, and the snapshot in force. It knows main
 * only by messages, and goes on serving whatever becomes of main, the log or the disk.
 */
export class ServingWorker {
  readonly #clock: Clock;
  readonly #tell: (message: FromWorker, transfer: readonly ArrayBuffer[]) => void;
  readonly #birth: WorkerBirth;
  readonly #counts: WorkerCounts;
  readonly #batch: RecordBatch;
  readonly #counters = new ExchangeCounters();
  readonly #upstreamPorts: UpstreamPorts;
  readonly #exchangePorts: ExchangePorts;
  readonly #downstreamPorts: Omit<DownstreamPorts, 'onConnectionOpened' | 'onConnectionClosed'>;
  readonly #upstreams = new Map<string, LiveUpstream>();
  readonly #listeners = new Map<string, OpenedListener>();
  #recorder: RecordWriter | null = null;
  #serving: Serving | null = null;
  #isTrusted: (address: string) => boolean = () => false;
  #draining = false;

  constructor(
    birth: WorkerBirth,
    clock: Clock,
    random: Random,
    tell: (message: FromWorker, transfer: readonly ArrayBuffer[]) => void,
  ) {
    this.#birth = birth;
    this.#clock = clock;
    this.#tell = tell;
    this.#counts = noCounts(birth.worker);
    this.#batch = new RecordBatch({ clock, onReady: () => this.#report() });
    const deadlines = new Deadlines(clock);
    const shared = { clock, deadlines, writer: new OctetWriter(), storage: new HeadStorage(), counts: this.#counts };
    this.#upstreamPorts = {
      ...shared,
      random,
      connector: socketConnector,
      onUnclassified: (fault) => {
        this.#counts.unclassifiedTotal++;
        this.#tell({ kind: 'unclassified', fault }, []);
      },
    };
    this.#exchangePorts = {
      clock,
      ids: new IdSource(random),
      recorder: { ended: (exchange) => this.#ended(exchange) },
    };
    this.#downstreamPorts = {
      ...shared,
      exchanges: { create: (stream) => new Exchange(stream, this.#inForce(), this.#exchangePorts) },
      isTrusted: (address) => this.#isTrusted(address),
    };
    this.#reportRegularly();
  }

  /** Takes a snapshot whole, or nothing of it: new listeners are opened first, and only then is anything changed. */
  async apply(snapshot: Snapshot): Promise<void> {
    const { opened, problems, places } = await this.#openNew(snapshot);
    if (problems.length > 0) {
      for (const { listening, connections } of opened.values()) {
        void listening.close();
        connections.drain();
      }
      return this.#tell({ kind: 'rejected', revision: snapshot.revision, failures: problems }, []);
    }
    this.#install(snapshot);
    for (const [key, listener] of opened) this.#listeners.set(key, listener);
    for (const { spec, place } of places) {
      const listener = this.#listeners.get(place);
      if (listener !== undefined) listener.connections.facts = listenerFacts(spec, snapshot);
    }
    this.#closeAllBut(new Set(places.map(({ place }) => place)));
    const listeners = places.map(({ spec, place }) => this.#openListener(spec, place));
    this.#tell({ kind: 'applied', revision: snapshot.revision, listeners }, []);
  }

  #install(snapshot: Snapshot): void {
    const { deployment, member, queryAllowed } = snapshot;
    const { worker, processStartedWall } = this.#birth;
    this.#recorder = new RecordWriter({
      deployment,
      member,
      processStartedWall,
      worker,
      queryAllowed,
      batch: this.#batch,
    });
    this.#isTrusted = createTrust(snapshot.trustedPeers);
    for (const spec of snapshot.upstreams) {
      const known = this.#upstreams.get(spec.id);
      if (known === undefined) this.#upstreams.set(spec.id, new LiveUpstream(spec, this.#upstreamPorts));
      else known.update(spec);
    }
    const entries = snapshot.routes.map((spec) => {
      const upstream = spec.action.kind === 'upstream' ? (this.#upstreams.get(spec.action.upstream) ?? null) : null;
      return { match: spec.match, route: compileRoute(spec, upstream) };
    });
    this.#serving = { revision: snapshot.revision, deployment, router: createRouter(entries) };
    this.#closeGoneUpstreams(snapshot);
  }

  #closeGoneUpstreams(snapshot: Snapshot): void {
    const wanted = new Set<string>(snapshot.upstreams.map(({ id }) => id));
    for (const [id, upstream] of this.#upstreams) {
      if (wanted.has(id)) continue;
      upstream.close();
      this.#upstreams.delete(id);
    }
  }

  applyDelta(delta: UpstreamDelta): void {
    this.#upstreams.get(delta.upstream)?.updateEndpoints(delta.endpoints);
  }

  acknowledge(batches: number): void {
    this.#batch.acknowledge(batches);
  }

  /** Listeners close, idle connections too; the rest end after the exchange they are in. */
  drain(): void {
    this.#draining = true;
    for (const { listening, connections } of this.#listeners.values()) {
      void listening.close();
      connections.drain();
    }
    this.#listeners.clear();
    this.#tellWhenDrained();
  }

  #tellWhenDrained(): void {
    this.#report();
    if (this.#counts.exchangesActive === 0) return this.#tell({ kind: 'drained' }, []);
    this.#clock.schedule(after(this.#clock.now(), drainLookMs), retell, () => this.#tellWhenDrained());
  }

  async #openNew(snapshot: Snapshot): Promise<NewListeners> {
    const opened = new Map<string, OpenedListener>();
    const problems: ListenProblem[] = [];
    const places: ListenerPlace[] = [];
    for (const spec of snapshot.listeners) {
      const { id, host, port } = spec;
      const asked = `${host}:${port}`;
      if (this.#listeners.has(asked)) {
        places.push({ spec, place: asked });
        continue;
      }
      const connections = new ListenerConnections(listenerFacts(spec, snapshot), this.#downstreamPorts);
      const listening = await openListener(host, port, connections);
      if (typeof listening === 'string') {
        problems.push({ listener: id, host, port, errno: listening });
        continue;
      }
      const place = `${host}:${listening.address.port}`;
      opened.set(place, { listening, connections });
      places.push({ spec, place });
    }
    return { opened, problems, places };
  }

  #closeAllBut(wanted: ReadonlySet<string>): void {
    for (const [place, { listening, connections }] of this.#listeners) {
      if (wanted.has(place)) continue;
      void listening.close();
      connections.drain();
      this.#listeners.delete(place);
    }
  }

  #openListener({ id, host, port }: ListenerSpec, place: string): OpenListener {
    return { id, host, port: this.#listeners.get(place)?.listening.address.port ?? port };
  }

  #inForce(): Serving {
    if (this.#serving === null) throw new Error('a snapshot is applied before a connection is accepted');
    return this.#serving;
  }

  #ended(exchange: EndedExchange): void {
    this.#counters.count(exchange);
    this.#recorder?.write(exchange);
  }

  #report(): void {
    this.#counts.recordsDropped = this.#batch.dropped;
    const lines = this.#batch.take();
    const transfer = lines === null ? [] : [lines.octets.buffer];
    this.#tell({ kind: 'batch', lines, exchanges: this.#counters.takeDelta(), counts: this.#counts }, transfer);
  }

  #reportRegularly(): void {
    const again = (worker: ServingWorker): void => {
      if (worker.#draining) return;
      worker.#report();
      this.#clock.schedule(after(this.#clock.now(), reportMs), again, worker);
    };
    this.#clock.schedule(after(this.#clock.now(), reportMs), again, this as ServingWorker);
  }
}

function listenerFacts({ id, proxyProtocol }: ListenerSpec, { client }: Snapshot): ListenerFacts {
  return { id, proxyProtocol, limits: client };
}

/** How often a draining worker looks whether its last exchange has ended. */
const drainLookMs = 20;

function retell(again: () => void): void {
  again();
}

function openListener(host: string, port: number, connections: ListenerConnections): Promise<Listening | string> {
  return new Promise((resolve) => {
    listen(
      { host, port, sharePort: false },
      {
        onListening: resolve,
        onListenFailed: resolve,
        onConnection: (transport) => connections.accept(transport),
      },
    );
  });
}

function noCounts(worker: number): WorkerCounts {
  return {
    worker,
    clientConnections: 0,
    clientConnectionsTotal: 0,
    exchangesActive: 0,
    upstreamConnections: 0,
    upstreamConnectionsIdle: 0,
    upstreamConnectionsTotal: 0,
    upstreamReusesTotal: 0,
    recordsDropped: 0,
    unclassifiedTotal: 0,
  };
}
