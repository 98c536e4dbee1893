import type { StatusResponse } from '../admin/admin-status.ts';
import type { EndpointState } from '../core/endpoint.ts';
import { nextAttemptText, progressText } from '../core/managed-tls.ts';
import { exposureText } from '../deploy/exposure.ts';
import type {
  ApplicationStatus,
  EndpointStatus,
  GatewayStatus,
  InstanceStatus,
  MinuteFigures,
  UpstreamStatus,
  WaitingStatus,
} from '../control/gateway-status.ts';
import { alertTargetLines } from './alert-lines.ts';
import { drainText } from './drain-watch.ts';
import { incidentLines } from './incident-lines.ts';
import {
  elapsedText,
  alignColumns,
  columnsMax,
  countText,
  durationText,
  harmless,
  shorten,
  wrap,
  wrapAfter,
} from './layout.ts';
import { adminLines, certificatesText, listenerLines } from './listener-lines.ts';
import { objectiveLines } from './objective-lines.ts';
import { logFileLines, usageLines } from './process-lines.ts';
import { statusMark, type StatusTone } from './status-mark.ts';
import type { Style } from './style.ts';
import { timeoutLines } from './timeout-lines.ts';
import { verdictLines } from './verdict-lines.ts';

/** A gateway of an earlier version does not say where its admin API answers. */
export type ShownStatus = GatewayStatus & Partial<Pick<StatusResponse, 'admin'>>;

/** A gateway's status for people, within 80 columns: what serves, what does not, and why. */
export function renderStatus(status: ShownStatus, style: Style): string {
  const { upstreams, applications } = status;
  // An application is listed with the upstream that uses it, or by itself if no upstream does.
  const byApplication = new Map<string, string>();
  for (const { id, application } of upstreams)
    if (application !== null && !byApplication.has(application)) byApplication.set(application, id);
  const applicationOf = ({ id, application }: UpstreamStatus): ApplicationStatus | null =>
    applications.find((one) => one.id === application && byApplication.get(one.id) === id) ?? null;
  const lines = [
    ...headLines(status, style),
    ...section('PROBLEMS', problemLines(status, style), style),
    ...section('INCIDENTS', incidentSection(status, style), style),
    ...section('OVERLAY', overlayLines(status, style), style),
    ...section('LISTENERS', listenerLines(status, wallTimeOf(status), style), style),
    ...section('ADMIN', adminLines(status.admin, wallTimeOf(status), style), style),
    ...section('CERTIFICATES', certificateLines(status, style), style),
    ...section(
      'UPSTREAMS',
      upstreams.flatMap((upstream) => upstreamLines(upstream, applicationOf(upstream), wallTimeOf(status), style)),
      style,
    ),
    ...section('BOUNDS', boundLines(status, style), style),
    ...section('CIRCUIT BREAKERS', breakerLines(status, style), style),
    ...section('OBJECTIVES', objectiveLines(status.objectives, style), style),
    ...section('TIMEOUTS', timeoutLines(status, style), style),
    ...section('STORE', storeLines(status, style), style),
    ...section('LOG FILES', logFileLines(status, style), style),
    ...section('ALERTS', alertTargetLines(status.alerts, wallTimeOf(status), style), style),
    ...section('OTLP', otlpLines(status, style), style),
    ...section(
      'APPLICATIONS',
      applications
        .filter(({ id }) => !byApplication.has(id))
        .flatMap((application) => [applicationHead(application, style), ...instanceLines(application, [], style)]),
      style,
    ),
    ...section('WORKERS', workerLines(status, style), style),
  ];
  return `${lines.join('\n')}\n`;
}

function headLines(status: GatewayStatus, style: Style): string[] {
  const state = status.state === 'serving' ? style.good(status.state) : style.warn(status.state);
  const lines = [
    `${style.bold(status.deployment)} ${state}, up ${elapsedText(status.uptimeS)}, configuration revision ${status.revision}`,
  ];
  const generation = status.generation === null ? '' : `, generation ${status.generation}`;
  lines.push(style.dim(`  candor ${status.version}, member ${status.member}, pid ${status.pid}${generation}`));
  lines.push(...verdictLines(status, style));
  const waits = status.drain === null ? null : drainText(status.drain);
  if (waits !== null) lines.push(style.warn(`  ${waits}`));
  if (status.source !== null) lines.push(style.dim(`  ${status.source}`));
  // If all traffic went to the only upstream, its line has the figures.
  const [only, ...others] = status.upstreams;
  const isSaidThere = others.length === 0 && only?.lastMinute.requests === status.lastMinute.requests;
  if (!isSaidThere) lines.push(`  ${trafficText(status.lastMinute)}`);
  return lines;
}

function section(title: string, lines: readonly string[], style: Style): string[] {
  return lines.length === 0 ? [] : ['', style.bold(title), ...lines];
}

function problemLines({ problems }: GatewayStatus, style: Style): string[] {
  return problems.flatMap(({ reason, sinceS, nextStep }) => [
    ...wrapAfter(
      `  ${statusMark('bad', style)}`,
      harmless(`${reason.replace(/\.$/, '')} (for ${elapsedText(sinceS)}).`),
      5,
    ),
    ...reasonLines(nextStep, style),
  ]);
}

/** A gateway of an earlier version finds none. */
function incidentSection(status: GatewayStatus, style: Style): string[] {
  return (status.incidents ?? []).flatMap((incident) => incidentLines(incident, wallTimeOf(status), style));
}

/** The entries of the overlay, with who made each of them and when. */
function overlayLines({ overlay }: GatewayStatus, style: Style): string[] {
  // A gateway of an earlier version has no overlay.
  if (overlay === undefined || overlay.entries.length === 0) return [];
  const lines = overlay.entries.flatMap(({ reason, id, matched, at, actor }) => [
    ...wrapAfter(`  ${statusMark('warn', style)}`, harmless(reason), 5),
    ...reasonLines(matched ? '' : 'unmatched: the configuration has no such target', style),
    ...reasonLines(`${id}, by ${actor}, ${at}`, style),
  ]);
  const kept = overlay.persisted ? [] : reasonLines(`kept in memory only: ${overlay.memoryReason ?? ''}`, style);
  return [...lines, ...kept];
}

/** The gateway's clock, when it gave the status. */
function wallTimeOf({ startedAt, uptimeS }: GatewayStatus): number {
  return Date.parse(startedAt) + uptimeS * 1000;
}

/** Each host for which certificates are obtained automatically, and what stands in the way. */
function certificateLines(status: GatewayStatus, style: Style): string[] {
  // A gateway of an earlier version has none.
  const all = status.certificates ?? [];
  const wallTime = wallTimeOf(status);
  const lines = alignColumns(
    all.map(({ name, state, notAfter, renewAt, failure }) => [
      statusMark(state === 'expired' ? 'bad' : failure === null && state === 'valid' ? 'good' : 'warn', style),
      harmless(name),
      state,
      notAfter === null ? '' : `until ${notAfter.slice(0, 10)}`,
      renewAt === null || failure !== null ? '' : style.dim(`renewed on ${renewAt.slice(0, 10)}`),
    ]),
    '  ',
  );
  return all.flatMap(({ failure, progress }, index) => [
    lines[index] ?? '',
    ...(failure === null ? [] : reasonLines(failure.reason, style)),
    ...(failure === null ? [] : reasonLines(`${failure.nextStep}${nextText(failure, progress, wallTime)}`, style)),
    // A gateway of an earlier version says nothing of the progress.
    ...(progress == null ? [] : reasonLines(waitText(progress, wallTime), style)),
  ]);
}

type CertificateRow = GatewayStatus['certificates'][number];

/** The next attempt has begun already where there is progress. */
function nextText(
  { retryAt }: NonNullable<CertificateRow['failure']>,
  progress: CertificateRow['progress'],
  wallTime: number,
): string {
  return progress == null ? `; ${nextAttemptText(Date.parse(retryAt), wallTime)}` : '';
}

function waitText(progress: NonNullable<CertificateRow['progress']>, wallTime: number): string {
  const since = Date.parse(progress.since);
  return `${progressText({ ...progress, since })}, for ${elapsedText(Math.max(0, Math.round((wallTime - since) / 1000)))}`;
}

/** '1239 requests/s, 142 errors (0.2 %), p50 2.3 ms, p99 42 ms (last minute)'. */
export function trafficText({ seconds, requests, requestsPerS, errors, ...figures }: MinuteFigures): string {
  const span = seconds >= 55 ? 'last minute' : `last ${Math.round(seconds)} s`;
  if (requests === 0) return `no request in the ${span}`;
  const { errorShare, p50Ms, p99Ms } = figures;
  const isRate = requestsPerS >= 1;
  const often = isRate ? `${rateText(requestsPerS)} requests/s` : `${countText(requests, 'request')} in the ${span}`;
  const failed = errors === 0 ? 'no errors' : `${countText(errors, 'error')} (${shareText(errorShare ?? 0)})`;
  const times = p50Ms === null || p99Ms === null ? '' : `, p50 ${durationText(p50Ms)}, p99 ${durationText(p99Ms)}`;
  return `${often}, ${failed}${times}${isRate ? ` (${span})` : ''}`;
}

function rateText(perS: number): string {
  return perS >= 100 ? String(Math.round(perS)) : perS.toFixed(1);
}

function shareText(share: number): string {
  const percent = share * 100;
  return percent < 0.1 ? 'below 0.1 %' : `${percent >= 10 ? Math.round(percent) : percent.toFixed(1)} %`;
}

function upstreamLines(
  upstream: UpstreamStatus,
  application: ApplicationStatus | null,
  wallTime: number,
  style: Style,
): string[] {
  const figures = `    ${errorTone(upstream.lastMinute, style)(trafficText(upstream.lastMinute))}`;
  // A gateway of an earlier version says nothing of requests that wait.
  const traffic = [figures, ...waitingLines(upstream.waiting ?? [], style)];
  if (application !== null) {
    const head = applicationHead({ ...application, id: upstream.id }, style);
    const own = (endpoint: EndpointStatus): boolean => application.instances.some((one) => isAt(one, endpoint));
    const others = upstream.endpoints.filter((endpoint) => !own(endpoint));
    const lines = instanceLines(application, upstream.endpoints, style);
    return [
      head,
      ...traffic,
      ...lines,
      ...endpointLines(others, wallTime, style),
      ...noneLines(application.instances, style),
    ];
  }
  const from = upstream.application === null ? '' : style.dim(` (the application ${upstream.application})`);
  const lines = endpointLines(upstream.endpoints, wallTime, style);
  return [`  ${style.name(upstream.id)}${from}`, ...traffic, ...lines, ...noneLines(upstream.endpoints, style)];
}

const waitedFor = { endpoint: 'for an endpoint', connection: 'for a connection', turn: 'for their turn' } as const;

function waitingLines(waiting: readonly WaitingStatus[], style: Style): string[] {
  return waiting.map(({ for: what, count, oldestMs }) => {
    const one = what === 'turn' ? '1 request waits for its turn' : `1 request waits ${waitedFor[what]}`;
    const wait = count === 1 ? one : `${count} requests wait ${waitedFor[what]}`;
    return style.warn(`    ${wait}, ${count === 1 ? 'for' : 'the oldest for'} ${durationText(oldestMs)} so far`);
  });
}

/** Routes and upstreams whose requests in flight are bounded. */
function boundLines({ bounds = [] }: Partial<Pick<GatewayStatus, 'bounds'>>, style: Style): string[] {
  const rows = bounds.map(({ kind, id, requests, limit, adaptive, waiting }) => [
    statusMark(waiting.length > 0 ? 'warn' : 'good', style),
    `${kind} ${harmless(id)}`,
    `${requests} of ${limit ?? '?'} requests in flight`,
    adaptive ? style.dim('adapts') : '',
  ]);
  const heads = alignColumns(rows, '  ');
  return bounds.flatMap(({ waiting }, index) => [heads[index] ?? '', ...waitingLines(waiting, style)]);
}

/** Routes that answer requests themselves while they fail. */
function breakerLines({ breakers = [] }: Partial<Pick<GatewayStatus, 'breakers'>>, style: Style): string[] {
  const rows = breakers.map(({ route, state, sinceS, retryAfterS }) => [
    statusMark(state === 'closed' ? 'good' : state === 'open' ? 'bad' : 'warn', style),
    `route ${harmless(route)}`,
    `${state.replace('_', '-')} for ${elapsedText(sinceS)}`,
    retryAfterS === null ? '' : `half-open in ${retryAfterS} s`,
  ]);
  const heads = alignColumns(rows, '  ');
  return breakers.flatMap(({ reason }, index) => [
    heads[index] ?? '',
    ...(reason === '' ? [] : reasonLines(reason, style)),
  ]);
}

/** Whether the store fails now, and what it has lost since the start, which cannot be searched. */
function storeLines({ store = null, problems }: Partial<GatewayStatus>, style: Style): string[] {
  if (store === null) return [];
  const isFailing = problems?.some(({ kind }) => kind === 'store_failing') ?? false;
  const tone = isFailing ? 'bad' : store.lost > 0 ? 'warn' : 'good';
  const lost = store.lost === 0 ? 'nothing lost' : `${countText(store.lost, 'record')} or lines lost since the start`;
  return wrapAfter(
    `  ${statusMark(tone, style)}`,
    `${harmless(store.path)} ${isFailing ? 'fails now' : 'is written'}, ${lost}`,
    5,
  );
}

/** Whether the collector takes what is exported, and what was dropped since the start. */
function otlpLines({ otlp = null, problems }: Partial<GatewayStatus>, style: Style): string[] {
  if (otlp === null) return [];
  const isFailing = problems?.some(({ kind }) => kind === 'otlp_failing') ?? false;
  const dropped = otlp.signals.flatMap(({ signal, dropped: reasons }) => {
    const count = reasons.reduce((sum, one) => sum + one.count, 0);
    return count === 0 ? [] : [`${count} of ${signal}`];
  });
  const tone = isFailing ? 'bad' : dropped.length > 0 ? 'warn' : 'good';
  const lost = dropped.length === 0 ? 'nothing dropped' : `dropped since the start: ${dropped.join(', ')}`;
  // A gateway of an earlier version does not say it.
  const said = otlp.signals.flatMap(({ signal, lastRejection = null }: Partial<(typeof otlp.signals)[number]>) =>
    lastRejection === null || lastRejection.message === ''
      ? []
      : [`; the collector says of rejected ${signal}: ${lastRejection.message}`],
  );
  return wrapAfter(
    `  ${statusMark(tone, style)}`,
    `${harmless(otlp.endpoint)} ${isFailing ? 'fails now' : 'is exported to'}, ${lost}${harmless(said.join(''))}`,
    5,
  );
}

function noneLines(endpoints: readonly unknown[], style: Style): string[] {
  return endpoints.length === 0 ? [style.warn('    no endpoint')] : [];
}

/** A share of failed responses that needs a person's attention. */
const errorShareBad = 0.05;

function errorTone({ errors, errorShare }: MinuteFigures, style: Style): (text: string) => string {
  if (errors === 0) return style.dim;
  return (errorShare ?? 0) >= errorShareBad ? style.bad : style.warn;
}

function endpointLines(endpoints: readonly EndpointStatus[], wallTime: number, style: Style): string[] {
  const rows = endpoints.map(({ address, state, sinceS, certificate }) => [
    statusMark(toneOfState[state], style),
    address,
    state,
    `for ${elapsedText(sinceS)}`,
    // A gateway of an earlier version says nothing of it.
    certificatesText(certificate == null ? [] : [certificate], wallTime, style),
  ]);
  const heads = alignColumns(rows, '    ');
  return endpoints.flatMap((endpoint, index) => [
    heads[index] ?? '',
    ...reasonLines(endpoint.reason, style),
    ...fullnessLines(endpoint, style),
  ]);
}

/** At this share of connections in use, a burst of requests will have to wait. */
const fullShare = 0.8;

function fullnessLines(endpoint: UpstreamStatus['endpoints'][number], style: Style): readonly string[] {
  const { waiting, connections, connectionsMax } = endpoint;
  if (waiting === 0 && connections < connectionsMax * fullShare) return [];
  const full = `${connections} of ${countText(connectionsMax, 'connection')} in use`;
  if (waiting === 0) return reasonLines(full, style);
  return reasonLines(`${full}, and ${waiting === 1 ? '1 request waits' : `${waiting} requests wait`} for one`, style);
}

function applicationHead({ id, command }: ApplicationStatus, style: Style): string {
  const text = shorten(harmless(command.join(' ')), columnsMax - id.length - 4);
  return `  ${style.name(id)}  ${style.dim(text)}`;
}

/** An instance listens at 127.0.0.1. Its endpoint has the same port. */
function isAt({ port }: InstanceStatus, { address }: EndpointStatus): boolean {
  return address === `127.0.0.1:${port}`;
}

function instanceLines(
  { instances, command }: ApplicationStatus,
  endpoints: readonly EndpointStatus[],
  style: Style,
): string[] {
  const seen = instances.map((instance) => ({ instance, endpoint: endpoints.find((one) => isAt(instance, one)) }));
  const rows = seen.map(({ instance, endpoint }) => [
    statusMark(isTakenOut(instance, endpoint) ? toneOfState[endpoint.state] : toneOfPhase[instance.phase], style),
    instance.id,
    (isTakenOut(instance, endpoint) ? endpoint.state : instance.phase).replaceAll('_', ' '),
    `port ${instance.port}`,
    instance.pid === null ? 'no process' : `pid ${instance.pid}`,
    countText(instance.restarts, 'restart'),
    ...(endpoint === undefined ? [] : [`for ${elapsedText(endpoint.sinceS)}`]),
  ]);
  const heads = alignColumns(rows, '    ');
  return seen.flatMap(({ instance, endpoint }, index) => [
    heads[index] ?? '',
    ...(isTakenOut(instance, endpoint) ? reasonLines(endpoint.reason, style) : instanceDetails(instance, style)),
    ...usageLines(instance, style),
    ...earlierLines(instance, command, style),
    ...(endpoint === undefined ? [] : fullnessLines(endpoint, style)),
  ]);
}

/**
 * The command of an instance that an earlier configuration started. The line of the application has the command of new
 * instances.
 */
function earlierLines({ earlierCommand }: InstanceStatus, command: readonly string[], style: Style): string[] {
  // A gateway of an earlier version does not send it.
  if (earlierCommand === null || earlierCommand === undefined) return [];
  const [own, now] = [earlierCommand.join(' '), command.join(' ')];
  return reasonLines(`from the earlier configuration${own === now ? '' : `, runs ${own}`}`, style);
}

/** Whether an instance is ready but its requests fail. Then the state of the endpoint is shown. */
function isTakenOut(instance: InstanceStatus, endpoint: EndpointStatus | undefined): endpoint is EndpointStatus {
  return instance.phase === 'ready' && endpoint !== undefined && endpoint.state !== 'healthy';
}

function instanceDetails(instance: InstanceStatus, style: Style): string[] {
  const exposed =
    instance.exposedAt === null
      ? []
      : wrap(harmless(exposureText(instance.exposedAt)), '        ').map((line) => style.warn(line));
  const lines = [...reasonLines(instance.reason, style), ...exposed];
  const last = instance.lastLines.at(-1);
  // The last line of a healthy instance is of no interest. For one that has ended, the reason contains the line that
  // matters.
  if (last === undefined || ['ready', 'exited', 'backing_off'].includes(instance.phase)) return lines;
  return [...lines, ...wrap(`last line: ${harmless(last)}`, '        ').map((line) => style.dim(line))];
}

function workerLines(status: GatewayStatus, style: Style): string[] {
  return alignColumns(
    status.workers.map(({ id, state, revision, exchangesActive, clientConnections }) => [
      statusMark(state === 'serving' ? 'good' : state === 'lost' ? 'bad' : 'warn', style),
      String(id),
      state,
      `revision ${revision}`,
      countText(exchangesActive, 'exchange'),
      countText(clientConnections, 'client connection'),
    ]),
    '  ',
  );
}

function reasonLines(reason: string, style: Style): string[] {
  return reason === '' ? [] : wrap(harmless(reason), '        ').map((line) => style.dim(line));
}

const toneOfState: Record<EndpointState, StatusTone> = {
  healthy: 'good',
  // No check runs, so its health is unknown.
  unchecked: 'dim',
  starting: 'warn',
  unknown: 'warn',
  draining: 'warn',
  probation: 'warn',
  half_open: 'warn',
  unhealthy: 'bad',
  ejected: 'bad',
  circuit_open: 'bad',
  gone: 'bad',
};

const toneOfPhase: Record<InstanceStatus['phase'], StatusTone> = {
  ready: 'good',
  starting: 'warn',
  stopping: 'warn',
  failing: 'bad',
  backing_off: 'bad',
  stopped: 'bad',
};
