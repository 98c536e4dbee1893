import { maintenanceDefaults } from '../features/maintenance/settings.ts';
import { suggestNearest } from '../config/nearest.ts';
import { type OverlayEntry, overlayIdOf, type OverlaySetting, overlayTargetOf } from '../core/overlay.ts';
import {
  findApplication,
  findEndpoint,
  findPauseTarget,
  findRoutes,
  lastReadyOf,
  routesTo,
  type OverlayTargets,
} from './overlay-targets.ts';

/** A change that an operator asks for. Null stands for the default. */
export type OverlayChange =
  | {
      readonly kind: 'maintenance';
      /** Null: all routes. The name of an upstream or application stands for its routes. */
      readonly route: string | null;
      readonly message: string | null;
      readonly retryAfterS: number | null;
      /** Requests for this host alone; `route` is null. Absent: for every host. */
      readonly host?: string;
      /** RFC 3339; absent: at once, and until it is restored. */
      readonly since?: string;
      readonly until?: string;
      /** Networks whose clients pass. */
      readonly allow?: readonly string[];
      /** The SHA-256 of a token with which requests pass. */
      readonly pass?: string;
    }
  | {
      readonly kind: 'pause';
      readonly target: string;
      readonly waitMs: number | null;
      readonly waitersMax: number | null;
      readonly until?: string;
    }
  | { readonly kind: 'weight'; readonly endpoint: string; readonly weight: number }
  | { readonly kind: 'drain'; readonly endpoint: string }
  | {
      readonly kind: 'eject';
      readonly endpoint: string;
      /** Null: until it is restored. */
      readonly durationMs: number | null;
      readonly why: string;
      /** Also if no other endpoint of the upstream can be chosen. */
      readonly force: boolean;
    }
  | { readonly kind: 'scale'; readonly application: string; readonly instances: number }
  | { readonly kind: 'stop'; readonly application: string }
  /** `what`: the id or kind of an entry, or the target that entries name; null: all entries. */
  | { readonly kind: 'restore'; readonly what: string | null };

/** A visitor waits this long without leaving, and a restart of a database takes less. */
export const pauseWaitMsDefault = 5_000;
/** Clients and load balancers wait 60 s as a rule; beyond some minutes a pause is maintenance. */
export const pauseWaitMsMax = 300_000;
/** Each waiter costs a client connection and some kilobytes: this is some 20 MB. */
export const pauseWaitersDefault = 1_000;
export const pauseWaitersMax = 100_000;

/** The entries after a change. */
type PlannedChange =
  | {
      readonly ok: true;
      readonly set: readonly OverlaySetting[];
      readonly cleared: readonly OverlayEntry[];
    }
  | { readonly ok: false; readonly kind?: 'refused'; readonly why: string };

/** `wallTime`: milliseconds since 1970. */
export function planChange(
  change: OverlayChange,
  entries: readonly OverlayEntry[],
  targets: OverlayTargets,
  wallTime: number,
): PlannedChange {
  if (change.kind === 'restore') return planRestore(change.what, entries, targets);
  const setting = settingOf(change, targets, wallTime);
  if (!setting.ok) return setting;
  return { ok: true, set: setting.settings, cleared: [] };
}

type SettingResult =
  | { readonly ok: true; readonly settings: readonly OverlaySetting[] }
  | { readonly ok: false; readonly kind?: 'refused'; readonly why: string };

function settingOf(
  change: Exclude<OverlayChange, { kind: 'restore' }>,
  targets: OverlayTargets,
  wallTime: number,
): SettingResult {
  if (change.kind === 'maintenance') {
    const times = wrongTimes(change, wallTime);
    if (times !== null) return times;
    if (change.host !== undefined && change.route !== null)
      return {
        ok: false,
        kind: 'refused',
        why: 'A host stands for its requests on all routes: name a host or a route.',
      };
    const routes = change.route === null ? null : findRoutes(change.route, targets);
    if (routes?.ok === false) return routes;
    const message = change.message ?? maintenanceDefaults.message;
    const retryAfterS = change.retryAfterS ?? maintenanceDefaults.retryAfterS;
    const { host, since, until, allow, pass } = change;
    const optional = {
      ...(host === undefined ? {} : { host: host.toLowerCase() }),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
      ...(allow === undefined || allow.length === 0 ? {} : { allow }),
      ...(pass === undefined ? {} : { pass }),
    };
    const settingFor = (route: string | null): OverlaySetting => ({
      ...{ kind: 'maintenance', route, message, retryAfterS },
      ...optional,
    });
    return { ok: true, settings: (routes?.target ?? [null]).map(settingFor) };
  }
  if (change.kind === 'pause') {
    const found = findPauseTarget(change.target, targets);
    if (!found.ok) return found;
    const times = wrongTimes(change, wallTime);
    if (times !== null) return times;
    const { waitMs, waitersMax, until } = change;
    const limits = { waitMs: waitMs ?? pauseWaitMsDefault, waitersMax: waitersMax ?? pauseWaitersDefault };
    return {
      ok: true,
      settings: [{ kind: 'pause', ...found.target, ...limits, ...(until === undefined ? {} : { until }) }],
    };
  }
  if (change.kind === 'scale' || change.kind === 'stop') return ofApplication(change, targets);
  const endpoint = findEndpoint(change.endpoint, targets);
  if (!endpoint.ok) return endpoint;
  if (change.kind === 'eject') return ejectionOf(change, endpoint.target, targets, wallTime);
  return change.kind === 'drain'
    ? { ok: true, settings: [{ kind: 'drain', endpoint: endpoint.target }] }
    : { ok: true, settings: [{ kind: 'weight', endpoint: endpoint.target, weight: change.weight }] };
}

/** A timer reaches as far, and what is closed for longer belongs into the file. */
const untilMaxMs = 14 * 86_400_000;

/** Null: nothing is wrong with when it begins and ends. */
function wrongTimes(
  { since, until }: { readonly since?: string; readonly until?: string },
  wallTime: number,
): (SettingResult & { readonly ok: false }) | null {
  const [begins, ends] = [since, until].map((time) => (time === undefined ? null : Date.parse(time)));
  if (ends != null && ends <= Math.max(wallTime, begins ?? 0))
    return { ok: false, kind: 'refused', why: `It would end (${until}) before it begins.` };
  if (Math.max(begins ?? 0, ends ?? 0) > wallTime + untilMaxMs)
    return {
      ok: false,
      kind: 'refused',
      why: 'It begins and ends within 14 days. What lasts longer belongs into the configuration.',
    };
  return null;
}

function ofApplication(
  change: Extract<OverlayChange, { kind: 'scale' | 'stop' }>,
  targets: OverlayTargets,
): SettingResult {
  const found = findApplication(change.application, targets, change.kind === 'scale' ? { to: change.instances } : null);
  return found.ok ? { ok: true, settings: [{ ...change, application: found.target }] } : found;
}

function ejectionOf(
  { durationMs, why, force }: Extract<OverlayChange, { kind: 'eject' }>,
  endpoint: string,
  targets: OverlayTargets,
  wallTime: number,
): SettingResult {
  const upstream = force ? null : lastReadyOf(endpoint, targets);
  if (upstream !== null) {
    const what = `${endpoint} is the last endpoint of upstream ${upstream} that is ready: it would go on getting requests`;
    return { ok: false, kind: 'refused', why: `${what}. Eject it all the same with force, or drain it.` };
  }
  const until = durationMs === null ? null : new Date(wallTime + durationMs).toISOString();
  return { ok: true, settings: [{ kind: 'eject', endpoint, until, why }] };
}

function planRestore(what: string | null, entries: readonly OverlayEntry[], { routes }: OverlayTargets): PlannedChange {
  if (what === null) return { ok: true, set: [], cleared: entries };
  const byId = entries.filter(({ setting }) => overlayIdOf(setting) === what);
  const named = byId.length > 0 ? byId : entries.filter(({ setting }) => isNamed(setting, what));
  const ofUpstream = routesTo(what.replace(/^(?:maintenance:)?(?:upstream:)?/, ''), routes);
  const cleared =
    named.length > 0
      ? named
      : entries.filter(({ setting }) => setting.kind === 'maintenance' && ofUpstream.includes(setting.route ?? ''));
  if (cleared.length > 0) return { ok: true, set: [], cleared };
  if (entries.length === 0) return { ok: false, why: `Nothing is set for ${what}: the overlay has no entries.` };
  const known = entries.flatMap(({ setting }) => [overlayIdOf(setting), overlayTargetOf(setting) ?? 'maintenance']);
  const hint = suggestNearest(what, new Set(known)) ?? `set are ${[...new Set(known)].slice(0, 8).join(', ')}.`;
  return { ok: false, why: `Nothing is set for ${what}: ${hint}` };
}

/**
 * Whether `what` names the setting: by its kind, its target, or the address (`10.0.0.5:3000`) or instance (`web/1`) at the end
 * of its endpoint's name. A number alone is neither.
 */
function isNamed(setting: OverlaySetting, what: string): boolean {
  const target = overlayTargetOf(setting);
  if (setting.kind === what || target === what) return true;
  if (setting.kind === 'pause') return what === `${setting.scope}:${setting.target}`;
  if (setting.kind === 'maintenance' || setting.kind === 'scale' || setting.kind === 'stop') return false;
  return /[:/]/.test(what) && setting.endpoint.endsWith(`/${what}`);
}
