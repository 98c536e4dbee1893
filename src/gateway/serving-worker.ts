import type { WorkerCounts } from '../core/counters.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { Deadlines } from '../core/deadline.ts';
import type { EndedExchange } from '../core/exchange.ts';
import type { Failure } from '../core/failure.ts';
import type { PassedSocket } from '../core/passed-socket.ts';
import { TextRedactor } from '../core/redact/text-redactor.ts';
import type { Snapshot, UpstreamDelta } from '../core/snapshot.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { Random } from '../core/random.ts';
import { Exchange } from '../exchange/exchange.ts';
import type { ExchangePorts, Serving } from '../exchange/ports.ts';
import { RecordBatch } from '../record/batch.ts';
import { ExchangeCounters } from '../record/counters.ts';
import { RecordWriter } from '../record/write-record.ts';
import { socketConnector } from '../transport/connect.ts';
import { KernelQueues } from '../transport/untaken-octets.ts';
import { LiveUpstream } from '../upstream/upstream.ts';
import type { UpstreamPorts } from '../upstream/ports.ts';
import { SharedSeat } from '../places/shared-seat.ts';
import { HeadStorage } from '../wire/head-storage.ts';
import { OctetWriter } from '../wire/octet-writer.ts';
import { IdSource } from '../wire/request-id.ts';
import { WorkerAdmission } from './admission.ts';
import { DescriptorGuard, descriptorLimit } from './descriptors.ts';
import type { DrainPlan, FromWorker, WorkerBirth } from './messages.ts';
import { OutcomeCounts } from './outcome-counts.ts';
import { hopNameOf } from './hop-name.ts';
import { NextServing } from './next-serving.ts';
import type { SnapshotPart } from './snapshot-parts.ts';
import { countStaleReuses } from './stale-reuses.ts';
import { createTrust } from './trust.ts';
import { countsNow, sharedCounts } from './worker-counts.ts';
import { type NewListeners, noListeners, WorkerListeners } from './worker-listeners.ts';

/** How often counts go to main while nothing is recorded, and outcomes that are no news in any case. */
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
  /** Shared with main: records that are still here, and end with the thread. */
  readonly #unsent: Int32Array;
  readonly #counters = new ExchangeCounters();
  readonly #outcomes = new OutcomeCounts();
  readonly #seat: SharedSeat;
  readonly #upstreamPorts: UpstreamPorts;
  readonly #exchangePorts: ExchangePorts;
  readonly #upstreams = new Map<string, LiveUpstream>();
  /** Those that no snapshot has any more, while exchanges of older ones are under way on them. */
  readonly #closed = new Set<LiveUpstream>();
  readonly #listeners: WorkerListeners;
  readonly #descriptors: DescriptorGuard;
  readonly #overload: { failure: Failure | null } = { failure: null };
  #recorder: RecordWriter | null = null;
  #serving: Serving | null = null;
  #isTrusted: (address: string) => boolean = () => false;
  #addressHeader: string | null = null;
  /** What is served when main says so. */
  #prepared: { readonly snapshot: Snapshot; readonly fresh: NewListeners; readonly next: NextServing } | null = null;
  /** What comes in parts, and how many have come. */
  #incoming: IncomingSnapshot | null = null;
  #draining = false;
  #drained = false;
  #lingering: Timer | null = null;

  constructor(
    birth: WorkerBirth,
    clock: Clock,
    random: Random,
    tell: (message: FromWorker, transfer: readonly ArrayBuffer[]) => void,
  ) {
    this.#birth = birth;
    this.#clock = clock;
    this.#tell = tell;
    this.#counts = sharedCounts(birth.worker, birth.exchangesActive);
    this.#unsent = new Int32Array(birth.recordsUnsent);
    this.#batch = new RecordBatch({ clock, onReady: () => this.#report(this.#outcomes.takeNews()) });
    this.#seat = new SharedSeat(birth.shared, birth.seat, clock);
    void this.#seat.listen();
    const deadlines = new Deadlines(clock);
    const shared = { clock, deadlines, writer: new OctetWriter(), storage: new HeadStorage(), counts: this.#counts };
    this.#upstreamPorts = {
      ...shared,
      random,
      connector: socketConnector,
      places: this.#seat,
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
    this.#listeners = new WorkerListeners({
      clock,
      inheritedSockets: birth.inheritedSockets,
      passedSockets: birth.passedSockets,
      heldSockets: birth.heldSockets,
      onNotStandingIn: (link, errno) => this.#tell({ kind: 'not-standing-in', link, errno }, []),
      downstream: {
        ...shared,
        exchanges: { create: (stream) => new Exchange(stream, this.#inForce(), this.#exchangePorts) },
        isTrusted: (address) => this.#isTrusted(address),
        addressHeader: () => this.#addressHeader,
        untaken: new KernelQueues(clock),
        overload: this.#overload,
        admission: new WorkerAdmission({
          clock,
          counts: this.#counts,
          connections: this.#seat.clientConnections,
          addresses: this.#seat.clientAddresses,
          isTrusted: (address) => this.#isTrusted(address),
        }),
      },
      admits: (address, descriptor) => this.#admits(address, descriptor),
      onConnectionClosed: () => this.#lookWhetherDrained(),
    });
    this.#descriptors = new DescriptorGuard(descriptorLimit(), this.#counts, (max) => this.#makeRoom(max));
    this.#reportRegularly();
  }

  /** Nothing new is taken while there is a failure to say so with. */
  overloaded(failure: Failure | null): void {
    this.#overload.failure = failure;
    this.#counts.shedding = failure === null ? 0 : 1;
    if (failure !== null) this.#makeRoom(Infinity);
  }

  #admits(address: string, descriptor: number): boolean {
    if (this.#overload.failure !== null) this.#counts.refusedWithoutMemory++;
    else if (this.#descriptors.admits(descriptor)) return true;
    else this.#counts.refusedWithoutDescriptor++;
    this.#counts.clientConnectionsRefused++;
    this.#counts.lastRefusedAddress = address;
    return false;
  }

  /** Closes connections on which nothing is under way: to endpoints, of which the next exchange opens another, then of clients. */
  #makeRoom(max: number): number {
    const before = this.#counts.upstreamConnectionsIdle;
    for (const upstream of this.#upstreams.values()) upstream.closeIdle();
    const closed = before - this.#counts.upstreamConnectionsIdle;
    return closed + this.#listeners.makeRoom(max - closed);
  }

  /** Opens what is new in a snapshot and holds what connects there; what is served stays as it is. */
  async prepare(snapshot: Snapshot, parts = 0): Promise<void> {
    const { revision } = snapshot;
    const next = new NextServing(snapshot, this.#upstreams, this.#upstreamPorts);
    next.take(snapshot);
    if (parts > 0) await this.#takeParts(revision, next, parts);
    const fresh = await this.#listeners.openNew(this.#draining ? { ...snapshot, listeners: [] } : snapshot);
    if (fresh.problems.length > 0) {
      this.#listeners.discard(fresh);
      next.discard();
      return this.#tell({ kind: 'rejected', revision, failures: fresh.problems }, []);
    }
    this.#prepared = { snapshot, fresh, next };
    if (this.#draining) this.#discardListeners();
    this.#tell({ kind: 'prepared', revision, listeners: fresh.listeners }, []);
  }

  /** Resolves when all have come. Each is asked for when the one before it is taken, so that requests have their turns between. */
  #takeParts(revision: number, next: NextServing, count: number): Promise<void> {
    return new Promise((whole) => {
      this.#incoming = { revision, next, count, taken: 0, whole };
      this.#tell({ kind: 'next-part', revision, index: 0 }, []);
    });
  }

  takePart(revision: number, part: SnapshotPart): void {
    const incoming = this.#incoming;
    if (incoming?.revision !== revision) return;
    incoming.next.take(part);
    incoming.taken++;
    if (incoming.taken < incoming.count) return this.#tell({ kind: 'next-part', revision, index: incoming.taken }, []);
    this.#incoming = null;
    incoming.whole();
  }

  /** Takes whole what it has prepared. */
  commit(revision: number): void {
    if (this.#prepared?.snapshot.revision !== revision) return;
    const { snapshot, fresh, next } = this.#prepared;
    this.#prepared = null;
    this.#install(snapshot, next);
    this.#listeners.admit(fresh, snapshot);
    this.#tell({ kind: 'applied', revision, sockets: this.#listeners.sockets }, []);
  }

  /** Somebody else could not prepare it. */
  discard(revision: number): void {
    if (this.#prepared?.snapshot.revision !== revision) return;
    this.#discardListeners();
    this.#prepared.next.discard();
    this.#prepared = null;
  }

  /** A worker that leaves takes snapshots, since exchanges are under way in it, but opens no listener. */
  #discardListeners(): void {
    if (this.#prepared === null) return;
    this.#listeners.discard(this.#prepared.fresh);
    this.#prepared = { ...this.#prepared, fresh: noListeners };
  }

  #install(snapshot: Snapshot, next: NextServing): void {
    const { deployment, member, queryAllowed, secretFields } = snapshot;
    const { worker, processStartedWall } = this.#birth;
    this.#recorder = new RecordWriter({
      deployment,
      member,
      processStartedWall,
      worker,
      queryAllowed,
      secretFields,
      batch: this.#batch,
    });
    this.#isTrusted = createTrust(snapshot.trustedPeers);
    this.#addressHeader = snapshot.clientAddressHeader;
    const router = next.commit(this.#upstreams);
    const { revision, unrouted } = snapshot;
    const hopName = hopNameOf(snapshot);
    const redactor = new TextRedactor(secretFields);
    this.#serving = { revision, deployment, hopName, stopping: false, redactor, unrouted, router };
    this.#closeGoneUpstreams(next);
  }

  #closeGoneUpstreams(next: NextServing): void {
    for (const [id, upstream] of this.#upstreams) {
      if (next.has(id)) continue;
      upstream.close();
      this.#upstreams.delete(id);
      this.#closed.add(upstream);
    }
  }

  applyDelta(delta: UpstreamDelta): void {
    // One of an older snapshot may speak of endpoints that are no longer the upstream's.
    if (delta.revision !== this.#serving?.revision) return;
    const upstream = this.#upstreams.get(delta.upstream);
    if (delta.whole) upstream?.updateEndpoints(delta.endpoints);
    else upstream?.changeEndpoints(delta.endpoints);
  }

  acknowledge(batches: number): void {
    this.#batch.acknowledge(batches);
  }

  /** Main has written what stood in this buffer. */
  reuse(buffer: ArrayBuffer): void {
    this.#batch.reuse(buffer);
  }

  /** Another worker does not answer, or has ended: its new connections are this one's. */
  standIn(socket: PassedSocket): void {
    if (!this.#draining) this.#listeners.standIn(socket);
  }

  /** The thread ends: what waits in the queues of its sockets is another worker's. */
  closeSockets(): void {
    this.#listeners.closeSockets();
  }

  standDown(link: string): void {
    this.#listeners.standDown(link);
  }

  /** Everything is served as before, but readiness is over, and so is each connection with its next response. */
  takeLeave(): void {
    if (this.#serving !== null) this.#serving = { ...this.#serving, stopping: true };
    this.#listeners.takeLeave();
  }

  /** Listeners close, and idle connections in a while; the rest end after the exchange they are in. */
  drain(plan: DrainPlan): void {
    this.#draining = true;
    this.#discardListeners();
    if (plan.hasSuccessor) this.#listeners.takeLeave();
    else this.takeLeave();
    this.#listeners.drain(plan);
    this.#lookWhetherDrained();
  }

  /** The time for draining is over, or the end is wanted at once. */
  cut(atOnce: boolean): void {
    this.#draining = true;
    this.#listeners.cut(atOnce);
    // An answer that its client does not take is cut as well, when it has had the time to take it.
    this.#clock.schedule(after(this.#clock.now(), answerTakenMs), cutAgain, this as ServingWorker);
    this.#lookWhetherDrained();
  }

  /** For the timer of `cut` alone. */
  cutAgain(): void {
    this.#listeners.cut(false);
    this.#lookWhetherDrained();
  }

  /** Connections that linger are waited for too: so their clients read the answer before they see a reset. */
  #lookWhetherDrained(): void {
    if (!this.#draining || this.#counts.exchangesActive > 0 || this.#listeners.isBusy) return;
    if (this.#listeners.isLeaving) {
      this.#lingering ??= this.#clock.schedule(after(this.#clock.now(), lingerMs), lingered, this as ServingWorker);
      return;
    }
    this.tellDrained();
  }

  /** For `#lingering`, and when nothing lingers. */
  tellDrained(): void {
    this.#lingering?.cancel();
    this.#drained = true;
    this.#report(this.#outcomes.take());
    this.#tell({ kind: 'drained' }, []);
  }

  #inForce(): Serving {
    if (this.#serving === null) throw new Error('a snapshot is applied before a connection is accepted');
    return this.#serving;
  }

  #ended(exchange: EndedExchange): void {
    this.#counters.count(exchange);
    this.#outcomes.count(exchange);
    if (exchange.attempts.length > 1 || exchange.failure !== null) countStaleReuses(exchange, this.#counts);
    if (exchange.failure?.cause === 'descriptors_exhausted') this.#descriptors.relieve();
    this.#recorder?.write(exchange);
    this.#unsent[0] = this.#batch.waiting;
    this.#lookWhetherDrained();
  }

  #report(outcomes: readonly EndpointOutcomes[]): void {
    this.#counts.recordsDropped = this.#batch.dropped;
    const lines = this.#batch.take();
    const transfer = lines === null ? [] : [lines.octets.buffer];
    const exchanges = this.#counters.takeDelta();
    const drained = this.#takeDrained();
    this.#tell({ kind: 'batch', lines, exchanges, outcomes, drained, counts: countsNow(this.#counts) }, transfer);
    this.#unsent[0] = this.#batch.waiting;
  }

  /** What has been counted goes to main now. */
  report(): void {
    if (!this.#drained) this.#report(this.#outcomes.take());
  }

  #takeDrained(): readonly string[] {
    const drained: string[] = [];
    for (const upstream of this.#upstreams.values()) drained.push(...upstream.takeDrained());
    for (const upstream of this.#closed) {
      drained.push(...upstream.takeDrained());
      if (!upstream.isDraining) this.#closed.delete(upstream);
    }
    return drained;
  }

  #reportRegularly(): void {
    const again = (worker: ServingWorker): void => {
      if (worker.#drained) return;
      if (worker.#draining) worker.#listeners.endLateTunnels();
      worker.#report(worker.#outcomes.take());
      this.#clock.schedule(after(this.#clock.now(), reportMs), again, worker);
    };
    this.#clock.schedule(after(this.#clock.now(), reportMs), again, this as ServingWorker);
  }
}

/** A snapshot on its way, part by part. */
interface IncomingSnapshot {
  readonly revision: number;
  readonly next: NextServing;
  readonly count: number;
  taken: number;
  readonly whole: () => void;
}

/** An answer of some hundred octets is taken in the time of a round trip. */
const answerTakenMs = 1000;

/** Clients that read their answer close at once; this is for those that have more to send. */
const lingerMs = 250;

function cutAgain(worker: ServingWorker): void {
  worker.cutAgain();
}

function lingered(worker: ServingWorker): void {
  worker.tellDrained();
}
