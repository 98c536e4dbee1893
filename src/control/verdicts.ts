import type { Instant } from '../core/time.ts';
import type { WaitingRequests } from '../core/waiting-requests.ts';
import { type RouteAction, type RouteSpec, upstreamsOf } from '../core/route-spec.ts';
import type { MainFeature } from '../features/main-feature.ts';
import { mainFeatures } from '../features/main.ts';
import { addressText, type EndpointState, type UpstreamId } from '../core/endpoint.ts';
import { type ApplicationProblemKind, type ProblemKind, problemKinds } from '../core/problem-kinds.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import {
  type GatewayFacts,
  judgeGateway,
  judgeUpstream,
  recentSeconds,
  type RouteMaintenance,
} from '../policy/verdict.ts';
import { triedAllTheSame } from '../policy/eligible-endpoints.ts';
import type { LastMinute } from '../record/last-minute.ts';
import type { TrafficHistory } from '../record/traffic-history.ts';
import { awaitedStatus, waitingStatus } from './waiting-status.ts';
import type { ServiceVerdict, GatewayStatus, OverlayStatus, StatusProblem } from '../core/schemas/status.ts';

export interface VerdictParts {
  readonly history: Pick<TrafficHistory, 'recent' | 'silentS'>;
  /** As workers have reported it last. */
  readonly waiting: readonly WaitingRequests[];
  readonly now: Instant;
  readonly lastMinute: Pick<LastMinute, 'all' | 'of'>;
  /** To how many routes of an upstream the gateway answers requests itself, because they fail. */
  readonly refusedRoutes: (upstream: string) => number;
  readonly maintenance: MaintenanceByUpstream;
  /** Whether an endpoint refuses connections now. */
  readonly isRefusing: (endpoint: EndpointSnapshot) => boolean;
  /** Of the status. */
  readonly problems: readonly Pick<StatusProblem, 'kind' | 'application'>[];
}

/** Of the whole gateway, and of each upstream that has routes. */
interface MaintenanceByUpstream {
  readonly all: RouteMaintenance;
  readonly of: ReadonlyMap<string, RouteMaintenance>;
}

/** Which routes are closed for maintenance, by the configuration, the overlay or at this time, or paused. */
export function routeMaintenance(
  routes: readonly Pick<RouteSpec, 'id' | 'action'>[],
  overlay: Pick<OverlayStatus, 'entries'>,
  closedNow: ReadonlySet<string> = new Set(),
): MaintenanceByUpstream {
  const targets = new Set(overlay.entries.filter(({ kind }) => kind === 'maintenance').map(({ target }) => target));
  const pauses = new Set(overlay.entries.filter(({ kind }) => kind === 'pause').map(({ id }) => id));
  const served = routes.filter(({ action }) => servesOf(action) !== 'checks');
  const isClosed = ({ id, action }: (typeof served)[number]): boolean =>
    servesOf(action) === 'nobody' || targets.has(null) || targets.has(id) || closedNow.has(id);
  type Served = (typeof served)[number];
  const isPaused = ({ id, action }: Served, upstream: UpstreamId | null): boolean => {
    const upstreams = upstream === null ? upstreamsOf(action) : [upstream];
    const areAll = upstreams.length > 0 && upstreams.every((one) => pauses.has(`pause:upstream:${one}`));
    return pauses.has(`pause:route:${id}`) || areAll;
  };
  const partOf = (some: readonly Served[], upstream: UpstreamId | null): RouteMaintenance => {
    const paused = some.filter((route) => !isClosed(route) && isPaused(route, upstream)).map(({ id }) => id);
    const closed = some.filter((route) => isClosed(route) || isPaused(route, upstream)).map(({ id }) => id);
    return { closed, paused, open: some.length - closed.length };
  };
  const byUpstream = Map.groupBy(
    served.flatMap((route) => upstreamsOf(route.action).map((upstream) => ({ upstream, route }))),
    ({ upstream }) => upstream,
  );
  const ofUpstream = [...byUpstream].map(([id, some]) => {
    const routesTo = some.map(({ route }) => route);
    return [id, partOf(routesTo, id)] as const;
  });
  return { all: partOf(served, null), of: new Map(ofUpstream) };
}

function servesOf(action: RouteAction): MainFeature['serves'] {
  return action.kind === 'feature' ? mainFeatures.find(({ name }) => name === action.feature)?.serves : undefined;
}

const noneClosed: RouteMaintenance = { closed: [], paused: [], open: 0 };

type EndpointClass = 'usable' | 'onProbation' | 'unknown' | 'draining' | 'troubled';

const classes: Readonly<Record<EndpointState, EndpointClass>> = {
  starting: 'unknown',
  unknown: 'unknown',
  unchecked: 'usable',
  healthy: 'usable',
  unhealthy: 'troubled',
  ejected: 'troubled',
  probation: 'onProbation',
  circuit_open: 'troubled',
  half_open: 'onProbation',
  draining: 'draining',
  gone: 'draining',
};

/** Whether it gets requests, by its state. */
export function isUsable({ state }: EndpointSnapshot): boolean {
  return classes[state] === 'usable';
}

export function verdictOfUpstream(
  {
    id,
    application,
    endpoints,
    triesUnhealthy,
  }: Pick<UpstreamSnapshot, 'id' | 'application' | 'endpoints' | 'triesUnhealthy'>,
  parts: VerdictParts,
): ServiceVerdict {
  const { history, lastMinute, refusedRoutes, maintenance, problems, waiting, now, isRefusing } = parts;
  const tried = triedAllTheSame(endpoints, triesUnhealthy === true);
  const isTakenOut = (one: EndpointSnapshot): boolean =>
    one.state === 'ejected' && one.takenOutBy !== undefined && !tried.includes(one);
  const classOf = (one: EndpointSnapshot): EndpointClass =>
    isTakenOut(one) ? 'draining' : isUsable(one) && isRefusing(one) ? 'troubled' : classes[one.state];
  const count = (wanted: EndpointClass): number => endpoints.filter((one) => classOf(one) === wanted).length;
  const at = `upstream ${id}`;
  const minute = lastMinute.of(id);
  const waits = waitingStatus(at, waiting, now);
  return judgeUpstream({
    recent: history.recent(`upstream:${id}`, recentSeconds),
    lastMinute: minute,
    silentS: history.silentS(`upstream:${id}`),
    endpoints: endpoints.length,
    usable: count('usable'),
    stopped: endpoints.filter((one) => classOf(one) !== 'draining' && one.stoppedPids !== undefined).length,
    trouble: troubleOf(endpoints.filter((one) => classOf(one) === 'troubled')),
    waiting: waits.find((one) => one.for === 'endpoint') ?? null,
    queued: waits.find((one) => one.for === 'connection') ?? null,
    awaited: awaitedStatus(at, waiting, now),
    usualMs: minute.p99Ms,
    onProbation: count('onProbation'),
    tried: tried.length,
    unknown: count('unknown'),
    draining: count('draining'),
    breakersOpen: refusedRoutes(id),
    applicationProblem: problemOf(application, problems),
    isApplicationStopped: application !== null && endpoints.length === 0,
    maintenance: maintenance.of.get(id) ?? noneClosed,
  });
}

/** Enough for a failure and its address. */
const troubleCharactersMax = 160;

/** What keeps requests from these endpoints, of the first of them. */
function troubleOf([first, ...others]: readonly EndpointSnapshot[]): string | null {
  if (first === undefined) return null;
  const reason = isUsable(first) ? `${addressText(first.address)} refuses connections` : first.reason;
  if (reason === '' || reason.length > troubleCharactersMax) return null;
  const clause = reason.replace(/\.$/, '');
  return others.some((one) => one.checkCause !== first.checkCause)
    ? `${addressText(first.address)}: ${clause}`
    : clause;
}

type JudgedProblem = VerdictParts['problems'][number];

function problemOf(
  application: string | null | undefined,
  problems: readonly JudgedProblem[],
): ApplicationProblemKind | null {
  const kinds = problems.filter((problem) => problem.application === application).map(({ kind }) => kind);
  return kinds.find(isOfUpstream) ?? null;
}

function isOfUpstream(kind: ProblemKind): kind is ApplicationProblemKind {
  return problemKinds[kind].verdict === 'upstream';
}

/** Those that say this of the verdict. */
function problemsFor(
  problems: readonly JudgedProblem[],
  verdict: (typeof problemKinds)[ProblemKind]['verdict'],
): readonly JudgedProblem[] {
  return problems.filter(({ kind }) => problemKinds[kind].verdict === verdict);
}

export function verdictOfGateway(
  status: Pick<GatewayStatus, 'state' | 'problems' | 'incidents' | 'upstreams'> & Pick<GatewayFacts, 'refusal'>,
  { history, lastMinute, maintenance, waiting }: VerdictParts,
): ServiceVerdict {
  const facts: GatewayFacts = {
    state: status.state,
    recent: history.recent('all', recentSeconds),
    lastMinute: lastMinute.all,
    silentS: history.silentS('all'),
    refusal: status.refusal,
    problems: status.problems.flatMap(({ kind }) => {
      const rule = problemKinds[kind];
      return rule.verdict === 'gateway' ? [rule.clause] : [];
    }),
    unreadyReleases: problemsFor(status.problems, 'release').flatMap(({ application }) => application ?? []),
    incidents: status.incidents.length,
    upstreams: status.upstreams.map(({ id, verdict, endpoints }) => {
      const isAsked = history.recent(`upstream:${id}`, recentSeconds).requests > 0;
      const isUsed = isAsked || waiting.some(({ at }) => at === `upstream ${id}`);
      return { id, verdict, isUsed, isPast: !isUsed && endpoints.some(({ state }) => classes[state] === 'usable') };
    }),
    maintenance: maintenance.all,
  };
  return judgeGateway(facts);
}
