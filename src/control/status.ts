import { readFileSync } from 'node:fs';
import type { ListenerCertificate, ListenerSpec } from '../core/listener-spec.ts';
import type { RouteSpec } from '../core/route-spec.ts';
import { addressText, type EndpointId, hostPort, type UpstreamId } from '../core/endpoint.ts';
import type { ServerCertificate } from '../core/transport.ts';
import type { ManagedState } from '../core/managed-tls.ts';
import type { SemaphoreHandle } from '../core/semaphores.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import type { Instant } from '../core/time.ts';
import type { FeatureSections } from './gateway-status.ts';
import type { OpenListener } from '../core/worker-messages.ts';
import type { HealthCheckReport } from '../core/health-check-report.ts';
import type { TrafficHistory } from '../record/traffic-history.ts';
import { isUsable, routeMaintenance, type VerdictParts, verdictOfGateway, verdictOfUpstream } from './verdicts.ts';
import type { LastMinute } from '../record/last-minute.ts';
import type { WaitingRequests } from '../core/waiting-requests.ts';
import type { EndpointCounts } from '../limits/shared-counts.ts';
import { isUnusual, waitingStatus } from './waiting-status.ts';
import type { WorkerHandle } from './worker-handle.ts';
import type {
  ApplicationStatus,
  CertificateStatus,
  EndpointStatus,
  GatewayStatus,
  EndpointFigures,
  RouteStatus,
} from '../core/schemas/status.ts';

/** The package's version: `package.json` stands two folders up, in the repository and in the package alike. */
export const version: string = readVersion();

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const parsed: unknown = JSON.parse(text);
  const found = typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : null;
  return typeof found === 'string' ? found : '0.0.0';
}

/** The parts of a status. */
interface StatusFacts {
  readonly deployment: string;
  readonly member: string;
  readonly epoch: string;
  readonly generation: number | null;
  readonly startedWall: number;
  readonly uptimeMs: number;
  readonly wallTime: number;
  readonly now: Instant;
  readonly revision: number;
  readonly contentHash: string;
  readonly source: string | null;
  readonly edited: boolean;
  readonly state: GatewayStatus['state'];
  readonly drain: GatewayStatus['drain'];
  readonly overlay: GatewayStatus['overlay'];
  readonly problems: GatewayStatus['problems'];
  /** Why clients are refused now; null: none is. */
  readonly refusal: string | null;
  readonly incidents: GatewayStatus['incidents'];
  readonly configured: readonly ListenerSpec[];
  readonly open: readonly OpenListener[];
  readonly managed: readonly ManagedState[];
  readonly upstreams: readonly UpstreamSnapshot[];
  readonly applications: readonly ApplicationStatus[];
  readonly workers: readonly WorkerHandle[];
  readonly lastMinute: Pick<LastMinute, 'all' | 'of' | 'ofRoute' | 'countsOfRoute'>;
  readonly figuresOf: (endpoint: EndpointId) => EndpointFigures;
  readonly lastCheckOf: (upstream: UpstreamId, endpoint: EndpointId) => HealthCheckReport | null;
  readonly history: Pick<TrafficHistory, 'recent' | 'silentS'>;
  /** What an endpoint has shown; null: nothing. */
  readonly certificateOf: (endpoint: EndpointId) => ServerCertificate | null;
  /** Connections and waiting requests at an endpoint, in all workers. */
  readonly countsAt: (semaphores: SemaphoreHandle) => EndpointCounts;
  readonly store: GatewayStatus['store'];
  readonly logFiles: GatewayStatus['logFiles'];
  readonly alerts: GatewayStatus['alerts'];
  readonly otlp: GatewayStatus['otlp'];
  readonly timeouts: GatewayStatus['timeouts'];
  /** The sections of features, by key. */
  readonly features: object;
  readonly refusedRoutes: VerdictParts['refusedRoutes'];
  /** That features have closed for maintenance. */
  readonly closedRoutes: ReadonlySet<string>;
  readonly routes: readonly Pick<RouteSpec, 'id' | 'action'>[];
  /** Requests that wait, as the workers have last reported. */
  readonly waiting: readonly WaitingRequests[];
  /** Client connections of the worker with this index. */
  readonly clientConnectionsAt: (workerIndex: number) => number;
}

export function statusOf(facts: StatusFacts): GatewayStatus {
  const { deployment, member, epoch, generation, revision, contentHash, source, state, drain } = facts;
  const { problems, applications, workers, incidents } = facts;
  const isRefusing = ({ semaphores }: EndpointSnapshot): boolean =>
    semaphores !== undefined && facts.countsAt(semaphores).isRefusing;
  const judged = {
    ...facts,
    isRefusing,
    maintenance: routeMaintenance(facts.routes, facts.overlay, facts.closedRoutes),
  };
  const upstreams = facts.upstreams.map((upstream) => upstreamStatus(upstream, judged));
  return {
    deployment,
    member,
    version,
    pid: process.pid,
    epoch,
    generation,
    startedAt: new Date(facts.startedWall).toISOString(),
    uptimeS: Math.round(facts.uptimeMs / 1000),
    revision,
    contentHash,
    source,
    edited: facts.edited,
    state,
    verdict: verdictOfGateway({ state, problems, refusal: facts.refusal, incidents, upstreams }, judged),
    drain,
    problems,
    incidents,
    overlay: facts.overlay,
    lastMinute: facts.lastMinute.all,
    listeners: facts.configured.map((spec) => listenerStatus(spec, facts)),
    certificates: facts.managed.map((state) => managedStatus(state, facts.wallTime)),
    upstreams,
    routes: routeStatus(facts.routes, facts.lastMinute),
    store: facts.store,
    logFiles: facts.logFiles,
    alerts: facts.alerts,
    otlp: facts.otlp,
    ...(facts.features as FeatureSections),
    timeouts: facts.timeouts,
    applications,
    workers: workers.map((worker) => workerStatus(worker, facts)),
  };
}

function upstreamStatus(
  upstream: UpstreamSnapshot,
  facts: StatusFacts & VerdictParts,
): GatewayStatus['upstreams'][number] {
  const { id, application, endpoints } = upstream;
  const lastMinute = facts.lastMinute.of(id);
  return {
    id,
    application,
    verdict: verdictOfUpstream(upstream, facts),
    lastMinute,
    waiting: waitingStatus(`upstream ${id}`, facts.waiting, facts.now).filter(
      (one) => one.for !== 'turn' && isUnusual(one, lastMinute.p99Ms),
    ),
    endpoints: endpoints.map((endpoint) => endpointStatus(endpoint, facts, upstream)),
  };
}

/** A page of them is read; a configuration may have thousands. */
const routesMax = 200;

/** Those that fail most, then those with the most requests. Requests that match none stand first, where there are any. */
export function routeStatus(
  configured: readonly Pick<RouteSpec, 'id' | 'action'>[],
  lastMinute: Pick<LastMinute, 'ofRoute' | 'countsOfRoute'>,
): readonly RouteStatus[] {
  const unmatched = lastMinute.countsOfRoute('').requests > 0 ? [{ id: '', action: null }] : [];
  const all = [...unmatched, ...configured];
  const shown = all.length <= routesMax ? all : busiest(all, lastMinute);
  return shown.map(({ id, action }) => ({
    id,
    upstream: action?.kind === 'upstream' ? action.upstream : null,
    lastMinute: lastMinute.ofRoute(id),
  }));
}

function busiest<R extends { readonly id: string }>(
  all: readonly R[],
  lastMinute: Pick<LastMinute, 'countsOfRoute'>,
): readonly R[] {
  const counted = all.map((route, index) => ({ route, index, ...lastMinute.countsOfRoute(route.id) }));
  counted.sort((a, b) => b.errors - a.errors || b.requests - a.requests || a.index - b.index);
  const kept = counted.slice(0, routesMax).sort((a, b) => a.index - b.index);
  return kept.map(({ route }) => route);
}

function listenerStatus(spec: ListenerSpec, facts: StatusFacts): GatewayStatus['listeners'][number] {
  const listener = facts.open.find(({ id }) => id === spec.id);
  const hosts = new Set(spec.tls?.automatic?.hosts);
  const obtained = facts.managed.flatMap(({ names, notAfter }) =>
    notAfter !== null && names.some((name) => hosts.has(name)) ? [{ names, notAfter }] : [],
  );
  const certificates = [
    ...(spec.tls?.certificates ?? []).map(fileCertificateStatus),
    ...obtained.map(certificateStatus),
  ];
  if (listener === undefined)
    return { id: spec.id, address: hostPort(spec.host, spec.port), state: 'waiting', certificates };
  return {
    certificates,
    id: spec.id,
    address: hostPort(listener.host, listener.port),
    state: isListening(facts) ? 'open' : 'closed',
  };
}

function certificateStatus({ names, notAfter }: ServerCertificate): CertificateStatus {
  return { names, notAfter: timeText(notAfter), notBefore: null, issuer: null };
}

/** For a certificate of the configuration. */
export function fileCertificateStatus({ names, notAfter, facts }: ListenerCertificate): CertificateStatus {
  if (facts === undefined) return certificateStatus({ names, notAfter });
  const { notBefore, issuer } = facts;
  return {
    names,
    notAfter: timeText(notAfter),
    notBefore: timeText(notBefore),
    issuer: issuer ?? 'self-signed',
  };
}

function managedStatus(
  { names, notAfter, renewAt, failure, progress }: ManagedState,
  wallTime: number,
): GatewayStatus['certificates'][number] {
  return {
    name: names.join(', '),
    state: notAfter === null ? 'pending' : notAfter <= wallTime ? 'expired' : 'valid',
    notAfter: notAfter === null ? null : timeText(notAfter),
    renewAt: renewAt === null ? null : timeText(renewAt),
    failure:
      failure === null
        ? null
        : {
            reason: failure.reason,
            nextStep: failure.fix,
            at: timeText(failure.at),
            retryAt: timeText(failure.retryAt),
          },
    progress: progress === null ? null : { ...progress, since: timeText(progress.since) },
  };
}

function timeText(wallTime: number): string {
  return new Date(wallTime).toISOString();
}

/** True also in the lame-duck time. */
function isListening({ drain, workers }: Pick<StatusFacts, 'drain' | 'workers'>): boolean {
  if (drain !== null && drain.phase !== 'lame_duck') return false;
  return workers.some(({ state }) => state === 'serving');
}

function checkStatus({ lines: _lines, at, ...check }: HealthCheckReport): NonNullable<EndpointStatus['lastCheck']> {
  return { ...check, at: new Date(at).toISOString() };
}

function endpointStatus(
  endpoint: EndpointSnapshot,
  { now, countsAt, certificateOf, figuresOf, lastCheckOf }: StatusFacts,
  { id: upstream, connectionsMax, protocol }: UpstreamSnapshot,
): EndpointStatus {
  const { id, address, state, reason, weight = 1, sinceInstant, semaphores } = endpoint;
  const none = { connections: 0, idle: 0, waiting: 0, requests: 0, longLived: 0, isRefusing: false };
  const counts = semaphores === undefined ? none : countsAt(semaphores);
  const { connections, idle, waiting, requests, longLived, isRefusing } = counts;
  const check = lastCheckOf(upstream, id);
  const certificate = certificateOf(id);
  return {
    id,
    address: addressText(address),
    state,
    reason: withStandby(isRefusing && isUsable(endpoint) ? refusesText(endpoint) : reason, endpoint),
    sinceS: Math.max(0, Math.round((now - sinceInstant) / 1000)),
    weight,
    connections,
    connectionsMax,
    idle,
    longLived,
    inFlight: inFlightOf({ connections, idle, requests }, protocol === 'http2'),
    lastMinute: figuresOf(id),
    lastCheck: check === null ? null : checkStatus(check),
    waiting,
    certificate: certificate === null ? null : certificateStatus(certificate),
  };
}

/** An endpoint whose checks pass and that gets no requests is not to look as the others do. */
export function withStandby(
  reason: string,
  { weight, priority = 0 }: Pick<EndpointSnapshot, 'weight' | 'priority'>,
): string {
  if (weight !== 0 && priority === 0) return reason;
  const standby =
    weight === 0
      ? 'weight 0: it gets requests only while no other endpoint may'
      : `priority ${priority}: it gets requests only while no endpoint of a lower one may`;
  return reason === '' ? standby : `${reason}; ${standby}`;
}

/** No check has confirmed it yet, or none will. */
function refusesText({ state, reason }: EndpointSnapshot): string {
  return state === 'unchecked' ? `it refuses connections, and ${reason}` : 'it refuses connections of requests';
}

/** Requests are counted by themselves only where they are bounded. Over HTTP/1 each has a connection; over HTTP/2 many share one: null. */
function inFlightOf(
  { connections, idle, requests }: Pick<EndpointCounts, 'connections' | 'idle' | 'requests'>,
  isHttp2: boolean,
): number | null {
  if (requests > 0) return requests;
  return isHttp2 && connections > idle ? null : Math.max(0, connections - idle);
}

/** Current counts from shared memory, which are right even if the worker is too busy to report. */
function workerStatus(
  worker: WorkerHandle,
  { clientConnectionsAt }: Pick<StatusFacts, 'clientConnectionsAt'>,
): GatewayStatus['workers'][number] {
  const { id, state, revision, workerIndex } = worker;
  const exchangesActive = state === 'lost' ? 0 : worker.exchangesActive;
  const clientConnections = state === 'lost' ? 0 : clientConnectionsAt(workerIndex);
  return { id, state, revision, exchangesActive, clientConnections };
}
