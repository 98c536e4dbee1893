import { failWith } from '#failures/result.ts';
import { withTimeout } from '../core/condition.ts';
import type { Configuration } from '../core/configuration.ts';
import { noCounts } from '../core/counters.ts';
import type { EventKind, NewEvent } from '../core/event.ts';
import type { FeatureStates } from '../core/feature.ts';
import type { OwnSocket } from '../core/passed-socket.ts';
import { contextSearchOf, type FoundContext } from '../core/request-context.ts';
import type {
  EventSearchRequest,
  EventSearchResult,
  OutputSearchResult,
  SearchRequest,
  SearchResult,
  GroupResult,
} from '../core/store-messages.ts';
import type { Clock, Instant } from '../core/time.ts';
import type { EventHub } from '../record/event-hub.ts';
import type { HandoffResult, HandoffSuccessor } from './application-handoff.ts';
import { changesBetween } from './changes.ts';
import { metricsText } from './metrics/metrics.ts';
import { ControlParts } from './control-parts.ts';
import type { ControlPlaneOptions } from './control-plane-options.ts';
import type { ProblemContext } from './current-problems.ts';
import type { Gateway, OverlayOutcome, ReloadOutcome, StopOptions } from './gateway-status.ts';
import {
  certificatesWithoutSecrets,
  checkWithoutSecrets,
  endpointsWithoutSecrets,
  statusWithoutSecrets,
} from './instance-secrets.ts';
import type { IncidentOrder } from '../core/live-incident.ts';
import type { MarkOutcome } from '../incidents/incident-marks.ts';
import { incidentStatus } from '../incidents/incident-status.ts';
import { reportListeners } from './worker-events.ts';
import type { OverlayChange } from './overlay-change.ts';
import { newApplications, reload } from './reload.ts';
import type { DeployOrder } from './release-making.ts';
import { notNow, type RolloutChange, type RolloutOutcome } from './releases.ts';
import { requestContext } from './request-context.ts';
import { Shutdown } from './shutdown.ts';
import { whyNotKept } from './kept-certificates.ts';
import { StartAbandoned, startFailureOf, StateFailure } from './start-failure.ts';
import { statusOf, version } from './status.ts';
import { StepQueue } from './step-queue.ts';
import { timeoutStatus, troubledTimes } from './timeout-advice.ts';
import type { TroubledTime } from '../core/response-times.ts';
import type { KeptConfigurations } from './configuration-history.ts';
import { effectiveConfiguration, type SettingMap } from './effective-configuration.ts';
import type { JobsPart } from '../features/jobs/main.ts';
import { jobsName } from '../features/jobs/settings.ts';
import { explainRoute, loadPatternsOf } from './explain-route.ts';
import type { RouteQuestion } from './route-question.ts';
import { routeTimelinesOf, timelineOf, type TrafficRequest } from './traffic-timeline.ts';
import { wantedWorkers } from './wanted-workers.ts';
import type { ApplyResult } from './apply-result.ts';
import type { AlertTestResult } from '../core/schemas/alerts.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { GatewayStatus, OverlayStatus } from '../core/schemas/status.ts';
import type { IncidentStatus } from '../core/schemas/incidents.ts';
import { pricesOf } from '../features/prices/settings.ts';
import type { CostAnswer, UsageNow, UsageRequest, UsageSeries } from '../core/schemas/usage.ts';
import type { GroupRequest } from '../core/exchange-groups.ts';
import type { TrafficTimeline, RouteExplanation, RouteTimelines } from '../core/schemas/traffic.ts';

/**
 * Listeners open when every endpoint has been checked once, or after this time. An endpoint that has not been checked gets requests
 * only while no endpoint is healthy.
 */
const firstChecksMs = 1000;

const aboutToEnd = 'This gateway is stopping.';
const handedOff = 'Another process has adopted the applications.';

/**
 * The control plane runs on the main thread. It reads no byte of a request and writes no byte of a response. It sends snapshots
 * and deltas to the workers; they send records and counts.
 */
export class ControlPlane implements Gateway {
  readonly #parts: ControlParts;
  /** Runs reloads, handoffs and replacements of workers one after the other. */
  readonly #steps = new StepQueue();
  #state: GatewayStatus['state'] = 'starting';
  #stopped: Promise<void> | null = null;
  #shutdown: Shutdown | null = null;
  readonly #atOnce = Promise.withResolvers<string>();

  constructor(options: ControlPlaneOptions, clock: Clock) {
    this.#parts = new ControlParts(options, clock, {
      isEnding: () => this.#isEnding,
      overlayRefusal: () => this.#overlayRefusal(),
      metrics: async () => (await metricsText(this, clock, 'openmetrics')).parts,
      onWorkerMissing: () => void this.#steps.run(() => this.#restore()),
    });
  }

  #overlayRefusal(): string | null {
    if (this.#state !== 'serving') return this.#state === 'starting' ? 'This gateway has not started yet.' : aboutToEnd;
    return this.#parts.applications.hasHandedOff ? handedOff : null;
  }

  get events(): EventHub {
    return this.#parts.hub;
  }

  emit<K extends EventKind>(event: NewEvent<K>): void {
    this.#parts.hub.emit(event);
  }

  async start(): Promise<void> {
    const { configuration } = this.#parts.active;
    const notKept = whyNotKept(configuration);
    if (notKept !== null) throw new StateFailure(notKept);
    await this.#parts.log.open(configuration.log);
    await this.#parts.log.use(configuration.log);
    await this.#parts.store.use(configuration.store);
    void this.#parts.alerting.use(configuration);
    await this.#parts.otlp.use(configuration.otlp);
    const evidence = { pid: process.pid, version, node: process.version };
    this.#parts.hub.emit({
      kind: 'process_started',
      subject: 'gateway',
      reason: `candor ${version} started`,
      evidence,
    });
    void (this.#parts.options.adopt?.predecessorEnded ?? Promise.resolve()).then(() => {
      this.#parts.incidents.readEarlier();
      if (this.#parts.options.adopt !== undefined) void this.#parts.usage.load();
      // Until then the other process reads them.
      this.#parts.tailed.use(this.#parts.active.configuration.upstreams);
    });
    this.#parts.endpoints.registry.activate(configuration);
    await this.#parts.usage.load();
    await this.#parts.applications.adoptOrStart(configuration.applications);
    // The overlay file is read after the handoff of applications: until then the predecessor may change the file.
    this.#parts.overlay.load();
    this.#parts.configurations.load();
    await this.#parts.condition.until(() => this.#isEnding || this.#parts.endpoints.registry.isSettled, firstChecksMs);
    // Before the listeners open: clients get certificates that are there at once.
    await this.#parts.automatic.use(configuration);
    const applied = await this.#apply(configuration);
    if (!applied.ok) throw startFailureOf(applied);
    if (this.#isEnding) throw new StartAbandoned(aboutToEnd);
    this.#parts.workers.startReplacing();
    this.#state = 'serving';
    this.#parts.configurationReport.applied('gateway', ['everything'], this.#parts.options.shown ?? null);
    this.#parts.certificates.look();
    void this.#parts.disks.look();
    this.#parts.clockWatch.look();
    this.#parts.automatic.serves();
  }

  /** Gives adopted applications back to the predecessor, which continues to serve with them. */
  returnApplications(): Promise<void> {
    return this.#parts.applications.returnToPredecessor();
  }

  listeningSockets(): readonly OwnSocket[] {
    return this.#parts.workers.sockets;
  }

  get ticketKey(): Gateway['ticketKey'] {
    const { current: key, ageMs } = this.#parts.ticketKeys;
    return { key, ageMs };
  }

  featureStates(): FeatureStates {
    return {
      ...this.#parts.features.export(),
      ...this.#parts.releases.export(),
      ...this.#parts.usage.export(),
    };
  }

  moreFeatureStates(): FeatureStates {
    return this.#parts.features.exportMore();
  }

  takeMoreFeatureStates(states: FeatureStates): void {
    this.#parts.features.importMore(states);
  }

  handOff(successor: HandoffSuccessor): Promise<HandoffResult> {
    return this.#steps.run(async () => {
      await Promise.all([this.#parts.releases.pause(), this.#parts.features.pause()]);
      // Also where no instance can be handed off: the successor runs jobs and rollouts from now on, unless the handoff is rolled back.
      return this.#parts.applications.handOff(successor, this.#parts.active.configuration.applications);
    });
  }

  rollBackHandoff(): Promise<boolean> {
    return this.#steps.run(async () => {
      // A process that is stopping would not stop them any more. The orphan watchdog stops them, because no successor has come.
      if (this.#isEnding) return false;
      const isBack = await this.#parts.applications.rollBack(this.#parts.active.configuration.applications);
      if (isBack) await this.#resume();
      return isBack;
    });
  }

  async #resume(): Promise<void> {
    this.#parts.releases.resume();
    await this.#parts.features.resume();
  }

  // Snapshots. Each reload, handoff or replacement is a step, and steps run one after the other.

  /** Applies a configuration in the workers. All other parts follow only after that has succeeded. */
  async #apply(configuration: Configuration): Promise<ApplyResult> {
    const upstreams = this.#parts.endpoints.upstreams(configuration.upstreams);
    const snapshot = this.#parts.active.nextSnapshot(configuration, upstreams, this.#parts.overlay.routes);
    const applied = await this.#parts.workers.apply(snapshot, wantedWorkers(configuration));
    if (!applied.ok) return applied;
    this.#parts.active.revision += 1;
    this.#parts.active.activate(configuration);
    // The listeners are known before the endpoints are used: no endpoint may be one of our own listeners.
    this.#parts.log.rename(configuration.deployment);
    const before = this.#parts.active.listeners;
    this.#parts.active.listeners = applied.listeners;
    this.#parts.endpoints.use(configuration);
    this.#parts.applications.supervisor.apply(configuration.applications);
    this.#parts.endpoints.sendChangesSince(upstreams);
    this.#parts.features.use(configuration);
    reportListeners(this.#parts.hub, before, applied.listeners);
    return applied;
  }

  /** Starts the replacement of a lost worker with the active snapshot. */
  async #restore(): Promise<void> {
    if (this.#state !== 'serving' || !this.#parts.workers.isReplacementDue) return;
    const upstreams = this.#parts.endpoints.upstreams();
    await this.#parts.workers.restore(this.#parts.active.currentSnapshot(upstreams, this.#parts.overlay.routes));
    this.#parts.endpoints.sendChangesSince(upstreams);
    this.#parts.features.sendAgain();
  }

  // Queries.

  get state(): GatewayStatus['state'] {
    return this.#state;
  }

  status(): GatewayStatus {
    const { configuration, revision, contentHash, listeners } = this.#parts.active;
    const { deployment, member } = configuration;
    const applications = statusWithoutSecrets(
      this.#parts.applications.supervisor.status(),
      this.#parts.active.redactor,
      (instance) => this.#parts.processes.figuresOf(instance),
    ).map((one) => ({ ...one, releases: this.#parts.releases.brief(one.id) }));
    const problemContext = this.#problemContext(applications);
    return statusOf({
      deployment,
      member,
      epoch: this.#parts.hub.epoch,
      generation: this.#parts.applications.generation,
      startedWall: this.#parts.clockWatch.startedWall,
      uptimeMs: this.#parts.clockWatch.uptimeMs,
      wallTime: this.#parts.clock.wallTime(),
      now: this.#parts.clock.now(),
      revision,
      contentHash,
      source: this.#parts.options.source,
      edited: this.#parts.configurationReport.isEdited,
      state: this.#state,
      drain: this.#shutdown?.progress ?? null,
      overlay: this.#parts.overlay.status(),
      routes: configuration.routes,
      incidents: this.incidents().filter(({ resolvedAt }) => resolvedAt === null),
      problems: this.#parts.problems.list(problemContext),
      refusal: this.#parts.problems.refusal(problemContext),
      configured: configuration.listeners,
      open: listeners,
      managed: certificatesWithoutSecrets(this.#parts.automatic.states(), this.#parts.active.redactor),
      upstreams: endpointsWithoutSecrets(this.#parts.endpoints.upstreams(), this.#parts.active.redactor),
      lastMinute: this.#parts.reports.lastMinute,
      history: this.#parts.reports.history,
      figuresOf: (endpoint) => this.#parts.reports.endpointMinute.of(endpoint),
      lastCheckOf: (upstream, endpoint) =>
        checkWithoutSecrets(
          this.#parts.endpoints.registry.lastCheckOf(upstream, endpoint),
          this.#parts.active.redactor,
        ),
      certificateOf: (endpoint) => this.#parts.endpointCertificates.of(endpoint),
      countsAt: (semaphores) => this.#parts.shared.countsAt(semaphores),
      store: this.#storeStatus,
      logFiles: this.#parts.tailed.status,
      alerts: this.#parts.alerting.status,
      otlp: this.#parts.otlp.status,
      features: this.#parts.features.status(),
      refusedRoutes: (upstream) => this.#parts.features.refusedRoutes(upstream),
      closedRoutes: this.#parts.features.closedRoutes(),
      timeouts: timeoutStatus(configuration.routes, {
        observed: this.#parts.store.responseTimes,
        troubled: this.#troubledTimes,
        wallMs: this.#parts.clock.wallTime(),
      }),
      waiting: this.#parts.workers.all.flatMap(({ waiting }) => waiting),
      clientConnectionsAt: (workerIndex) => this.#parts.shared.clientConnectionsAt(workerIndex),
      applications,
      workers: this.#parts.workers.all,
    });
  }

  overlay(): OverlayStatus {
    return this.#parts.overlay.status();
  }

  changeOverlay(change: OverlayChange, actor: string, ifRevision: number | null = null): Promise<OverlayOutcome> {
    return this.#parts.overlay.change(change, actor, ifRevision);
  }

  refreshCounts(): Promise<void> {
    return this.#parts.workers.refreshCounts();
  }

  refreshResponseTimes(): Promise<void> {
    return this.#parts.store.refreshResponseTimes(this.#troubledTimes);
  }

  get #troubledTimes(): readonly TroubledTime[] {
    return troubledTimes(this.#parts.incidents.list(), this.#parts.clock.wallTime());
  }

  get #storeStatus(): GatewayStatus['store'] {
    const { store, output, clock } = this.#parts;
    const timeText = (at: Instant): string => new Date(Math.round(clock.wallTime() - (clock.now() - at))).toISOString();
    const leftOut = output.leftOut.map(({ application, lines, since, lastAt }) => ({
      ...{ application, lines },
      ...{ since: timeText(since), lastAt: timeText(lastAt) },
    }));
    return store.status === null ? null : { ...store.status, leftOut };
  }

  #problemContext(applications: GatewayStatus['applications']): ProblemContext {
    // A gateway that is stopping needs no replacement.
    const wanted = this.#state === 'serving' ? wantedWorkers(this.#parts.active.configuration).count : 0;
    const { log, store, otlp, workers, alerting } = this.#parts;
    const paths = { logPath: log.path, logReceiver: log.receiver, storePath: store.path, collector: otlp.endpoint };
    const { leftOut } = this.#parts.output;
    return { wanted, workers: workers.all, ...paths, leftOut, applications, alerts: alerting.status };
  }

  reload(actor: string): Promise<ReloadOutcome> {
    return this.#steps.run(() => this.#reload(actor));
  }

  async #reload(actor: string): Promise<ReloadOutcome> {
    const refused = (why: string): ReloadOutcome =>
      this.#parts.configurationReport.rejected(actor, { kind: 'refused', errors: [why] });
    if (this.#state !== 'serving') return refused(aboutToEnd);
    const read = await this.#parts.options.reloadConfiguration?.();
    if (read === undefined) return refused('There is no configuration file to read again.');
    const shown = read.shown ?? null;
    if (!read.ok) return this.#parts.configurationReport.rejected(actor, read, shown);
    if (this.#state !== 'serving') return refused(aboutToEnd);
    if (this.#parts.applications.hasHandedOff) return refused(handedOff);
    const held = this.#parts.applications.claimStateFolder(read.configuration.applications);
    if (held !== null) return refused(`No application can be run: ${held}.`);
    const notKept = whyNotKept(read.configuration);
    if (notKept !== null) return refused(`No certificate can be obtained: ${notKept}.`);
    await this.#parts.releases.load(read.configuration);
    const before = this.#parts.active.configuration;
    const rejection = await reload(before, read.configuration, {
      registry: this.#parts.endpoints.registry,
      supervisor: this.#parts.applications.supervisor,
      log: this.#parts.log,
      open: () => this.#parts.active.listeners,
      untilReady: (next) => this.#untilReady(before, next),
      apply: (next) => this.#apply(next),
    });
    if (rejection !== null && this.#state !== 'serving') return refused(aboutToEnd);
    if (rejection !== null) return this.#parts.configurationReport.rejected(actor, rejection, shown);
    await this.#parts.store.use(read.configuration.store);
    this.#parts.tailed.use(read.configuration.upstreams);
    void this.#parts.alerting.use(read.configuration);
    await this.#parts.otlp.use(read.configuration.otlp);
    await this.#parts.releases.onReload(before, read.configuration, actor);
    const changes = await changesBetween(before, read.configuration, this.#parts.clock);
    this.#parts.certificates.look();
    await this.#parts.automatic.use(read.configuration);
    return this.#parts.configurationReport.applied(actor, changes, shown, this.#parts.overlay.notes());
  }

  /** Waits until new endpoints have been checked and new applications are ready; no longer than until the gateway is stopping. */
  async #untilReady(before: Configuration, next: Configuration): Promise<void> {
    await this.#parts.condition.until(() => this.#isEnding || this.#parts.endpoints.registry.isSettled, firstChecksMs);
    await this.#parts.applications.untilUp(newApplications(before, next));
  }

  async reopenLogs(): Promise<void> {
    await this.#parts.log.reopen();
  }

  async findExchange(id: string): Promise<ExchangeRecord | null> {
    const record = (await this.#parts.store.find(id)) ?? (await this.#parts.log.find(id));
    return record === null ? null : this.#parts.lateExits.complete(record);
  }

  incidents(): readonly IncidentStatus[] {
    return this.#parts.incidents.list().map(incidentStatus);
  }

  jobs(): ReturnType<Gateway['jobs']> {
    return this.#jobs.list();
  }

  runJob(...order: Parameters<Gateway['runJob']>): ReturnType<Gateway['runJob']> {
    return this.#jobs.startByHand(...order);
  }

  get #jobs(): JobsPart {
    return this.#parts.features.partOf(jobsName) as JobsPart;
  }

  releases(): ReturnType<Gateway['releases']> {
    return this.#parts.releases.status();
  }

  releaseLog(application: string, release: string): ReturnType<Gateway['releaseLog']> {
    return this.#parts.releases.log(application, release);
  }

  async deploy(order: DeployOrder, actor: string): Promise<RolloutOutcome> {
    const why = this.#overlayRefusal();
    return why === null ? this.#parts.releases.deploy(order, actor) : failWith(notNow(why));
  }

  async planDeploy(order: DeployOrder): ReturnType<Gateway['planDeploy']> {
    const why = this.#overlayRefusal();
    return why === null ? this.#parts.releases.plan(order) : failWith(notNow(why));
  }

  async changeRollout(change: RolloutChange, actor: string): Promise<RolloutOutcome> {
    const why = this.#overlayRefusal();
    return why === null ? this.#parts.releases.change(change, actor) : failWith(notNow(why));
  }

  async askFeature(...asked: Parameters<Gateway['askFeature']>): ReturnType<Gateway['askFeature']> {
    const why = this.#overlayRefusal();
    const [feature] = asked;
    const unknown = { kind: 'unknown', reason: `The gateway has no ${feature}.`, step: 'Look at its version.' };
    if (why === null) return (await this.#parts.features.ask(...asked)) ?? failWith(unknown);
    return failWith({ kind: 'system', reason: why, step: 'Ask again when it serves (`candor status`).' });
  }

  markIncident(order: IncidentOrder, actor: string): MarkOutcome<IncidentStatus> {
    const outcome = this.#parts.incidents.mark(order, actor);
    return outcome.ok ? { ok: true, incident: incidentStatus(outcome.incident) } : outcome;
  }

  get configurations(): KeptConfigurations {
    return this.#parts.configurations;
  }

  effectiveConfiguration(): SettingMap {
    return effectiveConfiguration(this.#parts.active.configuration);
  }

  async explainRoute(question: RouteQuestion): Promise<RouteExplanation> {
    const { configuration } = this.#parts.active;
    await loadPatternsOf(configuration);
    return explainRoute(question, configuration, this.#parts.overlay.status().entries);
  }

  timeline(request: TrafficRequest): TrafficTimeline {
    return timelineOf(request, this.#parts.reports.history, this.#parts.clock);
  }

  routeTimelines(request: Omit<TrafficRequest, 'series'>): RouteTimelines {
    const routes = ['', ...this.#parts.active.configuration.routes.map(({ id }) => id)];
    return routeTimelinesOf(request, routes, this.#parts.reports.history, this.#parts.clock);
  }

  async usageNow(): Promise<UsageNow> {
    const { usageNow } = await import('../usage/usage-answers.ts');
    return usageNow(this.#parts.usage, this.#parts.clock.wallTime());
  }

  async usageSeries(request: UsageRequest): Promise<UsageSeries> {
    const { usageSeries } = await import('../usage/usage-answers.ts');
    return usageSeries(this.#parts.usage, request, this.#parts.clock.wallTime());
  }

  async usageCost(since: number, until: number): Promise<CostAnswer> {
    const { usageCost } = await import('../usage/usage-answers.ts');
    return usageCost(this.#parts.usage, pricesOf(this.#parts.active.configuration.features), since, until);
  }

  testAlerts(target: string | null): Promise<readonly AlertTestResult[] | null> {
    return this.#parts.alerting.test(target);
  }

  searchExchanges(search: SearchRequest): Promise<SearchResult> {
    return this.#parts.store.search(search);
  }

  groupExchanges(group: GroupRequest): Promise<GroupResult> {
    return this.#parts.store.group(group);
  }

  restartInstance(instance: string): boolean {
    return this.#state === 'serving' && this.#parts.applications.supervisor.restart(instance);
  }

  searchOutput(search: SearchRequest): Promise<OutputSearchResult> {
    return this.#parts.store.searchOutput(search);
  }

  requestContext(record: ExchangeRecord): Promise<FoundContext> {
    const { store, processes } = this.#parts;
    return requestContext(contextSearchOf(record), store, processes);
  }

  searchEvents(search: EventSearchRequest): Promise<EventSearchResult> {
    return this.#parts.store.searchEvents(search);
  }

  counts(): ReturnType<Gateway['counts']> {
    const control = { ...noCounts(0), unclassifiedTotal: this.#parts.checksUnclassified };
    return {
      exchanges: this.#parts.reports.exchanges,
      workers: [...this.#parts.workers.counts, control],
      workersLost: this.#parts.workers.lostTotal,
      responses: this.#parts.reports.attempts.responses,
      releases: this.#parts.reports.releases,
      stages: this.#parts.reports.attempts.stages,
      threads: this.#parts.workers.all.flatMap(({ id, thread }) =>
        thread === null ? [] : [{ worker: id, figures: thread }],
      ),
      logDropped: this.#parts.log.dropped,
      storeLost: this.#parts.store.lost,
      otlp: this.#parts.otlp.counts(),
      failedHandshakes: this.#parts.reports.failedHandshakes,
      http2Limits: this.#parts.reports.http2Limits,
      http2Errors: this.#parts.reports.http2Errors,
      programs: {
        ...this.#parts.programCounts.totals,
        used: this.#parts.usage.used,
        storage: this.#parts.usage.storage,
      },
    };
  }

  // Shutdown.

  get #isEnding(): boolean {
    return this.#state === 'draining' || this.#state === 'stopped';
  }

  stop(why: string, how: StopOptions = {}): Promise<void> {
    if (this.#stopped === null) this.#stopped = this.#stop(why, how);
    else this.#atOnce.resolve(`the gateway ends at once (${why})`);
    return this.#stopped;
  }

  /** Ends all parts at once. No instance is restarted after this call. */
  abandon(why: string): void {
    for (let call = 0; call < 2; call++) void this.stop(why);
    void this.#parts.applications.supervisor.stop();
  }

  /** Does not wait for slow clients, as the rest of the shutdown does; but the WebSockets close first. */
  async #stopApplicationsAtOnce(): Promise<void> {
    await this.#atOnce.promise;
    await this.#shutdown?.tunnelsClosed;
    await this.#parts.applications.supervisor.stop();
  }

  async #stop(why: string, { hasSuccessor = false, detachApplicationsMs = null }: StopOptions): Promise<void> {
    this.#state = 'draining';
    this.#parts.applicationWatch.close();
    this.#parts.crashLoopWatch.close();
    this.#parts.upstreamWatch.close();
    if (hasSuccessor) {
      this.#parts.log.setWritesAlone(false);
      this.#parts.overlay.follow();
      void this.#parts.incidents.close();
    }
    const reason = `the gateway stops: ${why}`;
    this.#parts.hub.emit({ kind: 'process_stopping', subject: 'gateway', reason, evidence: { reason: why } });
    this.#parts.condition.changed();
    const ordered = this.#endOrders(hasSuccessor);
    const finished = this.#finishPrograms(why, hasSuccessor);
    if (detachApplicationsMs === null) void this.#stopApplicationsAtOnce();
    const workers = this.#parts.workers.stopReplacing();
    if (workers.length > 0) {
      const { drain } = this.#parts.active.configuration;
      const closeListeners = (): void => void this.#parts.workers.releaseSockets();
      const parts = {
        clock: this.#parts.clock,
        events: this.#parts.hub,
        drain,
        hasSuccessor,
        atOnce: this.#atOnce.promise,
      };
      this.#shutdown = new Shutdown(workers, { ...parts, closeListeners });
      await this.#shutdown.run();
    }
    await this.#parts.workers.releaseSockets();
    // A reload in progress rolls back before its parts are stopped.
    await Promise.race([this.#steps.idle, this.#atOnce.promise]);
    this.#parts.overlay.close();
    this.#parts.ticketKeys.close();
    this.#parts.certificates.close();
    this.#parts.disks.close();
    this.#parts.clockWatch.close();
    this.#parts.processes.close();
    this.#parts.endpoints.stop();
    this.#parts.features.stop();
    await this.#parts.releases.pause();
    await finished;
    await this.#parts.applications.end(detachApplicationsMs);
    await ordered;
    await this.#parts.tailed.close();
    this.#parts.output.flush();
    const { log, store, otlp, alerting, incidents, features, configurations, usage } = this.#parts;
    const closed = [
      usage.close(),
      log.close(),
      store.close(),
      otlp.close(),
      alerting.close(),
      incidents.close(),
      features.close(hasSuccessor),
      configurations.close(),
    ];
    await Promise.all(closed);
    this.#state = 'stopped';
  }

  /** What features run ends with the gateway; with a successor it may go on as long as requests in flight. */
  async #finishPrograms(why: string, hasSuccessor: boolean): Promise<void> {
    const { features, active } = this.#parts;
    await features.pause();
    const graceMs = hasSuccessor ? active.configuration.drain.timeoutMs : 0;
    const reason = hasSuccessor ? 'the gateway was upgraded' : `the gateway stops: ${why}`;
    await features.finish({ graceMs, reason, atOnce: this.#atOnce.promise });
  }

  /** A successor shows the challenges of an order in progress, and gets its certificate from the disk. Without one the next start orders again. */
  async #endOrders(hasSuccessor: boolean): Promise<void> {
    const ended = this.#parts.automatic.close();
    const { clock, active } = this.#parts;
    if (hasSuccessor) await withTimeout(clock, active.configuration.drain.timeoutMs, ended, this.#atOnce.promise);
  }
}
