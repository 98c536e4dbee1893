import type { Configuration, ListenerSpec } from '../core/configuration.ts';
import type { ApplicationId, EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { NameResolver } from '../core/name-resolver.ts';
import type { EndpointOutcomes } from '../core/outcome.ts';
import type { EndpointSnapshot, UpstreamDelta, UpstreamSnapshot } from '../core/snapshot.ts';
import type { LiveInstance } from '../deploy/instance.ts';
import type { Supervisor } from '../deploy/supervisor.ts';
import type { SharedCounts } from '../places/shared-counts.ts';
import { isRefusal } from '../upstream/refusal.ts';
import type { WatchPorts } from '../upstream/watched-endpoint.ts';
import { EndpointBoard, endpointIdOf } from './endpoint-board.ts';
import { EndpointNews, type News } from './endpoint-news.ts';
import { EndpointSlots } from './endpoint-slots.ts';
import { TrafficWatch } from './traffic-watch.ts';

export interface EndpointsParts {
  readonly watch: WatchPorts;
  /** The effect of looking up names. */
  readonly names: NameResolver;
  readonly events: EventSink;
  readonly shared: Pick<SharedCounts, 'allot' | 'keepOnly' | 'memory' | 'noteChecked'>;
  readonly supervisor: Pick<Supervisor, 'instances' | 'noteTraffic'>;
  /** What is in force. */
  readonly configuration: () => Configuration;
  readonly revision: () => number;
  readonly listeners: () => readonly Pick<ListenerSpec, 'host' | 'port'>[];
  /** Tells all workers. */
  readonly post: (delta: UpstreamDelta) => void;
  /** What is known of one of them has changed. */
  readonly onChange: () => void;
}

/**
 * The endpoints as workers are to see them: by their names and checks (or the applications behind them), and by their
 * traffic, each with the cells where it is counted. Whatever changes, workers are told of just that, and of nothing where
 * a request would meet the same.
 */
export class Endpoints {
  readonly board: EndpointBoard;
  readonly #parts: EndpointsParts;
  readonly #traffic: TrafficWatch;
  readonly #slots: EndpointSlots;
  readonly #news = new EndpointNews();

  constructor(parts: EndpointsParts) {
    this.#parts = parts;
    const { watch, names, events, supervisor, listeners } = parts;
    const { clock, random } = watch;
    this.#slots = new EndpointSlots(parts.shared);
    this.board = new EndpointBoard({
      clock,
      watch,
      names,
      listeners,
      events,
      supervisor,
      onChange: (upstream) => {
        this.#traffic.checksChanged(upstream);
        this.#tell(upstream);
        parts.onChange();
      },
      onChecked: (endpoint, refused) => parts.shared.noteChecked(endpoint, refused),
    });
    this.#traffic = new TrafficWatch({
      clock,
      random,
      events,
      checked: (upstream) => this.board.endpoints(upstream),
      checkOf: (upstream) => this.#checkOf(upstream),
      onChange: (upstream) => this.#tell(upstream),
    });
  }

  #checkOf(upstream: UpstreamId): string {
    const spec = this.#parts.configuration().upstreams.find(({ id }) => id === upstream);
    return spec === undefined || spec.application !== null ? 'readiness' : spec.check.kind;
  }

  /** All of them at this moment, or those of a configuration that is prepared. */
  upstreams(specs?: Configuration['upstreams']): readonly UpstreamSnapshot[] {
    return this.board.upstreams(specs).map((one) => ({ ...one, endpoints: this.#seen(one.id, one.endpoints) }));
  }

  #seen(upstream: UpstreamId, endpoints: readonly EndpointSnapshot[]): readonly EndpointSnapshot[] {
    return this.#slots.of(upstream, this.#traffic.seen(endpoints));
  }

  /** `configuration` is in force now. Workers have to be told by `tellAll`. */
  use(configuration: Configuration): void {
    this.board.watch(configuration);
    this.#slots.keepOnly(configuration.upstreams);
    this.#news.keepOnly(configuration.upstreams);
  }

  /** A readiness check of an instance has come back: workers are to know whether anything listens there. */
  instanceChecked(application: ApplicationId, instance: LiveInstance, refused: boolean): void {
    for (const upstream of this.#parts.configuration().upstreams) {
      if (upstream.application !== application) continue;
      this.#parts.shared.noteChecked(endpointIdOf(upstream.id, instance), refused);
    }
  }

  /** What attempts came to, from a worker's batch. */
  heard(outcomes: readonly EndpointOutcomes[]): void {
    for (const outcome of outcomes) {
      const { endpoint, causes } = outcome;
      if (causes.some(({ cause }) => isRefusal(cause))) this.board.suspect(endpoint as EndpointId);
      this.#noteInstance(outcome);
    }
    this.#traffic.heard(outcomes);
  }

  #noteInstance({ upstream, endpoint, successes, serverErrors, failures }: EndpointOutcomes): void {
    const spec = this.#parts.configuration().upstreams.find(({ id }) => id === upstream);
    if (spec === undefined || spec.application === null) return;
    const instance = this.board.endpoints(spec.id)?.get(endpoint as EndpointId)?.instance;
    if (instance === undefined) return; // It is gone.
    const traffic = { served: successes > serverErrors, failed: failures > 0 };
    this.#parts.supervisor.noteTraffic(spec.application, instance, traffic);
  }

  /** Instances of applications have changed. */
  instancesChanged(): void {
    for (const { id, application } of this.#parts.configuration().upstreams) {
      if (application !== null) this.board.changed(id);
    }
  }

  /** What changed while a snapshot was on its way to a worker stood in no delta that this worker has heard. */
  tellAll(): void {
    for (const { id, endpoints } of this.upstreams()) this.#post(id, this.#news.all(id, endpoints));
  }

  #tell(upstream: UpstreamId): void {
    const endpoints = this.board.endpoints(upstream);
    // One that is only being prepared is nobody's business yet.
    if (endpoints === null) return;
    const news = this.#news.of(upstream, this.#seen(upstream, [...endpoints.values()]));
    if (news !== null) this.#post(upstream, news);
  }

  #post(upstream: UpstreamId, news: News): void {
    this.#parts.post({ revision: this.#parts.revision(), upstream, ...news });
  }

  stop(): void {
    this.board.stop();
    this.#traffic.stop();
  }
}
