import { loadPatterns } from '../core/pattern.ts';
import { hasPattern, type RouteSpec, upstreamsOf } from '../core/route-spec.ts';
import type { Snapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import { ownRequestHeaders } from '../exchange/forward.ts';
import type { FeatureHooks } from '../features/worker-feature.ts';
import type { AroundBalancer, OuterBalancer } from '../policy/balancer.ts';
import type { CanaryMatch } from '../policy/canary-match.ts';
import type { UpstreamPorts } from '../upstream/ports.ts';
import { LiveUpstream } from '../upstream/upstream.ts';
import { type CompiledRoute, compileRoute } from './compile-route.ts';
import { hopNameOf } from './hop-name.ts';
import type { Filter } from '../core/filter.ts';
import { listenerFilters } from './listener-filters.ts';
import { type FeatureParts, onlyOne, type PendingParts, type RouteHooks, routeHooks } from './feature-parts.ts';
import { routeHop } from './route-hop.ts';
import { LiveRouteSplit } from './route-split.ts';
import { RouterBuilder, type RouterOf } from './router.ts';
import type { SnapshotPart } from '../core/snapshot-parts.ts';

/**
 * The next snapshot of a worker, prepared part by part beside the active one. Until `activate` it has no effect: known
 * upstreams are unchanged, and new ones have no connection.
 */
export class PendingSnapshot {
  readonly #current: ReadonlyMap<string, LiveUpstream>;
  readonly #ports: UpstreamPorts;
  readonly #hopName: string;
  readonly #hopKey: string;
  readonly #own: ReturnType<typeof ownRequestHeaders>;
  readonly #listenerFilters: readonly Filter[];
  readonly #activeParts: FeatureParts;
  readonly #parts: PendingParts;
  readonly #router = new RouterBuilder<CompiledRoute>();
  /** In the order of the snapshot. */
  readonly #specs = new Map<string, UpstreamSnapshot>();
  readonly #added = new Map<string, LiveUpstream>();

  constructor(
    snapshot: Snapshot,
    known: ReadonlyMap<string, LiveUpstream>,
    ports: UpstreamPorts,
    isObtained: (host: string) => boolean,
    activeParts: FeatureParts,
  ) {
    const { clientAddressHeader, headersReserved, listeners, featureSemaphores } = snapshot;
    this.#hopName = hopNameOf(snapshot);
    this.#hopKey = snapshot.hopKey;
    this.#activeParts = activeParts;
    this.#parts = activeParts.prepare(featureSemaphores);
    this.#current = known;
    this.#ports = ports;
    this.#own = ownRequestHeaders(clientAddressHeader, headersReserved);
    this.#listenerFilters = listenerFilters(listeners, isObtained);
  }

  /** Null: it is added; otherwise when what it needs is loaded: of its features, and for patterns. */
  addPart(part: SnapshotPart): Promise<void> | null {
    const patterns = part.routes.some(({ match }) => hasPattern(match)) ? loadPatterns() : null;
    const features = this.#activeParts.load([...part.upstreams, ...part.routes]);
    if (patterns !== null || features !== null) return Promise.all([patterns, features]).then(() => this.#add(part));
    this.#add(part);
    return null;
  }

  #add({ upstreams, routes }: SnapshotPart): void {
    for (const spec of upstreams) {
      const before = this.#specs.get(spec.id);
      const endpoints = before === undefined ? spec.endpoints : [...before.endpoints, ...spec.endpoints];
      this.#specs.set(spec.id, { ...spec, endpoints });
    }
    for (const spec of routes) {
      const [only = null, ...others] = upstreamsOf(spec.action).map((upstream) => this.#compiled(spec, upstream));
      const { split } = spec.action.kind === 'upstream' ? spec.action : {};
      const divided =
        split === undefined || only === null ? null : new LiveRouteSplit(split, [only, ...others], this.#ports);
      this.#router.add({ match: spec.match, route: divided?.variants[0] ?? only ?? this.#compiled(spec, null) });
    }
  }

  #compiled(spec: RouteSpec, upstream: string | null): CompiledRoute {
    const hooks = this.#hooksOf(spec, upstream);
    return compileRoute(
      spec,
      upstream === null ? null : this.#upstreamOf(upstream),
      this.#own,
      hooks.answersChecks ? hooks : { ...hooks, filters: [...this.#listenerFilters, ...hooks.filters] },
      routeHop(this.#hopName, this.#hopKey, spec.id),
    );
  }

  /** An upstream stands before the routes to it. */
  #hooksOf({ id, action, features }: RouteSpec, upstream: string | null): RouteHooks {
    const ofScope = action.kind === 'upstream' ? action.upstream : null;
    return routeHooks(
      this.#parts.of({ kind: 'route', id, upstream: ofScope }, features),
      upstream === null ? [] : this.#hooksOfUpstream(upstream),
    );
  }

  #hooksOfUpstream(id: string): readonly FeatureHooks[] {
    return this.#parts.of({ kind: 'upstream', id, upstream: id }, this.#specs.get(id)?.features);
  }

  /** What features put around the balancer of an upstream, and around that of each of its priorities, and the requests of a canary. */
  #balancersOf(id: string): readonly [OuterBalancer | null, AroundBalancer | null, CanaryMatch | null] {
    const hooks = this.#hooksOfUpstream(id);
    return [onlyOne(hooks, 'balancer'), onlyOne(hooks, 'priorityBalancer'), onlyOne(hooks, 'canary')];
  }

  #upstreamOf(id: string): LiveUpstream | null {
    const there = this.#current.get(id) ?? this.#added.get(id);
    const spec = this.#specs.get(id);
    if (there !== undefined || spec === undefined) return there ?? null;
    const fresh = new LiveUpstream(spec, this.#ports, ...this.#balancersOf(id));
    this.#added.set(id, fresh);
    return fresh;
  }

  /** Updates `upstreams` to the snapshot, except those that it does not have, and returns the router. */
  activate(upstreams: Map<string, LiveUpstream>): RouterOf<CompiledRoute> {
    for (const [id, spec] of this.#specs) {
      const known = upstreams.get(id);
      const upstream = known ?? this.#upstreamOf(id);
      if (known !== undefined) known.update(spec, ...this.#balancersOf(id));
      else if (upstream !== null) upstreams.set(id, upstream);
    }
    this.#activeParts.activate(this.#parts);
    return this.#router.done();
  }

  has(upstream: string): boolean {
    return this.#specs.has(upstream);
  }

  /** The snapshot will not be activated. */
  discard(): void {
    for (const upstream of this.#added.values()) upstream.close();
    this.#parts.discard();
  }
}
