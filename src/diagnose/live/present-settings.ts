import type { LiveIncident } from '../../core/live-incident.ts';
import type { ConcurrencySpec } from '../../core/upstream-spec.ts';
import { duration, listOf } from './suspect-facts.ts';
import type { RouteLimits, WatchedUpstream } from './watched-upstream.ts';

interface Facts {
  readonly incident: Pick<LiveIncident, 'upstream' | 'routes'>;
  readonly watched: Pick<WatchedUpstream, 'settings' | 'limitsOf' | 'concurrencyOf'>;
}

type Reader = (facts: Facts) => string | null;

const notSet = 'not set';

/** What the active configuration has for the upstream and the routes of an incident; null: not set, or not known. */
const present: Readonly<Record<string, Reader>> = {
  'connections.max': ({ watched }) => textOf(watched.settings?.connectionsMax, String),
  'connections.requests_max': ({ watched }) => textOf(watched.settings?.requestsMax, String),
  'connections.idle_timeout': ({ watched }) => textOf(watched.settings?.idleConnectionMs, duration),
  'connections.queue_timeout': ({ watched }) => textOf(watched.settings?.queueMs, duration),
  concurrency: (facts) => boundOf(facts, boundText),
  'concurrency.max': (facts) =>
    boundOf(facts, ({ requestsMax }) => `${requestsMax ?? 'none'}`) ??
    (facts.watched.concurrencyOf === undefined ? null : notSet),
  'concurrency.queue_timeout': (facts) => boundOf(facts, ({ queueMs }) => duration(queueMs)),
  'timeouts.response_head': (facts) => limitText(facts, 'responseHeadMs'),
  'timeouts.exchange': (facts) => limitText(facts, 'exchangeMs'),
  'retry.attempt_timeout': (facts) => limitText(facts, 'attemptMs'),
};

/** The settings of which steps are told the present value. */
export const presentSettings: readonly string[] = Object.keys(present);

/**
 * Writes the present value behind each setting that a step names: 'raise `connections.max` (now 100)'. A step that says of which routes it
 * speaks, as in '`timeouts.exchange` of /api', is about a change and has its values.
 */
export function withPresentSettings(step: string, facts: Facts): string {
  return step.replaceAll(/(\(?)`([a-z_.]+)`(\)?)(?! of )/g, (written, open: string, key: string, close: string) => {
    const now = Object.hasOwn(present, key) ? (present[key]?.(facts) ?? null) : null;
    if (now === null) return written;
    const text = now === notSet ? now : `now ${now}`;
    return open !== '' && close !== '' ? `(\`${key}\`, ${text})` : `${open}\`${key}\` (${text})${close}`;
  });
}

function textOf(value: number | undefined, text: (value: number) => string): string | null {
  return value === undefined ? null : text(value);
}

/** A route has its own bound beside that of its upstream. */
function boundOf({ incident, watched }: Facts, text: (spec: ConcurrencySpec) => string): string | null {
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

function limitText({ incident, watched }: Facts, limit: keyof RouteLimits): string | null {
  const found = incident.routes.flatMap(({ route }) => {
    const ms = watched.limitsOf?.(route)?.[limit] ?? null;
    return ms === null ? [] : [{ route, text: duration(ms) }];
  });
  const [first] = found;
  if (first === undefined) return null;
  const isSame = found.length === incident.routes.length && found.every(({ text }) => text === first.text);
  return isSame ? first.text : listOf(found.map(({ route, text }) => `${text} for the route ${route}`));
}
