import { durationBoundsMs } from '../../core/counters.ts';
import type { Event, EventKind } from '../../core/event.ts';
import { specOfCause } from '../../core/explain.ts';
import { failureTable } from '../../core/failure-table.ts';
import type { Cause } from '../../core/failure.ts';
import { familyOfCause } from './failure-family.ts';
import type { WatchedUpstream } from './incident-tracker.ts';
import type { CountedFailure } from './upstream-failures.ts';
import type { CountedEndpoint, IncidentSuspect, LiveIncident, SuspectKind } from '../../core/live-incident.ts';

export interface SuspectContext {
  readonly incident: LiveIncident;
  readonly watched: WatchedUpstream;
  /** What happened to the gateway; `afterMs` the incident started, negative: before it. */
  readonly events: readonly { readonly event: Event; readonly afterMs: number }[];
  /** How long successful requests take, and those that were too slow: counts by `durationBoundsMs`. */
  readonly usualDurations: ArrayLike<number>;
  readonly slowDurations: ArrayLike<number>;
  readonly staleReusesFailed: number;
}

/** What a rule says where it applies. */
interface Finding {
  readonly fit: number;
  readonly sentence: string;
  readonly evidence: readonly string[];
  readonly nextStep: string;
}

type Rule = (context: SuspectContext) => Finding | null;

/** A change so long before an incident is suspected; the nearer, the more. */
const changeMs = 180_000;
/** Most changes show at once. Events may come a little later than the failures that follow from them. */
const soonMs = 15_000;
const lateMs = 5000;

const shownMax = 5;

// Each rule looks for one cause. `fit` orders them: what a process's exit or a certificate says is surer than what the
// failures alone say, and "the application is slow" is said where nothing else is known.
const rules: Readonly<Record<SuspectKind, Rule>> = {
  out_of_memory: (context) => exited(context, true),
  crash: (context) => exited(context, false),
  release: (context) => {
    const { incident, watched } = context;
    if (watched.application === null || isOf(incident, 'dns', 'full')) return null;
    const found = latestBefore(context, 'configuration_applied', ({ evidence }) =>
      evidence.changed.some((part) => namesPart(part, 'applications', watched.application as string)),
    );
    if (found === null) return null;
    return {
      fit: nearness(found.afterMs, 0.97),
      sentence: `A new release of ${watched.application} began ${beforeText(found.afterMs)} the first failure.`,
      evidence: [`revision ${found.event.revision}: ${found.event.reason}`],
      nextStep: `Restore the earlier configuration of ${watched.application} and run \`candor reload\`; the old release is started again.`,
    };
  },
  configuration_change: (context) => {
    const { upstream, routes } = context.incident;
    const found = latestBefore(context, 'configuration_applied', ({ evidence }) =>
      evidence.changed.some((part) =>
        concerns(
          part,
          upstream,
          routes.map(({ route }) => route),
        ),
      ),
    );
    if (found === null) return null;
    return {
      fit: nearness(found.afterMs, 0.93),
      sentence: `The configuration was changed ${beforeText(found.afterMs)} the first failure.`,
      evidence: [`revision ${found.event.revision} changed ${listOf(found.event.evidence.changed)}`],
      nextStep: 'Compare the two configurations; restore the earlier one and run `candor reload` if in doubt.',
    };
  },
  operator_action: (context) => {
    const { upstream, routes } = context.incident;
    const found = latestBefore(context, 'overlay_changed', ({ subject }) =>
      isAbout(
        subject,
        upstream,
        routes.map(({ route }) => route),
      ),
    );
    if (found === null || found.event.evidence.after === null) return null;
    return {
      fit: nearness(found.afterMs, isOf(context.incident, 'not_ready', 'full') ? 0.96 : 0.8),
      sentence: `An operator changed ${found.event.subject} ${beforeText(found.afterMs)} the first failure.`,
      evidence: [`${found.event.actor}: ${found.event.reason}`],
      nextStep: 'Run `candor restore` for it if this was not intended.',
    };
  },
  one_endpoint: ({ incident }) => {
    const { endpoints } = incident;
    if (endpoints.length < 2 || isOf(incident, 'full', 'gateway')) return null;
    const [worst, ...others] = endpoints as readonly [CountedEndpoint, ...CountedEndpoint[]];
    const failed = endpoints.reduce((sum, one) => sum + one.failed, 0);
    const answered = others.reduce((sum, one) => sum + one.attempts - one.failed, 0);
    if (failed === 0 || worst.failed < 0.9 * failed || answered < worst.failed) return null;
    return {
      fit: 0.72,
      sentence: `Only ${worst.endpoint} fails; the other endpoints answer.`,
      evidence: [
        `${worst.endpoint}: ${worst.failed} of ${worst.attempts} attempts failed`,
        `the ${others.length === 1 ? 'other one' : `${others.length} others`}: ${failed - worst.failed} of ${sum(others)} failed`,
      ],
      nextStep: `Look at ${worst.endpoint} itself; \`candor drain ${worst.endpoint}\` takes it out meanwhile.`,
    };
  },
  pool_full: ({ incident }) => {
    const share = shareOf(incident, full);
    if (share < 0.5) return null;
    return {
      fit: 0.75,
      sentence: 'All connections or requests that the configuration allows at the upstream are in use.',
      evidence: [`${percent(share)} of the failures: ${names(incident, full)}`],
      nextStep:
        'See in `candor status` whether the endpoints answer more slowly than usual; raise `connections.max` or `concurrency.max` only if they can bear more.',
    };
  },
  traffic_growth: ({ incident }) => {
    const { before, during } = incident.rate;
    if (before === null || before < 0.2 || during < 2 * before) return null;
    const factor = during / before;
    if (isOf(incident, 'application') ? factor < 3 : !isOf(incident, 'full', 'slow', 'gone', 'gateway', 'not_ready'))
      return null;
    return {
      fit: Math.min(0.9, 0.7 + factor * 0.04),
      sentence: `${times(factor)} as many requests came as before.`,
      evidence: [`${rate(before)} before, ${rate(during)} since it started`],
      nextStep:
        'See with `candor logs` which clients and paths they come from; bound them with `concurrency`, or add endpoints.',
    };
  },
  descriptors: (context) => {
    const { incident } = context;
    const share = shareOf(incident, new Set(['descriptors_exhausted', 'local_ports_exhausted']));
    const found = latestBefore(context, 'descriptors_exhausted', ({ to }) => to === 'scarce', Number.POSITIVE_INFINITY);
    if (share < 0.3 && found === null) return null;
    return {
      fit: share >= 0.3 ? 0.96 : 0.6,
      sentence: 'The gateway has no file descriptor or local port left for another connection.',
      evidence: [
        found?.event.reason ??
          `${percent(share)} of the failures: ${names(incident, new Set(['descriptors_exhausted', 'local_ports_exhausted']))}`,
      ],
      nextStep:
        'Raise the limit of open files (`LimitNOFILE=` of the service, `ulimit -n`), or lower `client.connections_max`.',
    };
  },
  timeout_too_short: ({ incident, usualDurations, slowDurations }) => {
    if (!isOf(incident, 'slow')) return null;
    const limitMs = commonDuration(slowDurations);
    const usualMs = quantile(usualDurations, 0.99);
    if (limitMs === null || usualMs === null || usualMs < limitMs * 0.5 || usualMs > limitMs * 1.1) return null;
    return {
      fit: 0.82,
      sentence: `The timeout of ${duration(limitMs)} cuts requests that are not unusual: one in a hundred takes ${duration(usualMs)} or more.`,
      evidence: [
        `the failed requests all ended after about ${duration(limitMs)}`,
        `99 % of the others took up to ${duration(usualMs)}`,
      ],
      nextStep: `Set the route's \`timeouts.response_head\` to more than ${duration(limitMs * 2)}, or make these requests faster.`,
    };
  },
  dns: (context) => {
    const { incident } = context;
    if (!isOf(incident, 'dns')) return null;
    const cause = incident.cause === null ? null : specOfCause(incident.cause);
    return {
      fit: 0.9,
      sentence: 'The name of an endpoint cannot be looked up.',
      evidence: [names(incident, null), ...reasons(context, 'name_state', ({ to }) => to !== 'resolved')],
      nextStep: cause?.nextStep ?? 'Ask the name server with `dig NAME`.',
    };
  },
  dns_change: (context) => {
    const known = new Set(context.watched.endpoints.map(({ name }) => name));
    const found = latestBefore(context, 'name_addresses', ({ evidence }) => known.has(evidence.name));
    if (found === null || isOf(context.incident, 'full')) return null;
    const { name, added, removed } = found.event.evidence;
    return {
      fit: nearness(found.afterMs, 0.9),
      sentence: `${name} got other addresses ${beforeText(found.afterMs)} the first failure.`,
      evidence: [`added: ${listOf(added)}; removed: ${listOf(removed)}`],
      nextStep: `Check that the application listens at ${listOf(added)}; correct the DNS record if it does not.`,
    };
  },
  certificate: ({ incident }) => {
    const share = shareOf(incident, certificates);
    if (share < 0.5) return null;
    const spec = incident.cause === null ? null : specOfCause(incident.cause);
    return {
      fit: 0.94,
      sentence: `The endpoint's certificate is not accepted: ${lowerFirst(spec?.title ?? 'see the failures')}.`,
      evidence: [`${percent(share)} of the failures: ${names(incident, certificates)}`],
      nextStep: spec?.nextStep ?? 'Renew the certificate of the endpoint.',
    };
  },
  tls_settings: ({ incident }) => {
    if (!isOf(incident, 'tls') || shareOf(incident, certificates) >= 0.5 || incident.cause === 'tls_timeout')
      return null;
    const spec = incident.cause === null ? null : specOfCause(incident.cause);
    return {
      fit: 0.7,
      sentence: `TLS with the endpoint fails: ${lowerFirst(spec?.title ?? 'see the failures')}.`,
      evidence: [names(incident, null)],
      nextStep: spec?.nextStep ?? 'Compare the versions, the server name and the certificates on both sides.',
    };
  },
  keep_alive_race: ({ incident, staleReusesFailed }) => {
    const share = shareOf(incident, races);
    const failed = Math.max(incident.failed, incident.attemptsFailed);
    if (
      share < 0.8 ||
      staleReusesFailed < incident.failed * 0.5 ||
      staleReusesFailed === 0 ||
      failed > incident.requests * 0.2
    )
      return null;
    return {
      fit: 0.86,
      sentence: 'The application closes idle connections at the moment at which the gateway sends a request there.',
      evidence: [
        `${staleReusesFailed} requests failed on a connection that the endpoint was closing`,
        `${incident.requests - incident.failed} others were answered meanwhile`,
      ],
      nextStep:
        "Make the application's keep-alive timeout longer than the gateway's (`connections.idle_timeout`): in Node `server.keepAliveTimeout`.",
    };
  },
  dependency: ({ incident, watched }) => {
    const advice = watched.endpoints.flatMap(({ id, advice: text }) => (text === null ? [] : [`${id} says: ${text}`]));
    if (advice.length === 0 || isOf(incident, 'dns', 'tls', 'garbage', 'gateway', 'network')) return null;
    return {
      fit: isOf(incident, 'application', 'slow', 'not_ready') ? 0.88 : 0.6,
      sentence: 'Something that the application needs does not work, as its health document says.',
      evidence: advice.slice(0, shownMax),
      nextStep: 'Look at what the health document names; the application fails because of it.',
    };
  },
  lying_check: (context) => {
    const { incident, watched } = context;
    const found = seen(
      context,
      'health_disagreement',
      ({ subject, evidence }) => isEndpointOf(subject, incident.upstream) && evidence.failures > 0,
    );
    if (found.length === 0) return null;
    const subjects = new Set(found.map(({ event }) => event.subject));
    return {
      fit: subjects.size * 2 >= watched.endpoints.length ? 0.74 : 0.5,
      sentence: 'The health check passes while requests fail: it does not look at what fails.',
      evidence: found.slice(0, shownMax).map(({ event }) => event.reason),
      nextStep:
        'Let the check request a path that uses what the application needs (`check.path`), or report it in the health document.',
    };
  },
  failing_check: ({ incident, watched }) => {
    const unhealthy = watched.endpoints.filter(({ state }) => state === 'unhealthy');
    if (!isOf(incident, 'not_ready') || unhealthy.length === 0 || incident.attemptsFailed > 0) return null;
    return {
      fit: 0.7,
      sentence: 'Health checks have taken all endpoints out; no request had failed there.',
      evidence: unhealthy.slice(0, shownMax).map(({ id, reason }) => `${id}: ${reason}`),
      nextStep: 'Request the path of the check by hand; correct the check if the application works.',
    };
  },
  another_program: ({ incident }) => {
    const share = shareOf(incident, otherProtocol);
    if (share < 0.5) return null;
    return {
      fit: 0.88,
      sentence: 'Something that does not speak the configured protocol answers at that address.',
      evidence: [`${percent(share)} of the failures: ${names(incident, otherProtocol)}`],
      nextStep:
        'See with `ss -ltnp` which program listens on that port, and compare port and scheme with the configuration.',
    };
  },
  invalid_responses: ({ incident }) => {
    if (shareOf(incident, otherProtocol) >= 0.5 || shareOf(incident, invalid) < 0.3) return null;
    const spec = incident.cause === null ? null : specOfCause(incident.cause);
    return {
      fit: 0.68,
      sentence: `The application sends responses that are no valid HTTP: ${lowerFirst(spec?.title ?? 'see the failures')}.`,
      evidence: [names(incident, null)],
      nextStep: spec?.nextStep ?? 'See in `candor explain ID` which bytes came.',
    };
  },
  connections_cut: ({ incident }) => {
    if (!isOf(incident, 'gone') || shareOf(incident, refused) >= 0.5) return null;
    return {
      fit: 0.45,
      sentence: 'The application, or something before it, cuts its connections.',
      evidence: [names(incident, null)],
      nextStep: 'Look at its log: a process that ends, a timeout of its own, or a proxy between it and the gateway.',
    };
  },
  nothing_listens: ({ incident, watched }) => {
    if (!isOf(incident, 'gone', 'not_ready')) return null;
    const share = shareOf(incident, refused);
    const isDown = incident.family === 'not_ready' && watched.endpoints.some(({ state }) => state === 'unhealthy');
    if (share < 0.5 && !isDown) return null;
    const wasCut = shareOf(incident, races) > 0;
    return {
      fit: share >= 0.5 ? 0.6 : 0.4,
      sentence: wasCut
        ? 'The application ended: its connections were cut, and then nothing listened at its address.'
        : 'Nothing listens at the address of the application.',
      evidence: [
        names(incident, null),
        ...watched.endpoints.slice(0, shownMax).map(({ id, reason }) => `${id}: ${reason}`),
      ],
      nextStep: 'Start the application, or compare its address with the configuration; its own log says why it ended.',
    };
  },
  network: ({ incident }) => {
    if (!isOf(incident, 'network')) return null;
    const spec = incident.cause === null ? null : specOfCause(incident.cause);
    return {
      fit: 0.7,
      sentence:
        'No connection comes about, and nothing refuses it: a firewall, a lost host, or a full queue of connections.',
      evidence: [names(incident, null)],
      nextStep: spec?.nextStep ?? 'Run `candor probe` against the endpoint.',
    };
  },
  slow_application: ({ incident, usualDurations }) => {
    if (!isOf(incident, 'slow')) return null;
    const usualMs = quantile(usualDurations, 0.5);
    return {
      fit: 0.55,
      sentence: 'The application, or something it waits for, has become slow or hangs.',
      evidence: [
        names(incident, null),
        ...(usualMs === null ? [] : [`half of its responses used to take up to ${duration(usualMs)}`]),
      ],
      nextStep:
        'See what the application waits for: its log, its database, its CPU; `candor explain` shows single requests.',
    };
  },
  application_errors: ({ incident }) => {
    if (!isOf(incident, 'application')) return null;
    return {
      fit: 0.5,
      sentence: 'The application itself answers with 5xx; the gateway passes its responses on.',
      evidence: [
        `${incident.failed} of ${incident.requests} requests, on ${incident.routes.length === 1 ? 'one route' : `${incident.routes.length} routes`}`,
      ],
      nextStep: "Look at the application's log at that time.",
    };
  },
  gateway_worker: (context) => {
    const found = seen(context, 'worker_lost', () => true);
    if (found.length === 0) return null;
    return {
      fit: isOf(context.incident, 'gateway') ? 0.9 : 0.3,
      sentence: 'A worker of the gateway ended, and with it the requests that it had in flight.',
      evidence: found.slice(0, shownMax).map(({ event }) => event.reason),
      nextStep: 'Run `candor events` for its error; please report it.',
    };
  },
};

/** What may have caused the incident, the likeliest first; empty: not known. */
export function rankSuspects(context: SuspectContext): readonly IncidentSuspect[] {
  const found = Object.entries(rules).flatMap(([name, rule]) => {
    const finding = rule(context);
    return finding === null ? [] : [{ name: name as SuspectKind, ...finding }];
  });
  return found.sort((a, b) => b.fit - a.fit).slice(0, shownMax);
}

const full: ReadonlySet<CountedFailure> = new Set([
  'pool_full',
  'queue_timeout',
  'concurrency_limit',
  'concurrency_timeout',
  'deadline_unreachable',
]);
const refused: ReadonlySet<CountedFailure> = new Set(['connect_refused', 'connect_socket_missing', 'connect_reset']);
const races: ReadonlySet<CountedFailure> = new Set(['closed_before_response', 'reset_before_response', 'send_failed']);
const otherProtocol: ReadonlySet<CountedFailure> = new Set([
  'response_not_http',
  'response_not_http2',
  'tls_plaintext_peer',
  'tls_not_spoken',
]);
const invalid: ReadonlySet<CountedFailure> = new Set(
  (Object.keys(failureTable) as Cause[]).filter((cause) => familyOfCause(cause) === 'garbage'),
);
const certificates: ReadonlySet<CountedFailure> = new Set([
  'tls_certificate_expired',
  'tls_certificate_not_yet_valid',
  'tls_certificate_name',
  'tls_certificate_self_signed',
  'tls_certificate_untrusted',
  'tls_certificate_unfit',
]);

/** The exit of a process that serves the upstream, shortly before the failures or while they go on. */
function exited(context: SuspectContext, outOfMemory: boolean): Finding | null {
  const { incident, watched } = context;
  if (watched.application === null || !isOf(incident, 'gone', 'not_ready', 'slow')) return null;
  const prefix = `instance:${watched.application}/`;
  const found = seen(
    context,
    'instance_exited',
    ({ subject, from, evidence }) =>
      subject.startsWith(prefix) && from !== 'stopping' && evidence.outOfMemory === outOfMemory,
  );
  const [first] = found;
  if (first === undefined) return null;
  const { subject, reason, evidence } = first.event;
  return {
    fit: outOfMemory ? 0.98 : 0.92,
    sentence: outOfMemory
      ? `${subject.slice('instance:'.length)} was killed because it had used too much memory.`
      : `${subject.slice('instance:'.length)} ended by itself.`,
    evidence: [
      ...found
        .slice(0, shownMax)
        .map(({ event, afterMs }) => `${event.reason} (${beforeText(afterMs)} the first failure)`),
      ...evidence.output.slice(-3).map((line) => `its output: ${line}`),
    ].filter((text) => text !== reason),
    nextStep: outOfMemory
      ? 'Give the process more memory, or look for what it keeps; fewer requests at a time (`concurrency`) need less.'
      : "Look at the application's last output above.",
  };
}

type SeenOf<K extends EventKind> = { readonly event: Extract<Event, { kind: K }>; readonly afterMs: number };

/** Events of a kind around the incident: from shortly before its start. */
function seen<K extends EventKind>(
  { events }: SuspectContext,
  kind: K,
  is: (event: Extract<Event, { kind: K }>) => boolean,
  beforeMs = soonMs,
): readonly SeenOf<K>[] {
  return events.filter(
    (one): one is SeenOf<K> =>
      one.event.kind === kind && one.afterMs >= -beforeMs && is(one.event as Extract<Event, { kind: K }>),
  );
}

/** The latest event of a kind before the incident that may have caused it. */
function latestBefore<K extends EventKind>(
  context: SuspectContext,
  kind: K,
  is: (event: Extract<Event, { kind: K }>) => boolean,
  beforeMs = changeMs,
): SeenOf<K> | null {
  return seen(context, kind, is, beforeMs).findLast(({ afterMs }) => afterMs <= lateMs) ?? null;
}

function reasons<K extends EventKind>(
  context: SuspectContext,
  kind: K,
  is: (event: Extract<Event, { kind: K }>) => boolean,
): readonly string[] {
  return seen(context, kind, is, changeMs)
    .slice(-2)
    .map(({ event }) => event.reason);
}

/** `best` where the change came at most 15 s before, and less until three minutes before. */
function nearness(afterMs: number, best: number): number {
  const before = Math.max(0, -afterMs - soonMs);
  return best - (0.45 * before) / (changeMs - soonMs);
}

/** A part of a configuration is written 'routes: /api, /shop', 'listeners', 'timeouts'. */
function namesPart(part: string, key: string, name: string): boolean {
  if (part === key) return true;
  return (
    part.startsWith(`${key}: `) &&
    part
      .slice(key.length + 2)
      .split(', ')
      .includes(name)
  );
}

const forEveryRoute: ReadonlySet<string> = new Set(['timeouts', 'dns', 'buffer', 'commit_delay', 'concurrency']);

function concerns(part: string, upstream: string, routes: readonly string[]): boolean {
  if (forEveryRoute.has(part)) return true;
  return namesPart(part, 'upstreams', upstream) || routes.some((route) => namesPart(part, 'routes', route));
}

const isOf = ({ family }: LiveIncident, ...families: readonly LiveIncident['family'][]): boolean =>
  families.includes(family);

/** An entry of the overlay is called 'overlay:drain:ENDPOINT', 'overlay:weight:ENDPOINT', 'overlay:pause:route:ROUTE'. */
function isAbout(subject: string, upstream: string, routes: readonly string[]): boolean {
  const target = subject.replace(/^overlay:/, '').replace(/^\w+:(?:route:|upstream:)?/, '');
  return target === upstream || target.startsWith(`${upstream}/`) || routes.includes(target);
}

const isEndpointOf = (subject: string, upstream: string): boolean => subject.startsWith(`endpoint:${upstream}/`);

/** The share of these kinds in the failures that are no consequences. */
function shareOf({ causes }: LiveIncident, kinds: ReadonlySet<CountedFailure>): number {
  const own = causes.filter(({ isConsequence }) => !isConsequence);
  const all = own.reduce((total, { count }) => total + count, 0);
  return all === 0 ? 0 : own.reduce((total, { cause, count }) => total + (kinds.has(cause) ? count : 0), 0) / all;
}

function names({ causes }: LiveIncident, kinds: ReadonlySet<CountedFailure> | null): string {
  return causes
    .filter(({ cause }) => kinds === null || kinds.has(cause))
    .slice(0, shownMax)
    .map(({ cause, count }) => `${count} × ${cause}`)
    .join(', ');
}

/** Where at least three quarters ended within one step of the table: that duration. */
function commonDuration(durations: ArrayLike<number>): number | null {
  let all = 0;
  let most = 0;
  for (let cell = 0; cell < durations.length; cell++) {
    all += durations[cell] as number;
    if ((durations[cell] as number) > (durations[most] as number)) most = cell;
  }
  const near = (durations[most] as number) + (durations[most + 1] ?? 0) + (durations[most - 1] ?? 0);
  return all < 1 || near < 0.75 * all ? null : (durationBoundsMs[most] ?? null);
}

/** An upper bound; null without enough durations. */
function quantile(durations: ArrayLike<number>, share: number): number | null {
  let all = 0;
  for (let cell = 0; cell < durations.length; cell++) all += durations[cell] as number;
  if (all < 20) return null;
  let below = 0;
  for (let cell = 0; cell < durations.length; cell++) {
    below += durations[cell] as number;
    if (below >= share * all) return durationBoundsMs[cell] ?? null;
  }
  return null;
}

const sum = (endpoints: readonly CountedEndpoint[]): number =>
  endpoints.reduce((all, { attempts }) => all + attempts, 0);
const percent = (share: number): string => `${Math.round(share * 100)} %`;
const times = (factor: number): string => `${factor >= 10 ? Math.round(factor) : Math.round(factor * 10) / 10} times`;
const rate = (perS: number): string => `${perS >= 10 ? Math.round(perS) : Math.round(perS * 10) / 10} requests/s`;
const duration = (ms: number): string => (ms >= 1000 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms)} ms`);
const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

function listOf(texts: readonly string[]): string {
  if (texts.length === 0) return 'nothing';
  const rest = texts.length > shownMax ? ` and ${texts.length - shownMax} more` : '';
  return `${texts.slice(0, shownMax).join(', ')}${rest}`;
}

/** '7 s before', or 'as', of "the first failure". */
function beforeText(afterMs: number): string {
  const seconds = Math.round(Math.abs(afterMs) / 1000);
  if (seconds === 0) return 'at the time of';
  return `${seconds} s ${afterMs < 0 ? 'before' : 'after'}`;
}
