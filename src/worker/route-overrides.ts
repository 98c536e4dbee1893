import { createHash, timingSafeEqual } from 'node:crypto';
import type { Filter, FilterPipeline } from '../core/filter.ts';
import {
  type MaintenanceSetting,
  noRouteOverlay,
  overlayIdOf,
  type PauseSetting,
  type RouteOverlay,
} from '../core/overlay.ts';
import type { Clock } from '../core/time.ts';
import { compileFilters } from '../exchange/filter-pipeline.ts';
import type { Route, Router } from '../exchange/ports.ts';
import { isUnconditional, type MaintenancePasses, operatorMaintenance } from '../filters/maintenance.ts';
import { PauseFilter } from '../filters/pause.ts';
import type { RouterOf } from './router.ts';
import { createTrust } from './trust.ts';

/** The part of a compiled route that the overlay changes. Its filters are replaced; an exchange keeps the filters that it began with. */
export interface OverridableRoute {
  readonly id: string;
  readonly upstream: { readonly id: string } | null;
  /** The route once for each upstream that its requests are divided between; null: it has one, or none. */
  readonly split: { readonly variants: readonly OverridableRoute[] } | null;
  /** Whether the route reports readiness: maintenance of all routes does not change it. */
  readonly answersChecks: boolean;
  /** The filters of the configuration. */
  readonly ownFilters: readonly Filter[];
  filters: FilterPipeline | null;
  /** The revision of the overlay that `filters` are for. */
  overlayRevision: number;
}

/**
 * Applies the overlay to routes, as filters before those of the configuration. A route gets its filters at its first request
 * after a change of the overlay: with 5,000 routes, changing all of them at once kept a worker busy for 10 ms. A route without an
 * entry costs one comparison for each request.
 */
export class RouteOverrides {
  readonly #clock: Clock;
  #overlay: RouteOverlay = noRouteOverlay;
  /** Pauses by the id of their entries. */
  #pauses: ReadonlyMap<string, PauseFilter> = new Map();
  /** Maintenance by route; null stands for all routes, of every host or of one. */
  #maintenance: ReadonlyMap<string | null, readonly MaintenanceSetting[]> = new Map();
  #passes: ReadonlyMap<MaintenanceSetting, MaintenancePasses> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ignores an overlay that is not newer than the active one: a message may arrive after the snapshot that includes it. */
  apply(overlay: RouteOverlay): void {
    if (overlay.revision <= this.#overlay.revision) return;
    const before = this.#pauses;
    const { pauses, maintenance } = overlay;
    this.#pauses = new Map(pauses.map((setting) => [overlayIdOf(setting), this.#pauseOf(setting, before)]));
    this.#maintenance = Map.groupBy(maintenance, ({ route }) => route);
    this.#passes = new Map(maintenance.map((setting) => [setting, passesOf(setting)]));
    this.#overlay = overlay;
    // After the overlay has changed: a request that continues now meets no ended pause.
    for (const [id, filter] of before) if (!this.#pauses.has(id)) filter.end(this.#clock);
  }

  /** A router whose routes have the filters of the newest overlay. */
  routerOf(router: RouterOf<Route & OverridableRoute>): Router {
    return {
      route: (request, client) => {
        const route = router.route(request, client);
        if (route !== null && route.overlayRevision !== this.#overlay.revision)
          for (const one of route.split?.variants ?? [route]) this.#override(one);
        return route;
      },
    };
  }

  /** Waiting requests stay with their pause, even if its limits change. */
  #pauseOf(setting: PauseSetting, before: ReadonlyMap<string, PauseFilter>): PauseFilter {
    const { waitMs, waitersMax, scope, target } = setting;
    const known = before.get(overlayIdOf(setting));
    known?.setLimits(waitMs, waitersMax);
    return known ?? new PauseFilter(`${scope} ${target}`, waitMs, waitersMax);
  }

  #override(route: OverridableRoute): void {
    const filters = [...this.#maintenanceOf(route), ...this.#pausesOf(route)];
    const hadSome = (route.filters?.filters.length ?? 0) > route.ownFilters.length;
    if (filters.length > 0 || hadSome) route.filters = compileFilters([...filters, ...route.ownFilters]);
    route.overlayRevision = this.#overlay.revision;
  }

  /** Maintenance of the route itself comes before that of all routes. */
  #maintenanceOf({ id, answersChecks }: OverridableRoute): readonly Filter[] {
    const ofAll = answersChecks ? [] : (this.#maintenance.get(null) ?? []);
    const own = this.#maintenance.get(id) ?? [];
    const settings = own.some(isUnconditional) ? own : [...own, ...ofAll];
    return settings.map((setting) => operatorMaintenance(id, setting, this.#passes.get(setting) ?? noPasses));
  }

  #pausesOf({ id, upstream }: OverridableRoute): readonly Filter[] {
    const ofRoute = this.#pauses.get(`pause:route:${id}`);
    const ofUpstream = upstream === null ? undefined : this.#pauses.get(`pause:upstream:${upstream.id}`);
    return [ofRoute, ofUpstream].filter((filter) => filter !== undefined);
  }
}

const noPasses: MaintenancePasses = { isAllowed: () => false, isPass: () => false };

function passesOf({ allow = [], pass }: MaintenanceSetting): MaintenancePasses {
  const hash = pass === undefined ? null : Buffer.from(pass, 'hex');
  const hashOf = (token: string): Buffer => createHash('sha256').update(token, 'latin1').digest();
  return {
    isAllowed: createTrust(allow),
    isPass: (token) => hash !== null && timingSafeEqual(hashOf(token), hash),
  };
}
