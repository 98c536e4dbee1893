import type { EndingInstance } from '../core/stream.ts';
import { lastResponseReadMs } from '../core/client-engine.ts';
import type { WorkerCounts } from '../core/counters.ts';
import type { EndpointId } from '../core/endpoint.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import { Deadlines } from '../core/deadline.ts';
import type { EndedExchange } from '../core/exchange.ts';
import type { Failure } from '#failures/failure.ts';
import type { WaitingRequests } from '../core/waiting-requests.ts';
import type { RouteOverlay } from '../core/overlay.ts';
import type { FeatureMessages } from '../core/feature.ts';
import type { PassedSocket } from '../core/passed-socket.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import type { Snapshot, UpstreamDelta } from '../core/snapshot.ts';
import type { ThreadFigures } from '../core/thread-figures.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { Random } from '../core/random.ts';
import { clientEngines } from '../downstream/engines.ts';
import { Exchange } from '../exchange/exchange.ts';
import { BufferAllowance } from '../exchange/buffer-allowance.ts';
import type { ExchangePorts, ServingRevision } from '../exchange/ports.ts';
import { AttemptCounters } from '../record/attempt-counters.ts';
import { ExchangeCounters } from '../record/counters.ts';
import { RecordRingWriter } from '../record/record-ring.ts';
import { OtlpSampler } from '../record/otlp-sampler.ts';
import { StoreSampler } from '../record/store-sampler.ts';
import { RecordWriter } from '../record/write-record.ts';
import { atEndOfTurn, outbox } from '../transport/outbox.ts';
import { connectorWithin } from '../transport/connect.ts';
import { KernelSendQueues } from '../transport/kernel-send-queues.ts';
import { tlsServer } from '../transport/tls-server.ts';
import { longLivedMax } from '../upstream/pool-settings.ts';
import { LiveUpstream } from '../upstream/upstream.ts';
import type { UpstreamPorts } from '../upstream/ports.ts';
import { ConnectionOwners } from '../upstream/private-connections.ts';
import { WorkerSemaphores } from '../limits/worker-semaphores.ts';
import { HeadStorage } from '../wire/head-storage.ts';
import { ByteWriter } from '../wire/byte-writer.ts';
import { IdSource } from '../wire/request-id.ts';
import { ThreadUse } from './thread-use.ts';
import { WorkerAdmission } from './admission.ts';
import { DescriptorLimiter, descriptorLimit, endpointDescriptorMax, longLivedWithin } from '../system/descriptors.ts';
import type { DrainPlan, FromWorker, WorkerInit } from '../core/worker-messages.ts';
import { ServerCertificates } from './server-certificates.ts';
import type { ManagedTls } from '../core/managed-tls.ts';
import { ChallengeRoutes } from './challenge-routes.ts';
import { GatewayStates } from './gateway-states.ts';
import { HandshakeFailures } from './handshake-failures.ts';
import { Http2Errors } from '../core/http2-error.ts';
import { Http2Limits } from './http2-limits.ts';
import { AskedNames } from './asked-names.ts';
import { ListenerHosts } from './listener-hosts.ts';
import { IncomingParts } from './incoming-parts.ts';
import { OutcomeCounts } from './outcome-counts.ts';
import { ErrorBodies } from './error-bodies.ts';
import { RouteTrafficCounts } from './route-traffic-counts.ts';
import { AnsweredTargets } from '../policy/answered-targets.ts';
import { hopNameOf } from './hop-name.ts';
import { PendingSnapshot } from './pending-snapshot.ts';
import type { SnapshotPart } from '../core/snapshot-parts.ts';
import { RouteOverrides } from './route-overrides.ts';
import { countRetries } from './retry-counts.ts';
import { countStaleReuses } from './stale-reuses.ts';
import { subrequests } from './subrequests.ts';
import { workerFeatures } from '../features/worker.ts';
import { availableCores } from '../system/system.ts';
import { FeatureParts } from './feature-parts.ts';
import { LoopWatch } from './loop-watch.ts';
import { responseChange } from './compile-headers.ts';
import { createTrust } from './trust.ts';
import { countsNow, sharedCounts } from '../core/worker-counts.ts';
import { type NewListeners, noListeners, WorkerListeners } from './worker-listeners.ts';

/** How often the worker sends counts, and outcomes that change no state, to the main thread. */
const reportMs = 250;

/** How long outcomes that may change the state of an endpoint wait for others. */
const urgentMs = 100;

/**
 * One worker that serves requests. It has listeners, client connections, pools, exchanges, and the active snapshot. It talks to
 * the main thread only by messages, and continues to serve if the main thread, the log or the disk fails.
 */
export class ServingWorker {
  readonly #clock: Clock;
  readonly #send: (message: FromWorker) => void;
  readonly #init: WorkerInit;
  readonly #counts: WorkerCounts;
  readonly #recordRing: RecordRingWriter;
  readonly #storeRing: RecordRingWriter;
  readonly #otlpRing: RecordRingWriter;
  readonly #exchangesEnded: Int32Array;
  readonly #counters = new ExchangeCounters();
  readonly #attempts = new AttemptCounters();
  readonly #threadUse = new ThreadUse();
  readonly #outcomes = new OutcomeCounts((route) => this.#features.judgesFailuresOf(route));
  readonly #answered = new AnsweredTargets();
  readonly #routeTraffic = new RouteTrafficCounts(this.#answered);
  readonly #errorBodies: ErrorBodies;
  readonly #handshakes = new HandshakeFailures();
  readonly #http2Limits = new Http2Limits();
  readonly #http2Errors = new Http2Errors();
  readonly #certificates = new ServerCertificates();
  /** Endpoints that have refused connections, until the main thread is told. */
  readonly #refused = new Set<EndpointId>();
  readonly #askedNames: AskedNames;
  readonly #semaphores: WorkerSemaphores;
  readonly #upstreamPorts: UpstreamPorts;
  readonly #exchangePorts: ExchangePorts;
  readonly #features: FeatureParts;
  readonly #states: GatewayStates;
  readonly #upstreams = new Map<string, LiveUpstream>();
  /** Upstreams that the active snapshot no longer has, but that exchanges of older revisions still use. */
  readonly #closed = new Set<LiveUpstream>();
  readonly #listeners: WorkerListeners;
  readonly #descriptors: DescriptorLimiter;
  readonly #loop: LoopWatch;
  readonly #overload: { failure: Failure | null } = { failure: null };
  /** The loop of this worker is too late for all of its requests. */
  #isLate = false;
  #recorder: RecordWriter | null = null;
  #serving: ServingRevision | null = null;
  readonly #overrides: RouteOverrides;
  readonly #challenges: ChallengeRoutes;
  #isTrusted: (address: string) => boolean = () => false;
  #addressHeader: string | null = null;
  /** A snapshot that this worker has prepared. It becomes active when the main thread calls `activate`. */
  #prepared: { readonly snapshot: Snapshot; readonly fresh: NewListeners; readonly next: PendingSnapshot } | null =
    null;
  readonly #incoming = new IncomingParts((revision, index) => this.#send({ kind: 'send-part', revision, index }));
  #draining = false;
  #drained = false;
  #lingering: Timer | null = null;
  /** The next report of urgent outcomes, if there are some. */
  #soon: Timer | null = null;

  constructor(init: WorkerInit, clock: Clock, random: Random, send: (message: FromWorker) => void) {
    this.#init = init;
    this.#clock = clock;
    this.#overrides = new RouteOverrides(clock);
    this.#challenges = new ChallengeRoutes(init.managedTls.challenges);
    this.#send = send;
    this.#counts = sharedCounts(init.worker, init.exchangesActive);
    this.#recordRing = new RecordRingWriter(init.recordRing);
    this.#storeRing = new RecordRingWriter(init.storeRing);
    this.#otlpRing = new RecordRingWriter(init.otlpRing);
    this.#exchangesEnded = new Int32Array(init.exchangesEnded);
    this.#semaphores = new WorkerSemaphores(init.shared, init.workerIndex, clock);
    void this.#semaphores.listen();
    const deadlines = new Deadlines(clock);
    const shared = { clock, deadlines, writer: new ByteWriter(), storage: new HeadStorage(), counts: this.#counts };
    const owners = new ConnectionOwners();
    this.#upstreamPorts = {
      ...shared,
      owners,
      random,
      connector: connectorWithin(endpointDescriptorMax()),
      semaphores: this.#semaphores,
      longLivedMax: longLivedWithin(longLivedMax),
      onRefused: (endpoint) => {
        this.#refused.add(endpoint);
        this.#reportSoon();
      },
      onServerCertificate: (endpoint, certificate) => this.#certificates.note(endpoint, certificate),
      onUnclassified: (fault) => {
        this.#counts.unclassifiedTotal++;
        this.#send({ kind: 'unclassified', fault });
      },
    };
    this.#features = new FeatureParts(workerFeatures, {
      ...this.#upstreamPorts,
      worker: init.worker,
      answered: this.#answered,
      ask: subrequests({
        clock,
        exchangePorts: () => this.#exchangePorts,
        current: () => this.#current(),
        upstream: (id) => this.#upstreams.get(id) ?? null,
      }),
      cores: availableCores(),
    });
    this.#states = new GatewayStates({ upstreams: this.#upstreams, features: this.#features });
    this.#errorBodies = new ErrorBodies(clock);
    this.#loop = new LoopWatch({
      clock,
      random,
      atEndOfTurn,
      turns: outbox,
      onChange: (isShedding) => {
        this.#isLate = isShedding;
        this.#countShedding();
      },
    });
    this.#exchangePorts = {
      clock,
      load: this.#loop,
      errorBodies: this.#errorBodies,
      ids: new IdSource(random),
      recorder: { ended: (exchange) => this.#ended(exchange) },
      buffers: new BufferAllowance(this.#counts, 0),
    };
    this.#askedNames = new AskedNames(clock);
    const tls = tlsServer(random);
    this.#listeners = new WorkerListeners({
      clock,
      inheritedSockets: init.inheritedSockets,
      passedSockets: init.passedSockets,
      heldSockets: init.heldSockets,
      onStandInFailed: (link, errno) => this.#send({ kind: 'stand-in-failed', link, errno }),
      downstream: {
        ...shared,
        ...clientEngines(shared, tls),
        exchanges: { create: (stream) => new Exchange(stream, this.#current(), this.#exchangePorts) },
        isTrusted: (address) => this.#isTrusted(address),
        addressHeader: () => this.#addressHeader,
        sendQueueBytes: new KernelSendQueues(clock),
        overload: this.#overload,
        onClientClosed: (client) => owners.onClosed(client),
        onHandshakeFailed: (failed) => this.#handshakes.count(failed),
        onHttp2Limit: (reached) => this.#http2Limits.count(reached),
        onHttp2Error: (listener, code) => this.#http2Errors.add({ listener, code, count: 1 }),
        admission: new WorkerAdmission({
          clock,
          counts: this.#counts,
          connections: this.#semaphores.clientConnections,
          addresses: this.#semaphores.clientAddresses,
          isTrusted: (address) => this.#isTrusted(address),
        }),
      },
      admits: (address, descriptor) => this.#admits(address, descriptor),
      onConnectionClosed: () => this.#checkDrained(),
      hosts: new ListenerHosts(tls, init.ticketKey, this.#askedNames, init.managedTls),
    });
    this.#descriptors = new DescriptorLimiter(descriptorLimit(), this.#counts, (max) => this.#makeRoom(max));
    this.#reportRegularly();
  }

  /** While `failure` is not null, the worker refuses new requests with it. */
  setOverload(failure: Failure | null): void {
    this.#overload.failure = failure;
    this.#countShedding();
    if (failure !== null) this.#makeRoom(Infinity);
  }

  #countShedding(): void {
    this.#counts.shedding = this.#overload.failure !== null ? 1 : this.#isLate ? 2 : 0;
  }

  #admits(address: string, descriptor: number): boolean {
    if (this.#overload.failure !== null) this.#counts.refusedWithoutMemory++;
    else if (this.#descriptors.admits(descriptor)) return true;
    else this.#counts.refusedWithoutDescriptor++;
    this.#counts.clientConnectionsRefused++;
    this.#counts.lastRefusedAddress = address;
    return false;
  }

  /**
   * Closes all idle connections to endpoints, which later exchanges can open again. If these are fewer than `max`, also closes
   * client connections without a request. Returns how many connections it has closed.
   */
  #makeRoom(max: number): number {
    const before = this.#counts.upstreamConnectionsIdle;
    for (const upstream of this.#upstreams.values()) upstream.closeIdle();
    const closed = before - this.#counts.upstreamConnectionsIdle;
    return closed + this.#listeners.makeRoom(max - closed);
  }

  /** Opens the new listeners of a snapshot and holds connections there until `activate`. The active snapshot stays in use. */
  async prepare(snapshot: Snapshot, parts = 0): Promise<void> {
    const { revision } = snapshot;
    const isObtained = (host: string): boolean => this.#listeners.isObtained(host);
    const next = new PendingSnapshot(snapshot, this.#upstreams, this.#upstreamPorts, isObtained, this.#features);
    const why = await this.#addParts(next, snapshot, parts);
    if (why !== null) {
      next.discard();
      return this.#send({ kind: 'rejected', revision, failures: [], why });
    }
    const fresh = await this.#listeners.openNew(this.#draining ? { ...snapshot, listeners: [] } : snapshot);
    if (fresh.problems.length > 0) {
      this.#listeners.discard(fresh);
      next.discard();
      return this.#send({ kind: 'rejected', revision, failures: fresh.problems });
    }
    this.#prepared = { snapshot, fresh, next };
    if (this.#draining) this.#discardListeners();
    this.#send({ kind: 'prepared', revision, listeners: fresh.listeners });
  }

  addPart(revision: number, part: SnapshotPart): void {
    this.#incoming.add(revision, part);
  }

  /** Null: the next snapshot has all parts; otherwise why not. */
  async #addParts(next: PendingSnapshot, snapshot: Snapshot, parts: number): Promise<string | null> {
    try {
      const loading = next.addPart(snapshot);
      if (loading !== null) await loading;
      if (parts > 0) await this.#incoming.receive(snapshot.revision, parts, (part) => next.addPart(part));
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Makes the prepared snapshot the active one. */
  activate(revision: number): void {
    if (this.#prepared?.snapshot.revision !== revision) return;
    const { snapshot, fresh, next } = this.#prepared;
    this.#prepared = null;
    this.#install(snapshot, next);
    this.#listeners.admit(fresh, snapshot);
    this.#send({ kind: 'applied', revision, sockets: this.#listeners.sockets });
  }

  /** Drops a prepared snapshot, because another worker could not prepare it. */
  discard(revision: number): void {
    if (this.#prepared?.snapshot.revision !== revision) return;
    this.#discardListeners();
    this.#prepared.next.discard();
    this.#prepared = null;
  }

  /** Closes the listeners of the prepared snapshot. A draining worker still applies snapshots, but opens no listener. */
  #discardListeners(): void {
    if (this.#prepared === null) return;
    this.#listeners.discard(this.#prepared.fresh);
    this.#prepared = { ...this.#prepared, fresh: noListeners };
  }

  #install(snapshot: Snapshot, next: PendingSnapshot): void {
    const { deployment, member, queryAllowed, secretHeaders, fullDetail, inlineConstants, store, otlp } = snapshot;
    const { worker, processStartedUnixMs, processKey } = this.#init;
    this.#recorder = new RecordWriter({
      deployment,
      member,
      processStartedUnixMs,
      processKey,
      worker,
      queryAllowed,
      secretHeaders,
      fullDetail,
      inlineConstants,
      gatewayStateOf: (exchange) => this.#states.of(exchange),
      ring: this.#recordRing,
      sampler: store === null ? null : new StoreSampler(this.#storeRing, store),
      exported: otlp === undefined ? null : new OtlpSampler(this.#otlpRing, otlp),
    });
    this.#isTrusted = createTrust(snapshot.trustedPeers);
    this.#addressHeader = snapshot.clientAddressHeader;
    this.#loop.use(snapshot.loopDelayMaxMs ?? Infinity);
    this.#exchangePorts.buffers.bytesMax = snapshot.client.bufferBytesMax;
    const router = this.#challenges.routerOf(
      this.#overrides.routerOf(next.activate(this.#upstreams)),
      snapshot.unrouted,
    );
    this.#overrides.apply(snapshot.overlay);
    const { revision, unrouted, contentHash } = snapshot;
    this.#states.use(revision, contentHash);
    const hopName = hopNameOf(snapshot);
    const redactor = new TextRedactor(secretHeaders);
    const recordedHeaderNames = snapshot.recordedHeaderNames.length === 0 ? null : snapshot.recordedHeaderNames;
    this.#serving = {
      ...{ revision, deployment, hopName, stopping: false, redactor, recordedHeaderNames, unrouted, router },
      ...(unrouted.responseHeaders === undefined
        ? {}
        : { unroutedHeaders: responseChange(unrouted.responseHeaders, [], null) }),
      sampledShare: otlp?.share ?? null,
    };
    this.#closeGoneUpstreams(next);
  }

  #closeGoneUpstreams(next: PendingSnapshot): void {
    for (const [id, upstream] of this.#upstreams) {
      if (next.has(id)) continue;
      upstream.close();
      this.#upstreams.delete(id);
      this.#closed.add(upstream);
    }
  }

  applyDelta(delta: UpstreamDelta): void {
    // A delta of an older revision may contain endpoints that the upstream no longer has.
    if (delta.revision !== this.#serving?.revision) return;
    const upstream = this.#upstreams.get(delta.upstream);
    if (delta.whole) upstream?.updateEndpoints(delta.endpoints);
    else upstream?.changeEndpoints(delta.endpoints);
  }

  /** Applies the overlay to routes, from the next request on. */
  applyOverlay(overlay: RouteOverlay): void {
    this.#overrides.apply(overlay);
  }

  /** Tells the parts of a feature what the main thread has published. */
  useFeatureStates(feature: string, states: FeatureMessages): void {
    this.#features.onStates(feature, states);
  }

  changeTicketKey(key: Uint8Array): void {
    this.#listeners.changeTicketKey(key);
  }

  changeManagedTls(certificates: ManagedTls['certificates'] | null, challenges: ManagedTls['challenges']): void {
    this.#listeners.changeManagedTls(certificates, challenges);
    this.#challenges.show(challenges);
  }

  /** Accepts from a socket of another worker, which does not answer or has ended. */
  standIn(socket: PassedSocket): void {
    if (!this.#draining) this.#listeners.standIn(socket);
  }

  /** Closes the sockets because the thread is ending. Other workers accept the connections that wait in their queues. */
  closeSockets(): void {
    this.#listeners.closeSockets();
  }

  /** Stops accepting from a socket of another worker. */
  standDown(link: string): void {
    this.#listeners.standDown(link);
  }

  /** Continues to serve, but readiness checks of this gateway fail, and each connection closes after its next response. */
  announceClose(): void {
    if (this.#serving !== null) this.#serving = { ...this.#serving, stopping: true };
    this.#listeners.announceClose();
  }

  /** Closes the listeners, and after a while idle connections. Other connections close when their exchange has ended. */
  drain(plan: DrainPlan): void {
    this.#draining = true;
    this.#discardListeners();
    if (plan.hasSuccessor) this.#listeners.announceClose();
    else this.announceClose();
    this.#listeners.drain(plan);
    this.#checkDrained();
  }

  /** Ends all exchanges: the drain timeout is over, or the gateway must stop at once. */
  forceClose(atOnce: boolean): void {
    this.#draining = true;
    this.#listeners.forceClose(atOnce);
    // The client gets some time to read its last response. Then its connection is force closed even if it has not read it.
    this.#clock.schedule(after(this.#clock.now(), lastResponseReadMs), forceCloseAgain, this as ServingWorker);
    this.#checkDrained();
  }

  endTunnelsOf(instance: EndingInstance): void {
    this.#listeners.endTunnelsOf(instance);
  }

  /** Called only by the timer of `forceClose`. */
  forceCloseAgain(): void {
    this.#listeners.forceClose(false);
    this.#checkDrained();
  }

  /** Reports `drained` when no exchange is active. Also waits for lingering connections: closing them could reset a last response. */
  #checkDrained(): void {
    if (!this.#draining || this.#counts.exchangesActive > 0 || this.#listeners.isBusy) return;
    if (this.#listeners.isClosing) {
      this.#lingering ??= this.#clock.schedule(after(this.#clock.now(), lingerMs), lingerIsOver, this as ServingWorker);
      return;
    }
    this.reportDrained();
  }

  /** Called by the timer `#lingering`, or directly when no connection lingers. */
  reportDrained(): void {
    this.#lingering?.cancel();
    this.#soon?.cancel();
    this.#drained = true;
    this.#report(this.#outcomes.take());
    this.#send({ kind: 'drained' });
  }

  #current(): ServingRevision {
    if (this.#serving === null) throw new Error('a snapshot is applied before a connection is accepted');
    return this.#serving;
  }

  #ended(exchange: EndedExchange): void {
    this.#counters.count(exchange);
    this.#attempts.count(exchange);
    this.#outcomes.count(exchange);
    this.#routeTraffic.count(exchange);
    if (exchange.attempts.length > 1 || exchange.failure !== null) countStaleReuses(exchange, this.#counts);
    countRetries(exchange.attempts, this.#counts);
    if (exchange.failure?.cause === 'descriptors_exhausted') this.#descriptors.relieve();
    this.#recorder?.write(exchange);
    this.#exchangesEnded[0] = ((this.#exchangesEnded[0] as number) + 1) | 0;
    this.#features.ended(exchange);
    if (this.#outcomes.hasUrgent || this.#features.isUrgent) this.#reportSoon();
    this.#checkDrained();
  }

  /** `thread`: null: the batch is sent early. */
  #report(outcomes: readonly EndpointOutcomes[], thread: ThreadFigures | null = null): void {
    const waiting = this.#waiting(thread === null);
    const routes = thread === null ? this.#routeTraffic.takeUrgent() : this.#routeTraffic.take();
    const exchanges = this.#counters.takeDelta();
    const features = this.#features.take();
    const drained = this.#takeDrained();
    const failedHandshakes = this.#handshakes.take();
    const http2Limits = this.#http2Limits.take();
    const certificates = this.#certificates.take();
    const askedNames = this.#askedNames.take();
    const counts = countsNow(this.#counts);
    const errorBodies = this.#serving === null ? [] : this.#errorBodies.take(this.#serving.redactor);
    const refused = [...this.#refused];
    this.#refused.clear();
    this.#send({
      kind: 'batch',
      exchanges,
      responses: this.#attempts.takeResponses(),
      stages: this.#attempts.takeStages(),
      ...(thread === null ? {} : { thread }),
      outcomes,
      ...(features === null ? {} : { features }),
      ...(errorBodies.length === 0 ? {} : { errorBodies }),
      ...(refused.length === 0 ? {} : { refused }),
      drained,
      counts,
      failedHandshakes,
      http2Limits,
      http2Errors: this.#http2Errors.take(),
      askedNames,
      certificates,
      waiting,
      routes,
    });
  }

  /** The main thread decides by these outcomes which endpoints get requests: it must not wait for the regular report. */
  #reportSoon(): void {
    if (this.#soon !== null || this.#drained) return;
    this.#soon = this.#clock.schedule(after(this.#clock.now(), urgentMs), urgentReportIsDue, this as ServingWorker);
  }

  /** Called only by the timer of `#reportSoon`. */
  reportUrgent(): void {
    this.#soon = null;
    if (!this.#drained) this.#report(this.#outcomes.takeUrgent());
  }

  /** Sends the counts to the main thread now. */
  report(): void {
    if (!this.#drained) this.#report(this.#outcomes.take(), this.#threadUse.read());
  }

  #waiting(isEarly: boolean): readonly WaitingRequests[] {
    const all = this.#features.waiting();
    for (const upstream of this.#upstreams.values()) {
      const awaited = upstream.addWaiting(all);
      if (!isEarly) this.#routeTraffic.addAwaited(awaited, upstream.id);
    }
    return all;
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
      worker.#threadUse.noteDelay(this.#clock.now() - due);
      worker.#report(worker.#outcomes.take(), worker.#threadUse.read());
      due = after(this.#clock.now(), reportMs);
      this.#clock.schedule(due, again, worker);
    };
    let due = after(this.#clock.now(), reportMs);
    this.#clock.schedule(due, again, this as ServingWorker);
  }
}

/** The longest wait for lingering connections. A client that has read its response closes at once; others may still be sending. */
const lingerMs = 250;

function forceCloseAgain(worker: ServingWorker): void {
  worker.forceCloseAgain();
}

function urgentReportIsDue(worker: ServingWorker): void {
  worker.reportUrgent();
}

function lingerIsOver(worker: ServingWorker): void {
  worker.reportDrained();
}
