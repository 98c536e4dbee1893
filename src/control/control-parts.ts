import type { ApplicationId } from '../core/endpoint.ts';
import { totalmem } from 'node:os';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import type { UpstreamSettings } from '../incidents/watched-upstream.ts';
import { Condition } from '../core/condition.ts';
import type { ReadinessSpec } from '../core/configuration.ts';
import { Deadlines } from '../core/deadline.ts';
import type { HealthChecker } from '../core/health-checker.ts';
import type { Clock } from '../core/time.ts';
import { uuidV7 } from '../core/uuid.ts';
import { Endpoints } from '../discovery/endpoints.ts';
import { SharedCounts, sharedSizes } from '../limits/shared-counts.ts';
import { createEventHub, type EventHub } from '../record/event-hub.ts';
import { newProcessKey } from '../record/process-header.ts';
import { endpointDescriptorMax } from '../system/descriptors.ts';
import { systemRandom } from '../system/system.ts';
import { connectorWithin } from '../transport/connect.ts';
import { createNameResolver } from '../transport/resolve.ts';
import { createHealthChecker } from '../upstream/health-check.ts';
import { ActiveConfiguration } from './active-configuration.ts';
import { applicationPrograms } from './application-programs.ts';
import { Alerting } from './alerting.ts';
import { Applications, withStopped } from './applications.ts';
import { ConfigurationFile } from './configuration-file.ts';
import { ConfigurationHistory } from './configuration-history.ts';
import { ConfigurationReport } from './configuration-report.ts';
import { CrashLoopWatch } from './crash-loop-watch.ts';
import { CurrentProblems } from './current-problems.ts';
import { ExchangeLog } from './exchange-log.ts';
import type { ProcessConstants } from '../core/logger-messages.ts';
import { OtlpExport } from './otlp-export.ts';
import { StoredExchanges } from './stored-exchanges.ts';
import type { ControlPlaneOptions } from './control-plane-options.ts';
import { checkWithoutSecrets, statusWithoutSecrets, withoutSecrets } from './instance-secrets.ts';
import { IncidentExamination } from '../incidents/incident-examination.ts';
import { IncidentFile } from '../incidents/earlier-incidents.ts';
import { IncidentWatch } from '../incidents/incident-watch.ts';
import { LateExits } from './late-exits.ts';
import type { ProcessOfRelease } from './rollout-comparison.ts';
import { Releases } from './releases.ts';
import { OutputCapture } from './output-capture.ts';
import { ProcessWatch } from '../incidents/process-watch.ts';
import { ProgramCounts } from './program-counts.ts';
import { Usage } from '../usage/usage.ts';
import { UsageFile } from '../usage/usage-file.ts';
import { releasesFolder } from '../deploy/release-store.ts';
import { Overlay } from './overlay.ts';
import { concurrencyOf } from '../features/concurrency/settings.ts';
import { stickyName } from '../features/sticky/settings.ts';
import { mainFeatures } from '../features/main.ts';
import { Features } from './features.ts';
import { ApplicationWatch } from './application-watch.ts';
import type { ApplicationStatus } from '../core/schemas/status.ts';
import { OverlayStore } from './overlay-store.ts';
import { wantedWorkers } from './wanted-workers.ts';
import { WorkerPool } from './worker-pool.ts';
import { UpstreamWatch } from './upstream-watch.ts';
import { waitingStatus } from './waiting-status.ts';
import { routeMaintenance } from './verdicts.ts';
import { version } from './status.ts';
import { TailedFiles } from './tailed-files.ts';
import { TicketKeys } from './ticket-keys.ts';
import { AutomaticCertificates } from './automatic-certificates.ts';
import { ClockWatch } from './clock-watch.ts';
import { DiskWatch, writtenFolders } from './disk-watch.ts';
import { EndpointCertificates } from './endpoint-certificates.ts';
import { CertificateWatch, ownCertificates } from './certificate-watch.ts';
import { watchedRecords, WorkerReports } from './worker-reports.ts';

/** Callbacks of the parts to their control plane. */
interface ControlPartsOwner {
  readonly isEnding: () => boolean;
  /** Why the overlay cannot be changed now; null when it can. */
  readonly overlayRefusal: () => string | null;
  /** The metrics of the gateway in the OpenMetrics text format, in parts. */
  readonly metrics: () => Promise<readonly Uint8Array[]>;
  /** A worker is missing, and the pause after its loss is over. */
  readonly onWorkerMissing: () => void;
}

/** Creates the parts of the control plane and connects them. `ControlPlane` decides when each of them acts. */
export class ControlParts {
  readonly clock: Clock;
  readonly options: ControlPlaneOptions;
  /** What records call this process. */
  readonly processKey = newProcessKey(systemRandom);
  readonly ticketKeys: TicketKeys;
  readonly certificates: CertificateWatch;
  readonly endpointCertificates = new EndpointCertificates(() => this.endpoints.upstreams());
  readonly automatic: AutomaticCertificates;
  readonly hub: EventHub;
  readonly log: ExchangeLog;
  readonly store: StoredExchanges;
  readonly output: OutputCapture;
  readonly processes: ProcessWatch;
  readonly usage: Usage;
  readonly programCounts = new ProgramCounts();
  readonly tailed: TailedFiles;
  readonly otlp: OtlpExport;
  readonly releases: Releases;
  readonly applications: Applications;
  readonly endpoints: Endpoints;
  readonly features: Features;
  readonly lateExits: LateExits;
  readonly condition: Condition;
  readonly shared: SharedCounts;
  readonly workers: WorkerPool;
  readonly active: ActiveConfiguration;
  readonly overlay: Overlay;
  readonly configurations: ConfigurationHistory;
  readonly configurationReport: ConfigurationReport;
  readonly reports: WorkerReports;
  readonly problems: CurrentProblems;
  readonly incidents: IncidentWatch;
  readonly alerting: Alerting;
  readonly startedWall: number;
  readonly disks: DiskWatch;
  readonly clockWatch: ClockWatch;
  readonly applicationWatch: ApplicationWatch;
  readonly crashLoopWatch: CrashLoopWatch;
  readonly upstreamWatch: UpstreamWatch;
  /** Errors of health checks whose code is not known. */
  checksUnclassified = 0;
  readonly #owner: ControlPartsOwner;
  readonly #checker: HealthChecker;
  /** Called when a signal has stopped an instance, or it goes on. */
  readonly #stoppedCallbacks = new Set<() => void>();

  constructor(options: ControlPlaneOptions, clock: Clock, owner: ControlPartsOwner) {
    this.options = options;
    this.clock = clock;
    this.#owner = owner;
    this.startedWall = clock.wallTime();
    this.condition = new Condition(clock);
    // Twice the number at the start: when all workers are replaced, old and new ones run side by side for a while.
    const workersMax = Math.max(sharedSizes.workersMax, 2 * wantedWorkers(options.configuration).count);
    this.shared = new SharedCounts({ ...sharedSizes, workersMax }, clock, systemRandom);
    this.active = new ActiveConfiguration(options.configuration, systemRandom, this.shared, (scopes) =>
      this.features.forWorkers(scopes),
    );
    this.hub = this.#createHub();
    this.configurations = this.#createConfigurations();
    this.configurationReport = new ConfigurationReport(this.hub, this.active, options.source, this.configurations);
    this.problems = new CurrentProblems(clock, () => this.log.dropped, this);
    this.hub.subscribe((event) => this.problems.onEvent(event));
    this.hub.subscribe((event) => this.programCounts.onEvent(event));
    this.incidents = this.#createIncidents();
    this.hub.subscribe((event) => this.incidents.onEvent(event));
    this.alerting = this.#createAlerting();
    this.log = this.#createLog();
    this.store = this.#createStore();
    this.output = new OutputCapture({
      clock,
      redactor: () => this.active.redactor,
      isWanted: () => this.store.path !== null,
      send: (lines) => this.store.storeOutput(lines),
    });
    this.tailed = new TailedFiles({
      ...{ clock, events: this.hub },
      isWanted: () => this.store.path !== null,
      onLine: (source, line) => this.output.note(source, line),
    });
    this.processes = new ProcessWatch({
      clock,
      store: (notes) => this.store.storeProcesses(notes),
      replacedBy: (instance) => this.applications.supervisor.replacedBy(instance),
      onStopped: () => {
        for (const callback of this.#stoppedCallbacks) callback();
      },
    });
    this.hub.subscribe((event) => this.processes.onEvent(event));
    this.usage = this.#createUsage();
    this.otlp = this.#createOtlp();
    void options.adopt?.predecessorEnded.then(() => this.log.setWritesAlone(true));
    this.disks = new DiskWatch(clock, this.hub, () =>
      writtenFolders(this.log.path, this.store.path, this.active.configuration.stateFolder),
    );
    this.clockWatch = new ClockWatch(clock, this.hub);
    this.reports = this.#createReports();
    this.#checker = this.#createChecker();
    this.features = new Features(mainFeatures, {
      clock,
      random: systemRandom,
      events: this.hub,
      stateFolder: options.configuration.stateFolder,
      connector: connectorWithin(endpointDescriptorMax()),
      checker: this.#checker,
      counted: (key) => {
        const handle = this.active.featureSemaphores[key];
        return handle === undefined ? null : this.shared.countsOfBound(handle);
      },
      waiting: (at) =>
        waitingStatus(
          at,
          this.workers.all.flatMap(({ waiting }) => waiting),
          clock.now(),
        ),
      endpoints: { onDrainSignal: (upstream, endpoint) => this.endpoints.onDrainSignal(upstream, endpoint) },
      launchChanged: (application) => this.applications.supervisor.refresh(application as ApplicationId),
      applications: applicationPrograms({
        clock,
        inForce: (application) => this.releases.specInForce(application),
        redact: (text) => this.active.redactor.redact(text),
        predecessorEnded: options.adopt?.predecessorEnded ?? null,
        launcher: () => this.features.launcher,
        watchdog: () => this.applications.watchdog,
        onOutput: (source, line) => this.output.note(source, line),
      }),
      send: (feature, states) => this.workers.sendFeatureStates(feature, states),
      observed: (launcher) => this.usage.metered(launcher),
    });
    this.releases = new Releases({
      ...{ clock, random: systemRandom, events: this.hub },
      ownsFolder: () => this.applications.generation !== null,
      configuration: () => this.active.configuration,
      scaled: (spec) => this.overlay.scaled(spec),
      instances: (application) =>
        withoutSecrets(this.applications.supervisor.instances(application), this.active.redactor),
      redactor: () => this.active.redactor,
      endpoints: (upstreams) =>
        this.endpoints
          .upstreams(this.active.configuration.upstreams.filter(({ id }) => upstreams.has(id)))
          .flatMap(({ endpoints }) => endpoints),
      endpoint: (upstream, id) => this.endpoints.registry.endpoints(upstream)?.get(id) ?? null,
      processes: (application) => this.#processesOf(application),
      onJobLine: (application, line) =>
        this.output.note({ application, instance: null, pid: null, stream: 'stdout', path: null }, line),
      watchdog: () => this.applications.watchdog,
      launcher: this.features.launcher,
      memoryBytes: totalmem(),
      onArms: (application) => {
        this.applications.supervisor.refresh(application);
        this.features.onReleases();
      },
      onFolders: (application, folders) => this.features.onReleaseFolders(application, folders),
      refuses: (application, folder) => this.features.refuses(application, folder),
    });
    this.applications = this.#createApplications();
    const applications = (): readonly ApplicationStatus[] => this.#applicationStatus();
    this.applicationWatch = new ApplicationWatch(clock, this.hub, applications);
    this.crashLoopWatch = new CrashLoopWatch(clock, this.hub, {
      applications,
      loops: () => this.problems.crashLoops(applications()),
    });
    this.upstreamWatch = this.#createUpstreamWatch();
    this.hub.subscribe(({ kind }) => {
      // A circuit breaker opens with the event of a disagreement.
      if (kind === 'endpoint_state' || kind === 'health_disagreement' || kind === 'configuration_applied')
        this.upstreamWatch.noteChange();
    });
    this.overlay = this.#createOverlay();
    this.endpoints = this.#createEndpoints();
    this.lateExits = new LateExits(clock);
    this.applications.supervisor.onChange(() => this.#instancesChanged());
    this.certificates = new CertificateWatch(clock, this.hub, () => [
      ...ownCertificates(this.active.configuration),
      ...this.endpointCertificates.watched(),
    ]);
    this.automatic = new AutomaticCertificates({
      clock,
      random: systemRandom,
      events: this.hub,
      send: (certificates, challenges) => this.workers.sendManagedTls(certificates, challenges),
    });
    this.ticketKeys = new TicketKeys(clock, systemRandom, (key) => this.workers.sendTicketKey(key));
    this.workers = this.#createWorkers();
  }

  #createHub(): EventHub {
    const { configuration, watcher } = this.options;
    const hub = createEventHub({
      epoch: uuidV7(this.startedWall, systemRandom),
      member: configuration.member,
      clock: this.clock,
      revision: () => this.active.revision,
      redactor: () => this.active.redactor,
    });
    if (watcher?.onEvent !== undefined) hub.subscribe((event) => watcher.onEvent?.(event));
    return hub;
  }

  #createConfigurations(): ConfigurationHistory {
    const { configuration, source } = this.options;
    const storage = configuration.stateFolder === null ? null : new ConfigurationFile(configuration.stateFolder);
    const { hashes } = this.active;
    return new ConfigurationHistory({ clock: this.clock, epoch: this.hub.epoch, source, storage, hashes });
  }

  #createIncidents(): IncidentWatch {
    const { stateFolder } = this.options.configuration;
    const examination = this.#createExamination();
    return new IncidentWatch({
      storage: stateFolder === null ? null : new IncidentFile(stateFolder),
      examine: (incident, hasServed) => examination.examine(incident, hasServed),
      printed: (incident, hasServed) => examination.printed(incident, hasServed),
      clock: this.clock,
      events: this.hub,
      epoch: this.hub.epoch,
      upstream: (id) => this.endpoints.upstreams().find((one) => one.id === id) ?? null,
      processesOf: (application) => this.processes.evidenceOf(application),
      search: (query, limit) => this.store.search({ query, limit, cursor: null, after: null }),
      storesOutput: () => this.active.configuration.store !== null,
      adviceOf: (upstream, endpoint) => this.endpoints.registry.adviceOf(upstream, endpoint),
      lastCheckOf: (upstream, endpoint) =>
        checkWithoutSecrets(this.endpoints.registry.lastCheckOf(upstream, endpoint), this.active.redactor),
      configuration: {
        route: (route) => this.active.configuration.routes.find(({ id }) => id === route) ?? null,
        upstream: (upstream) => watchedSettings(this.active.configuration.upstreams.find(({ id }) => id === upstream)),
        before: (route, revision) => this.active.replacedLimits.of(route, revision),
      },
    });
  }

  #createUsage(): Usage {
    const { stateFolder } = this.options.configuration;
    return new Usage({
      clock: this.clock,
      storage: stateFolder === null ? null : new UsageFile(stateFolder),
      configuration: () => this.active.configuration,
      releaseOf: (application) => this.releases.specInForce(application)?.release ?? null,
      foldersOf: (application) => {
        const { applications } = this.active.configuration;
        const directory = applications.find(({ id }) => id === application)?.directory ?? null;
        // Of a deployed application the releases are what it has on the disk.
        if (stateFolder !== null && this.releases.brief(application) !== null)
          return [releasesFolder(stateFolder, application)];
        return directory === null ? [] : [directory];
      },
    });
  }

  #createExamination(): IncidentExamination {
    return new IncidentExamination({
      clock: this.clock,
      checker: { check: (request, onResult) => this.#checker.check(request, onResult) },
      upstream: (id) => this.endpoints.upstreams().find((one) => one.id === id) ?? null,
      checkOf: (upstream) => this.active.configuration.upstreams.find(({ id }) => id === upstream)?.check ?? null,
      instances: (application) => this.#applicationStatus().find(({ id }) => id === application)?.instances ?? [],
      search: (query) => this.store.search({ query, limit: 1, cursor: null, after: null }),
      searchOutput: (query) => this.store.searchOutput({ query, limit: 200, cursor: null, after: null }),
      readinessOf: (upstream) => this.#readinessOf(upstream),
      events: () => this.hub.since(0).events,
      stateFolder: () => this.active.configuration.stateFolder,
    });
  }

  /** What is asked to see that the application of an upstream is ready, where the gateway runs it. */
  #readinessOf(upstream: string): ReadinessSpec | null {
    const { upstreams, applications } = this.active.configuration;
    const application = upstreams.find(({ id }) => id === upstream)?.application ?? null;
    const readiness = applications.find(({ id }) => id === application)?.readiness ?? null;
    return readiness?.tcp === true ? null : readiness;
  }

  #createAlerting(): Alerting {
    const { configuration, adopt } = this.options;
    return new Alerting({
      clock: this.clock,
      random: systemRandom,
      events: this.hub,
      deployment: () => this.active.configuration.deployment,
      member: configuration.member,
      incidentOf: (key) => this.incidents.present(key),
      predecessorEnded: adopt?.predecessorEnded ?? null,
    });
  }

  #createLog(): ExchangeLog {
    const { loggerModule, adopt, watcher } = this.options;
    return new ExchangeLog({
      loggerModule,
      clock: this.clock,
      events: this.hub,
      process: this.#constants,
      writesAlone: adopt === undefined,
      watched: watchedRecords(watcher ?? null),
      onLines: (lines) => this.reports.onLines(lines),
    });
  }

  #createStore(): StoredExchanges {
    const { storeModule } = this.options;
    return new StoredExchanges({
      ...{ storeModule, clock: this.clock, events: this.hub, process: this.#constants },
      descriptors: () => this.reports.descriptors,
      hasFile: this.options.source !== null,
    });
  }

  #createOtlp(): OtlpExport {
    const { otlpModule } = this.options;
    const metrics = this.#owner.metrics;
    return new OtlpExport({ otlpModule, clock: this.clock, events: this.hub, process: this.#constants, metrics });
  }

  get #constants(): ProcessConstants {
    const { deployment, member } = this.options.configuration;
    const started_at = new Date(this.startedWall).toISOString();
    return { process: this.processKey, deployment, member, started_at, version, pid: process.pid };
  }

  #createChecker(): HealthChecker {
    return createHealthChecker({
      clock: this.clock,
      deadlines: new Deadlines(this.clock),
      connector: connectorWithin(endpointDescriptorMax()),
      onUnclassified: () => this.#countUnclassified(),
    });
  }

  #createApplications(): Applications {
    return new Applications({
      options: this.options,
      clock: this.clock,
      checker: this.#checker,
      events: this.hub,
      launcher: this.features.launcher,
      condition: this.condition,
      drain: () => this.active.configuration.drain,
      endTunnelsOf: (instance) => this.workers.endTunnelsOf(instance),
      mayUse: (ending) => this.workers.mayUseEndpoint(ending),
      armsOf: (spec) => this.releases.armsOf(this.overlay.scaled(spec)),
      isEnding: this.#owner.isEnding,
      onHandedOff: ({ ticketKey, ticketKeyAgeMs, features }) => {
        this.ticketKeys.adopt(ticketKey, ticketKeyAgeMs);
        this.features.import(features);
        this.releases.import(features);
        this.usage.import(features);
      },
      onOwned: (isHandedOff) => this.releases.load(this.options.configuration, isHandedOff),
      onOutput: (source, line) => this.output.note(source, line),
      onChecked: (application, instance, refused) => this.endpoints.instanceChecked(application, instance, refused),
    });
  }

  #createWorkers(): WorkerPool {
    const { workerModule, configuration, sharedAddresses, inheritedSockets, passedSockets } = this.options;
    return new WorkerPool({
      workerModule,
      clock: this.clock,
      events: this.hub,
      member: configuration.member,
      processStartedUnixMs: this.startedWall,
      processKey: this.processKey,
      sharedAddresses: sharedAddresses ?? [],
      inheritedSockets: inheritedSockets ?? [],
      passedSockets: passedSockets ?? [],
      shared: this.shared,
      ticketKey: () => this.ticketKeys.current,
      managedTls: () => this.automatic.current,
      drain: () => this.active.configuration.drain,
      recordRing: (workerIndex) => this.log.ringOf(workerIndex),
      storeRing: (workerIndex) => this.store.ringOf(workerIndex),
      otlpRing: (workerIndex) => this.otlp.ringOf(workerIndex),
      onBatch: (batch) => {
        // First: the report of a failed handshake says what has become of the name.
        this.automatic.noteAsked(batch.askedNames);
        this.reports.onBatch(batch);
        if (batch.refused !== undefined) this.endpoints.onRefused(batch.refused);
        this.endpoints.onOutcomes(batch.outcomes, batch.routes, batch.counts.worker);
        this.processes.onOutcomes(batch.outcomes);
        if (batch.features !== undefined) this.features.onReports(batch.features, batch.counts.worker);
        for (const seen of batch.certificates) this.endpointCertificates.note(seen);
        this.problems.onWorkerCounts(batch.counts);
        this.incidents.onBatch(batch);
        this.features.onExchanges(batch.exchanges);
        this.releases.onBatch(batch);
        this.usage.onBatch(batch);
        if (batch.drained.length > 0) this.applications.drained();
      },
      onLost: (loss) => this.reports.onWorkerLost(loss),
      onGone: (worker) => {
        this.features.onWorkerGone(worker);
        this.applications.drained();
      },
      onMissing: this.#owner.onWorkerMissing,
    });
  }

  #createReports(): WorkerReports {
    return new WorkerReports({
      clock: this.clock,
      events: this.hub,
      log: this.log,
      startedWall: this.startedWall,
      processKey: this.processKey,
      configuration: () => this.active.configuration,
      workers: () => this.workers.counts,
      endpoints: () => this.endpoints.upstreams(),
      watcher: this.options.watcher ?? null,
      certificateStateOf: (host) => this.automatic.stateOf(host),
    });
  }

  #countUnclassified(): void {
    this.checksUnclassified += 1;
  }

  #createUpstreamWatch(): UpstreamWatch {
    const ofInstances = new Set<string>(['crash_loop', 'application_not_ready']);
    return new UpstreamWatch(this.clock, this.hub, {
      upstreams: () => this.endpoints.upstreams(),
      isOpen: (upstream) => {
        // The upstream of an application has its name.
        if (this.overlay.isStopped(upstream)) return false;
        const maintenance = routeMaintenance(
          this.active.configuration.routes,
          this.overlay.status(),
          this.features.closedRoutes(),
        );
        return (maintenance.of.get(upstream)?.open ?? 0) > 0;
      },
      isReported: ({ id, application }) =>
        this.incidents
          .list()
          .some(
            ({ resolvedAt, upstreams }) => resolvedAt === null && upstreams.some(({ upstream }) => upstream === id),
          ) ||
        (application != null &&
          this.problems
            .ofInstances(this.#applicationStatus())
            .some((one) => one.application === application && ofInstances.has(one.kind))),
    });
  }

  #createEndpoints(): Endpoints {
    const clock = this.clock;
    return new Endpoints({
      checkContext: { clock, random: systemRandom, checker: this.#checker },
      names: createNameResolver(clock),
      onUnclassified: () => this.#countUnclassified(),
      events: this.hub,
      onServerCertificate: (seen) => this.endpointCertificates.note(seen),
      shared: this.shared,
      instances: {
        instances: (id) =>
          withStopped(withoutSecrets(this.applications.supervisor.instances(id), this.active.redactor), (instance) =>
            this.processes.figuresOf(instance),
          ),
        noteTraffic: (...traffic) => this.applications.supervisor.noteTraffic(...traffic),
        onChange: (callback) => {
          this.#stoppedCallbacks.add(callback);
          const forget = this.applications.supervisor.onChange(callback);
          return () => {
            this.#stoppedCallbacks.delete(callback);
            forget();
          };
        },
      },
      configuration: () => this.active.configuration,
      revision: () => this.active.revision,
      listeners: () => this.active.listeners,
      send: (delta) => {
        this.workers.sendEndpoints(delta);
        this.releases.noteChange();
      },
      onChange: () => this.condition.changed(),
      adjust: (endpoints) => this.overlay.adjust(endpoints),
    });
  }

  #createOverlay(): Overlay {
    const { stateFolder } = this.active.configuration;
    return new Overlay({
      clock: this.clock,
      events: this.hub,
      store: stateFolder === null ? null : new OverlayStore(stateFolder),
      targets: () => {
        const { routes, applications } = this.active.configuration;
        return { routes, applications, upstreams: this.endpoints.upstreams() };
      },
      refusal: this.#owner.overlayRefusal,
      sendRoutes: (overlay) => this.workers.sendOverlay(overlay),
      onEndpointsChanged: () => this.endpoints.overlayChanged(),
      onScaled: () => {
        for (const { id } of this.active.configuration.applications) this.applications.supervisor.refresh(id);
      },
      endPause: (endpoint) => this.endpoints.endPause(endpoint),
      workers: () => wantedWorkers(this.active.configuration).count,
    });
  }

  #processesOf(application: string): readonly ProcessOfRelease[] {
    const found = this.applications.supervisor.status().find(({ id }) => id === application);
    return (found?.instances ?? []).map(({ id, release, restarts }) => {
      return { instance: id, release, restarts, bytes: this.processes.figuresOf(id)?.residentBytes ?? null };
    });
  }

  #applicationStatus(): readonly ApplicationStatus[] {
    return statusWithoutSecrets(this.applications.supervisor.status(), this.active.redactor);
  }

  #instancesChanged(): void {
    for (const { id, application } of this.active.configuration.upstreams) {
      if (application !== null) this.lateExits.note(this.endpoints.registry.endpoints(id)?.values() ?? []);
    }
    const instances = this.applications.supervisor.status().flatMap((application) => application.instances);
    this.processes.use(instances);
    this.problems.useInstances(instances);
    this.applications.noteChange();
    this.releases.noteChange();
    this.applicationWatch.look();
    this.crashLoopWatch.look();
    this.condition.changed();
  }
}

function watchedSettings(spec: UpstreamSpec | undefined): UpstreamSettings | null {
  if (spec === undefined) return null;
  const { bound: concurrency } = concurrencyOf(spec.features);
  const isSticky = spec.balance?.kind === 'hash' || spec.features?.[stickyName] !== undefined;
  return {
    ...spec,
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(isSticky ? { isSticky } : {}),
  };
}
