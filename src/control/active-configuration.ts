import { createHash } from 'node:crypto';
import type { Configuration, StoreSpec } from '../core/configuration.ts';
import type { ListenerSpec } from '../core/listener-spec.ts';
import { noRouteOverlay, type RouteOverlay } from '../core/overlay.ts';
import type { BoundCounters } from '../core/semaphores.ts';
import type { Random } from '../core/random.ts';
import type { FeatureSemaphores } from '../core/feature.ts';
import type { Snapshot, StoreSelection, UpstreamSnapshot } from '../core/snapshot.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import type { OpenListener } from '../core/worker-messages.ts';
import { wantedWorkers } from './wanted-workers.ts';
import { mainFeatures } from '../features/main.ts';
import { type Features, SharedSemaphores } from './features.ts';
import { ConfigurationHashes } from './configuration-history.ts';
import { ReplacedLimits } from '../incidents/present-settings.ts';

const known = new WeakMap<Configuration, string>();

/**
 * The key of the tokens that stand for routes in CDN-Loop. It is made of what the members of a deployment share, their routes and upstreams,
 * so that each recognizes the tokens of the others, and whoever does not have the configuration cannot find a route by trying. Where members
 * have different routes, as during a reload, tokens differ, and a loop ends at the number of passages.
 */
export function hopKeyOf(configuration: Configuration): string {
  const { deployment, routes, upstreams } = configuration;
  const key =
    known.get(configuration) ??
    createHash('sha256')
      .update(JSON.stringify([deployment, routes, upstreams]))
      .digest('base64url');
  known.set(configuration, key);
  return key;
}

/** The configuration that all workers have applied, its revision, and its listeners. */
export class ActiveConfiguration {
  revision = 0;
  listeners: readonly OpenListener[] = [];
  #configuration: Configuration;
  #contentHash: string;
  #redactor: TextRedactor;
  readonly #semaphores: SharedSemaphores;
  readonly #forWorkers: Features['forWorkers'];
  readonly hashes: ConfigurationHashes;
  readonly replacedLimits = new ReplacedLimits();

  /** `forWorkers`: routes or upstreams with what workers get of their features. */
  constructor(
    configuration: Configuration,
    random: Random,
    counters: BoundCounters | null = null,
    forWorkers: Features['forWorkers'] = (scopes) => scopes,
  ) {
    this.#forWorkers = forWorkers;
    this.hashes = new ConfigurationHashes(configuration.stateFolder, random);
    this.#semaphores = new SharedSemaphores(mainFeatures, counters);
    this.#configuration = configuration;
    this.#contentHash = this.hashes.ofConfiguration(configuration);
    this.#redactor = new TextRedactor(configuration.log.secretHeaders);
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  get contentHash(): string {
    return this.#contentHash;
  }

  /** Removes from texts the secrets that this configuration names. */
  get redactor(): TextRedactor {
    return this.#redactor;
  }

  /** Those that all workers share for features. */
  get featureSemaphores(): FeatureSemaphores {
    return this.#semaphores.of(this.#configuration);
  }

  /** `revision` is already that of the `configuration`. */
  activate(configuration: Configuration): void {
    this.replacedLimits.replace(this.#configuration.routes, configuration.routes, this.revision);
    this.#semaphores.keepOnly(configuration);
    this.#configuration = configuration;
    this.#redactor = new TextRedactor(configuration.log.secretHeaders);
    this.#contentHash = this.hashes.ofConfiguration(configuration);
  }

  /** The next snapshot, for a new `configuration`. */
  nextSnapshot(
    configuration: Configuration,
    upstreams: readonly UpstreamSnapshot[],
    overlay: RouteOverlay = noRouteOverlay,
  ): Snapshot {
    return this.#snapshot(this.revision + 1, configuration, upstreams, overlay);
  }

  /** The active snapshot, for a worker that starts now. */
  currentSnapshot(upstreams: readonly UpstreamSnapshot[], overlay: RouteOverlay = noRouteOverlay): Snapshot {
    return this.#snapshot(this.revision, this.#configuration, upstreams, overlay);
  }

  #snapshot(
    revision: number,
    configuration: Configuration,
    upstreams: readonly UpstreamSnapshot[],
    overlay: RouteOverlay,
  ): Snapshot {
    const { deployment, member, drain, listeners, routes, unrouted, trustedPeers, clientAddressHeader, client } =
      configuration;
    const { log, store, otlp, headersReserved } = configuration;
    const featureSemaphores = this.#semaphores.of(configuration);
    const { queryAllowed, secretHeaders, recordedHeaderNames, fullDetail } = log;
    return {
      revision,
      contentHash: this.hashes.ofConfiguration(configuration),
      deployment,
      member,
      hopKey: hopKeyOf(configuration),
      drain,
      listeners: listeners.map((listener) => this.#withActualPort(listener)),
      routes: this.#forWorkers(routes),
      unrouted,
      ...(Object.keys(featureSemaphores).length === 0 ? {} : { featureSemaphores }),
      upstreams: this.#forWorkers(upstreams),
      overlay,
      trustedPeers,
      clientAddressHeader,
      ...(headersReserved === undefined ? {} : { headersReserved }),
      client,
      loopDelayMaxMs: configuration.workers.delayMaxMs,
      queryAllowed,
      secretHeaders,
      recordedHeaderNames,
      fullDetail,
      // Others cut standard output into files, which would not begin with the header line of the process.
      inlineConstants: log.path === '-',
      store: store === null ? null : selectionOf(store, wantedWorkers(configuration).count),
      ...(otlp === null ? {} : { otlp: { share: otlp.traces?.share ?? null, logs: otlp.logs } }),
    };
  }

  /** A port that the system chose stays the same as long as the configuration asks for port 0. */
  #withActualPort(listener: ListenerSpec): ListenerSpec {
    const { id, host, port } = listener;
    if (port !== 0) return listener;
    const chosen = this.#configuration.listeners.some((one) => one.id === id && one.host === host && one.port === 0);
    const open = this.listeners.find((one) => one.id === id && one.host === host);
    return chosen && open !== undefined ? { ...listener, port: open.port } : listener;
  }
}

/** Each worker stores its share of the successes of a route. */
function selectionOf({ successesPerSecond, slowMs }: StoreSpec, workers: number): StoreSelection {
  return { successesPerSecond: successesPerSecond / workers, slowMs };
}
