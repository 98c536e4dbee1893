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

interface ActivePause {
  readonly setting: PauseSetting;
  readonly filter: PauseFilter;
}

/**
 * What operators have changed for routes, as filters before those of the configuration. Filters are made at a change of the
 * overlay or of the routes, so that a route that no entry names costs nothing.
 */
export class RouteOverrides {
  readonly #clock: Clock;
  #overlay: RouteOverlay = noRouteOverlay;
  #routes: readonly OverridableRoute[] = [];
  #pauses: ReadonlyMap<string, ActivePause> = new Map();

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
    this.#pauses = new Map(
      this.#overlay.pauses.map((setting) => [overlayIdOf(setting), this.#pauseOf(setting, before)]),
    );
    for (const route of this.#routes) this.#override(route);
    const kept = new Set([...this.#pauses.values()].map(({ filter }) => filter));
    // After the routes have changed: a request that goes on now meets no pause that is over.
    for (const { filter } of before.values()) if (!kept.has(filter)) filter.end(this.#clock);
  }

  /** Requests that wait stay with the pause for as long as it says the same. */
  #pauseOf(setting: PauseSetting, before: ReadonlyMap<string, ActivePause>): ActivePause {
    const known = before.get(overlayIdOf(setting));
    const { waitMs, waitersMax, target } = setting;
    const isSame = known?.setting.waitMs === waitMs && known.setting.waitersMax === waitersMax;
    return isSame ? known : { setting, filter: new PauseFilter(target, waitMs, waitersMax) };
  }

  #override(route: OverridableRoute): void {
    const filters = [...this.#maintenanceOf(route), ...this.#pausesOf(route)];
    const hadSome = (route.filters?.filters.length ?? 0) > route.ownFilters.length;
    if (filters.length > 0 || hadSome) route.filters = compileFilters([...filters, ...route.ownFilters]);
  }

  /** That of the route itself before that of all. */
  #maintenanceOf({ id, reportsReadiness }: OverridableRoute): readonly Filter[] {
    const { maintenance } = this.#overlay;
    const concerns = (setting: MaintenanceSetting): boolean => setting.route === null && !reportsReadiness;
    const setting = maintenance.find(({ route }) => route === id) ?? maintenance.find(concerns);
    return setting === undefined ? [] : [maintenanceFilter(id, setting.message, setting.retryAfterS)];
  }

  #pausesOf({ id, upstream }: OverridableRoute): readonly Filter[] {
    const all = [...this.#pauses.values()];
    const found = all.filter(({ setting }) => setting.target === (setting.scope === 'route' ? id : upstream?.id));
    return found.map(({ filter }) => filter);
  }
}
