import type { LiveIncident } from '../core/live-incident.ts';
import type { ConcurrencySpec } from '../core/upstream-spec.ts';
import { duration, listOf } from './suspect-facts.ts';
import type { RouteLimits, WatchedUpstream } from './watched-upstream.ts';
import type { RouteSpec } from '../core/route-spec.ts';
import { retryOf } from '../features/retry/settings.ts';

/** The timeouts of a route that bound a response; null: there is no such route. */
export const limitsOfRoute = (route: Pick<RouteSpec, 'timeouts' | 'features'> | null): RouteLimits | null =>
  route === null ? null : limitsOf(route);

function limitsOf({ timeouts, features }: Pick<RouteSpec, 'timeouts' | 'features'>): RouteLimits {
  const { responseHeadMs, exchangeMs } = timeouts;
  return { responseHeadMs, exchangeMs, attemptMs: retryOf(features)?.attemptMs ?? null };
}

type LimitedRoute = Pick<RouteSpec, 'id' | 'timeouts' | 'features'>;

/** An incident is blamed on one of the last changes. */
const keptMax = 5;

/** The timeouts that the last changes of the configuration have replaced. */
export class ReplacedLimits {
  /** By revision and route: only what has changed. */
  readonly #replaced = new Map<number, ReadonlyMap<string, RouteLimits>>();

  /** `revision` has these routes `now`. */
  replace(before: readonly LimitedRoute[], now: readonly LimitedRoute[], revision: number): void {
    const known = new Map(before.map((route) => [route.id as string, limitsOf(route)]));
    const replaced = new Map<string, RouteLimits>();
    for (const route of now) {
      const old = known.get(route.id);
      if (old !== undefined && !isSame(old, limitsOf(route))) replaced.set(route.id, old);
    }
    this.#replaced.set(revision, replaced);
    this.#replaced.delete(revision - keptMax);
  }

  /** Those of the route before the revision; null: the revision has not changed them, or that is no longer known. */
  of(route: string, revision: number): RouteLimits | null {
    return this.#replaced.get(revision)?.get(route) ?? null;
  }
}

const isSame = (one: RouteLimits, other: RouteLimits): boolean =>
  one.responseHeadMs === other.responseHeadMs &&
  one.attemptMs === other.attemptMs &&
  one.exchangeMs === other.exchangeMs;

/** The upstream and the routes whose settings are meant, and what is known of their configuration. */
interface SettingsContext {
  readonly incident: Pick<LiveIncident, 'upstream' | 'routes'>;
  readonly watched: Pick<WatchedUpstream, 'settings' | 'limitsOf' | 'concurrencyOf'>;
}

type Reader = (context: SettingsContext) => string | null;

const notSet = 'not set';

/** What the active configuration has for the upstream and the routes of an incident; null: not set, or not known. */
const present = {
  'connections.max': ({ watched }) => textOf(watched.settings?.connectionsMax, String),
  'connections.requests_max': ({ watched }) => textOf(watched.settings?.requestsMax, String),
  'connections.idle_timeout': ({ watched }) => textOf(watched.settings?.idleConnectionMs, duration),
  'connections.queue_timeout': ({ watched }) => textOf(watched.settings?.queueMs, duration),
  concurrency: (context) => boundOf(context, boundText),
  'concurrency.max': (context) =>
    boundOf(context, ({ requestsMax }) => `${requestsMax ?? 'none'}`) ??
    (context.watched.concurrencyOf === undefined ? null : notSet),
  'concurrency.queue_timeout': (context) => boundOf(context, ({ queueMs }) => duration(queueMs)),
  'timeouts.response_head': (context) => limitText(context, 'responseHeadMs'),
  'timeouts.exchange': (context) => limitText(context, 'exchangeMs'),
  'retry.attempt_timeout': (context) => limitText(context, 'attemptMs'),
} satisfies Readonly<Record<string, Reader>>;

/** A setting whose present value a step can say. */
export type SettingName = keyof typeof present;

export const settingNames = Object.keys(present) as readonly SettingName[];

/** A setting as a step names it, with its present value: '`connections.max` (now 100)'. */
export function settingText(name: SettingName, context: SettingsContext): string {
  const now = presentText(name, context);
  return now === null ? `\`${name}\`` : `\`${name}\` (${now})`;
}

/** The same as an aside: '(`connections.max`, now 100)'. */
export function settingAside(name: SettingName, context: SettingsContext): string {
  const now = presentText(name, context);
  return now === null ? `(\`${name}\`)` : `(\`${name}\`, ${now})`;
}

function presentText(name: SettingName, context: SettingsContext): string | null {
  const value = present[name](context);
  return value === null || value === notSet ? value : `now ${value}`;
}

function textOf(value: number | undefined, text: (value: number) => string): string | null {
  return value === undefined ? null : text(value);
}

/** A route has its own bound beside that of its upstream. */
function boundOf({ incident, watched }: SettingsContext, text: (spec: ConcurrencySpec) => string): string | null {
  const ofRoutes = incident.routes.flatMap(({ route }) => {
    const spec = watched.concurrencyOf?.(route) ?? null;
    return spec === null ? [] : [`${text(spec)} for the route ${route}`];
  });
  const ofUpstream = watched.settings?.concurrency;
  const all = [
    ...ofRoutes,
    ...(ofUpstream === undefined ? [] : [`${text(ofUpstream)} for the upstream ${incident.upstream}`]),
  ];
  return all.length === 0 ? null : listOf(all);
}

function boundText({ requestsMax, adaptive }: ConcurrencySpec): string {
  if (requestsMax === null) return 'adaptive';
  return adaptive ? `adaptive, at most ${requestsMax}` : `${requestsMax}`;
}

function limitText({ incident, watched }: SettingsContext, limit: keyof RouteLimits): string | null {
  const found = incident.routes.flatMap(({ route }) => {
    const ms = watched.limitsOf?.(route)?.[limit] ?? null;
    return ms === null ? [] : [{ route, text: duration(ms) }];
  });
  const [first] = found;
  if (first === undefined) return null;
  const isSame = found.length === incident.routes.length && found.every(({ text }) => text === first.text);
  return isSame ? first.text : listOf(found.map(({ route, text }) => `${text} for the route ${route}`));
}
