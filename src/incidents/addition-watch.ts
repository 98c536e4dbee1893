import type { FailureFamily, IncidentSuspect } from '../core/live-incident.ts';
import { wasStopped } from '../core/recorded-exit.ts';
import { familyOfCause } from './failure-family.ts';
import { exitKindOf } from './stopped-processes.ts';
import { type ExitKind, type FoundAddition, endedS, failedMin, failedShareMin, settleS } from './incident-additions.ts';
import { OpenIncident } from './open-incident.ts';
import type { UpstreamFailures } from './upstream-failures.ts';
import { applicationsOf, type WatchedUpstream } from './watched-upstream.ts';
import type { Event, EventKind } from '../core/event.ts';

/** `ms`: when it came. Its own time is a wall clock's, which may jump. */
interface SeenEvent {
  readonly event: Event;
  readonly ms: number;
}

/** Those that explain failures. Others are not kept, so that many of them push none of these out. */
const kinds: ReadonlySet<EventKind> = new Set([
  'configuration_applied',
  'connections_refused',
  'dependency_state',
  'descriptors_exhausted',
  'endpoint_state',
  'health_disagreement',
  'instance_exited',
  'instance_not_started',
  'limit_refusals',
  'name_addresses',
  'name_state',
  'overlay_changed',
  'worker_lost',
  'worker_silent',
]);

/** Of each kind: an application that ends each second has 300 exits in five minutes. */
const ofKindMax = 600;

/** Longer than a change before an incident is suspected (180 s), since its first failures may be found minutes later. */
const keptMs = 900_000;

/** The events that may explain an incident, in the order in which they came. */
export class KeptEvents {
  #events: SeenEvent[] = [];
  readonly #counts = new Map<EventKind, number>();

  get all(): readonly SeenEvent[] {
    return this.#events;
  }

  add(event: Event, ms: number): void {
    const { kind } = event;
    if (!kinds.has(kind)) return;
    this.#events.push({ event, ms });
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count > ofKindMax) this.#dropOlder(kind);
  }

  /** Of the application that has ended most often, so that its exits push out none of another. */
  #dropOlder(kind: EventKind): void {
    const counts = new Map<string, number>();
    for (const { event } of this.#events)
      if (event.kind === kind) counts.set(sourceOf(event), (counts.get(sourceOf(event)) ?? 0) + 1);
    const [most = ['', 0]] = [...counts].sort(([, a], [, b]) => b - a);
    let left = Math.ceil(most[1] / 2);
    this.#keep(({ event }) => event.kind !== kind || sourceOf(event) !== most[0] || left-- <= 0);
  }

  /** Those that are older than any incident that may still begin. */
  forget(ms: number): void {
    const oldest = ms - keptMs;
    if ((this.#events[0]?.ms ?? oldest) < oldest) this.#keep((seen) => seen.ms >= oldest);
  }

  #keep(is: (seen: SeenEvent) => boolean): void {
    this.#events = this.#events.filter(is);
    this.#counts.clear();
    for (const { event } of this.#events) this.#counts.set(event.kind, (this.#counts.get(event.kind) ?? 0) + 1);
  }
}

/** Of exits, and of programs that could not be started, the application: 'instance:web' of 'instance:web/1'. Events of other kinds have one source. */
const sourceOf = ({ kind, subject }: Event): string =>
  kind === 'instance_exited' || kind === 'instance_not_started' ? subject.slice(0, subject.lastIndexOf('/')) : '';

/** What is known of an incident in a second that is over. */
interface AdditionContext {
  /** The seconds that were not judged before: from this one. */
  readonly from: number;
  readonly second: number;
  readonly wallMs: number;
  /** Of its upstreams. */
  readonly failures: readonly UpstreamFailures[];
  readonly watched: WatchedUpstream;
  readonly events: readonly SeenEvent[];
  readonly rank: (counted: OpenIncident) => readonly IncidentSuspect[];
  /** Ways to fail that other incidents of these upstreams tell of. */
  readonly elsewhere: ReadonlySet<FailureFamily>;
}

/** What began to fail while an incident goes on, and its failures since then. */
interface OpenAddition {
  readonly addition: FoundAddition;
  readonly counted: OpenIncident;
}

/** So long after the last failure, its suspects are still looked at. */
const lateS = 5;

/** An instance that ended so long before an incident began to end again and again before it. */
const exitsBeforeS = 60;

/** Exits, and failures that go with them. */
const exitWindowS = 10;

const noIncidents: readonly OpenIncident[] = [];

/** Follows what begins to fail while incidents go on. */
export class AdditionWatch {
  readonly #additions = new WeakMap<OpenIncident, OpenAddition[]>();

  /** What is counted of the additions of an incident. */
  countedOf(open: OpenIncident): readonly OpenIncident[] {
    return this.#additions.get(open)?.map(({ counted }) => counted) ?? noIncidents;
  }

  /** Whether something has begun to fail besides. */
  follow(open: OpenIncident, context: AdditionContext): boolean {
    const { second, rank } = context;
    const checked = familyOfChecks(context.watched);
    for (const failures of context.failures) seeParts(open, failures, checked, context);
    const found = open.additions.judge(second, open.startSecond, newExits(open, context));
    const additions = this.#additions.get(open) ?? [];
    if (found !== null) {
      const counted = begun(open, found, context);
      if (counted.startMs < (found.sinceSecond + 1) * 1000) found.sinceMs = counted.startMs;
      additions.push({ addition: found, counted });
      this.#additions.set(open, additions);
    }
    const known = new Set(open.suspects.map(({ sentence }) => sentence));
    for (const { addition, counted } of additions) {
      addition.lastSecond = lastSecondOf(addition, counted, context.failures);
      const quietFor = second - addition.lastSecond;
      addition.hasEnded = quietFor > endedS;
      if (quietFor > lateS) continue;
      const suspects = rank(counted);
      // With the same first suspect, what began later follows from it too.
      const isSame = suspects[0]?.sentence === open.suspects[0]?.sentence;
      addition.suspects = isSame ? [] : suspects.filter(({ sentence }) => !known.has(sentence));
      if (addition.families.size === 0) continue;
      addition.causes = causesOf(counted, addition, context.watched);
      if (counted.root !== 'not_ready') addition.counts = counted.counts;
    }
    return found !== null;
  }
}

/** When it failed last. Requests do not tell which endpoints have failed; their attempts do. */
function lastSecondOf(
  { endpoints, routes, families, lastSecond }: FoundAddition,
  counted: OpenIncident,
  all: readonly UpstreamFailures[],
): number {
  if (endpoints.size === 0 || routes.size + families.size > 0) return counted.lastSecond;
  const failed = all.flatMap(({ endpointDeltas }) =>
    endpointDeltas.filter((one) => one.failed > 0 && endpoints.has(one.endpoint)),
  );
  return Math.max(lastSecond, ...failed.map(({ second }) => second));
}

/** What counts the failures of an addition, from its beginning. */
function begun(open: OpenIncident, found: FoundAddition, { second, wallMs, failures }: AdditionContext): OpenIncident {
  const { sinceSecond, families } = found;
  const [first] = families;
  const isSent = first !== undefined && open.families.has(first);
  // Where checks have met it, no request is sent.
  const root = first === undefined ? open.root : isSent ? first : 'not_ready';
  const counted = new OpenIncident(open.upstreams[0] as string, root, sinceSecond, wallMs, open.rateBefore);
  // A way to fail that is new in the incident is new after the earlier ones too.
  if (first === undefined || isSent) counted.failedSinceMs = open.failedSinceMs;
  for (const family of first === undefined ? open.families : families) counted.families.add(family);
  if (found.routes.size + found.endpoints.size > 0) counted.only = found;
  for (const one of failures) counted.addFrom(one, sinceSecond, second);
  return counted;
}

/** How each route and each endpoint does, and in which ways requests fail. */
function seeParts(
  open: OpenIncident,
  failures: UpstreamFailures,
  checked: FailureFamily | null,
  { from, second: to, elsewhere }: AdditionContext,
): void {
  const { additions } = open;
  for (let second = from; second <= to; second++) {
    const byRoute = new Map<string, number>();
    const byFamily = new Map<FailureFamily, { failed: number; attemptsFailed: number }>();
    for (const { second: at, family: own, route, failed, attemptsFailed } of failures.failures) {
      if (at !== second || !open.families.has(own)) continue;
      if (failed > 0) byRoute.set(route, (byRoute.get(route) ?? 0) + failed);
      const family = own === 'not_ready' && checked !== null ? checked : own;
      const count = byFamily.get(family) ?? { failed: 0, attemptsFailed: 0 };
      byFamily.set(family, { failed: count.failed + failed, attemptsFailed: count.attemptsFailed + attemptsFailed });
    }
    for (const family of reportedFamilies) {
      if (family === open.root || open.isEffect(family)) continue;
      const { failed, attemptsFailed } = byFamily.get(family) ?? { failed: 0, attemptsFailed: 0 };
      const own = elsewhere.has(family) ? 0 : Math.max(failed, attemptsFailed);
      additions.see('family', family, second, failures.requests.at(second), own);
    }
    for (const [route, all] of failures.routeRequests(second))
      additions.see('route', route, second, all, byRoute.get(route) ?? 0);
  }
  for (const { second, endpoint, attempts, failed } of failures.endpointDeltas)
    if (second >= from && second <= to) additions.see('endpoint', endpoint, second, attempts, failed);
}

/** That no endpoint is ready follows from another one. */
const reportedFamilies: readonly FailureFamily[] = [
  'gone',
  'network',
  'dns',
  'tls',
  'slow',
  'garbage',
  'full',
  'gateway',
  'application',
];

/** In which way the checks of most endpoints fail that get no requests; null: not known. */
export function familyOfChecks({ endpoints }: WatchedUpstream): FailureFamily | null {
  const out = endpoints.filter(({ state }) => state === 'unhealthy' || state === 'starting');
  const counts = new Map<FailureFamily, number>();
  for (const { checkCause } of out) {
    const family = checkCause === null ? null : familyOfCause(checkCause);
    if (family !== null) counts.set(family, (counts.get(family) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return most !== undefined && most[1] * 2 > out.length ? most[0] : null;
}

/** Exits of a kind that the incident did not begin with, while requests fail since no instance answers. */
function newExits(
  open: OpenIncident,
  { second, failures, watched, events }: AdditionContext,
): ReadonlyMap<ExitKind, number> {
  const first = new Map<ExitKind, number>();
  const prefixes = applicationsOf(watched).map((application) => `instance:${application}/`);
  for (const { event, ms } of prefixes.length === 0 ? [] : events) {
    if (event.kind !== 'instance_exited' || wasStopped(event)) continue;
    if (ms < (open.startSecond - exitsBeforeS) * 1000 || !prefixes.some((one) => event.subject.startsWith(one)))
      continue;
    const kind = exitKindOf(event);
    if (!first.has(kind)) first.set(kind, Math.floor(ms / 1000));
  }
  const isNew = (since: number): boolean => since >= open.startSecond + settleS && since > second - exitWindowS;
  const found = [...first].filter(([kind, since]) => isNew(since) && !open.additions.has(kind));
  return found.length > 0 && areGone(open, failures, second) ? new Map(found) : new Map();
}

function areGone(open: OpenIncident, all: readonly UpstreamFailures[], second: number): boolean {
  const families = (['gone', 'not_ready'] as const).filter((family) => open.families.has(family));
  const failed = all.reduce(
    (sum, one) =>
      sum +
      families.reduce((total, family) => total + (one.families.get(family)?.failed.sum(second, exitWindowS) ?? 0), 0),
    0,
  );
  const requests = all.reduce((sum, one) => sum + one.requests.sum(second, exitWindowS), 0);
  return failed >= failedMin && failed >= failedShareMin * requests;
}

/** By which requests fail in a way that is new, or checks that keep them from being sent. */
function causesOf(
  counted: OpenIncident,
  { families }: FoundAddition,
  { endpoints }: WatchedUpstream,
): FoundAddition['causes'] {
  const own = [...families].flatMap((family) => counted.kinds.commonest(family) ?? []);
  if (own.length > 0) return own;
  const met = endpoints.flatMap(({ checkCause }) =>
    checkCause !== null && families.has(familyOfCause(checkCause) ?? 'not_ready') ? [checkCause] : [],
  );
  return met.slice(0, 1);
}
