import { mainFeature, type MainFeaturePorts, type MainPart, type ScopedSpec } from '../main-feature.ts';
import { machineZone } from '../machine-zone.ts';
import {
  maintenanceWindowsName,
  type MaintenanceWindowSpec,
  type MaintenanceWindowsSpec,
  type MaintenanceWindowsStatus,
} from './settings.ts';
import { type ClosedTime, WindowTimes } from './window-times.ts';

/** Says when routes are closed. The times are loaded with the first window. */
class MaintenanceWindows implements MainPart<MaintenanceWindowsSpec> {
  readonly #clock: MainFeaturePorts['clock'];
  #routes: readonly { readonly route: string; readonly times: readonly WindowTimes[] }[] = [];

  constructor({ clock }: MainFeaturePorts) {
    this.#clock = clock;
  }

  use(scopes: readonly ScopedSpec<MaintenanceWindowsSpec>[]): void {
    this.#routes = scopes.map(({ scope }) => ({ route: scope.id, times: [] }));
    const routes = this.#routes;
    if (routes.length === 0) return;
    void import('../cron-schedule.ts').then(({ scheduleOf }) => {
      // Another configuration may be in force by now.
      if (this.#routes !== routes) return;
      const timesOf = ({ schedule, timeZone, lengthMs }: MaintenanceWindowSpec): WindowTimes =>
        new WindowTimes(scheduleOf(schedule, timeZone ?? machineZone()), lengthMs);
      this.#routes = scopes.map(({ scope, spec }) => ({ route: scope.id, times: spec.windows.map(timesOf) }));
    });
  }

  closedRoutes(): readonly string[] {
    return this.status().maintenanceWindows.flatMap(({ route, closed }) => (closed ? [route] : []));
  }

  status(): MaintenanceWindowsStatus {
    const now = this.#clock.wallTime();
    return {
      maintenanceWindows: this.#routes.map(({ route, times }) => {
        const closed = nextOf(times.map((one) => one.at(now)));
        const text = (wall: number | undefined): string | null =>
          wall === undefined ? null : new Date(wall).toISOString();
        return {
          route,
          closed: closed !== null && closed.begins <= now,
          begins: text(closed?.begins),
          ends: text(closed?.ends),
        };
      }),
    };
  }
}

/** The first that begins; of those in force the one that ends last. */
function nextOf(windows: readonly (ClosedTime | null)[]): ClosedTime | null {
  const found = windows.filter((one) => one !== null);
  return found.toSorted((one, other) => one.begins - other.begins || other.ends - one.ends)[0] ?? null;
}

export const maintenanceWindows = mainFeature<MaintenanceWindowsSpec, MaintenanceWindows, MaintenanceWindowsStatus>({
  name: maintenanceWindowsName,
  start: (ports) => new MaintenanceWindows(ports),
});
