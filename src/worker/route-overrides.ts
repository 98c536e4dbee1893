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
import { maintenanceFilter } from '../filters/maintenance.ts';
import { PauseFilter } from '../filters/pause.ts';

/** A compiled route, as the overlay sees it. Its filters are replaced; an exchange keeps those that it began with. */
export interface OverridableRoute {
  readonly id: string;
  readonly upstream: { readonly id: string } | null;
  /** It reports whether the gateway is ready: maintenance of all routes leaves it alone. */
  readonly reportsReadiness: boolean;
  /** Those of the configuration. */
  readonly ownFilters: readonly Filter[];
  filters: FilterPipeline | null;
}

/**
 * What operators have changed for routes, as filters before those of the configuration. Filters are made at a change of the
 * overlay or of the routes, so that a route that no entry names costs nothing.
 */
export class RouteOverrides {
  readonly #clock: Clock;
  #overlay: RouteOverlay = noRouteOverlay;
  #routes: readonly OverridableRoute[] = [];
  /** By the id of their entries. */
  #pauses: ReadonlyMap<string, PauseFilter> = new Map();
  /** By their routes; null: of all. */
  #maintenance: ReadonlyMap<string | null, MaintenanceSetting> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An overlay that is not newer than the present one changes nothing: messages may arrive after the snapshot that has them. */
  apply(overlay: RouteOverlay): void {
    if (overlay.revision <= this.#overlay.revision) return;
    this.#overlay = overlay;
    this.#update();
  }

  /** These routes serve from now on. */
  use(routes: readonly OverridableRoute[]): void {
    this.#routes = routes;
    this.#update();
  }

  #update(): void {
    const before = this.#pauses;
    const { pauses, maintenance } = this.#overlay;
    this.#pauses = new Map(pauses.map((setting) => [overlayIdOf(setting), this.#pauseOf(setting, before)]));
    this.#maintenance = new Map(maintenance.map((setting) => [setting.route, setting]));
    for (const route of this.#routes) this.#override(route);
    // After the routes have changed: a request that goes on now meets no pause that is over.
    for (const [id, filter] of before) if (!this.#pauses.has(id)) filter.end(this.#clock);
  }

  /** Requests that wait stay with their pause, also where its limits change. */
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
  }

  /** That of the route itself before that of all. */
  #maintenanceOf({ id, reportsReadiness }: OverridableRoute): readonly Filter[] {
    const ofAll = reportsReadiness ? undefined : this.#maintenance.get(null);
    const setting = this.#maintenance.get(id) ?? ofAll;
    return setting === undefined ? [] : [maintenanceFilter(id, setting.message, setting.retryAfterS)];
  }

  #pausesOf({ id, upstream }: OverridableRoute): readonly Filter[] {
    const ofRoute = this.#pauses.get(`pause:route:${id}`);
    const ofUpstream = upstream === null ? undefined : this.#pauses.get(`pause:upstream:${upstream.id}`);
    return [ofRoute, ofUpstream].filter((filter) => filter !== undefined);
  }
}
