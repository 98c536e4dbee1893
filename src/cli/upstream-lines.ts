import type { EndpointState } from '../core/endpoint.ts';
import { lastWords } from '#failures/last-words.ts';
import { exposureText } from '../deploy/exposure.ts';
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
import { notInForceText, releasesText } from './releases-text.ts';
import { certificatesText } from './listener-lines.ts';
import { statusMark, type StatusTone, type Style } from './style.ts';
import { attemptsTexts, processFacts, processStrains } from '#failures/process-text.ts';
import { memoryText } from '#failures/quantity-text.ts';
import type {
  ApplicationStatus,
  EndpointStatus,
  InstanceStatus,
  UpstreamStatus,
  WaitingStatus,
  GatewayStatus,
  MinuteFigures,
} from '../core/schemas/status.ts';
import type { RequestContextJson } from '../core/schemas/output.ts';

/** '1239 requests/s, 142 errors (0.2 %), p50 2.3 ms, p99 42 ms (last minute)'. */
function trafficText({ seconds, requests, requestsPerS, errors, ...figures }: MinuteFigures): string {
  const span = seconds >= 55 ? 'last minute' : `last ${Math.round(seconds)} s`;
  if (requests === 0) return `no request in the ${span}`;
  const { errorShare, p50Ms, p99Ms } = figures;
  const isRate = requestsPerS >= 1;
  const often = isRate ? `${rateText(requestsPerS)} requests/s` : `${countText(requests, 'request')} in the ${span}`;
  const failed = errors === 0 ? 'no errors' : `${countText(errors, 'error')} (${shareText(errorShare ?? 0)})`;
  const times = p50Ms === null || p99Ms === null ? '' : `, p50 ${durationText(p50Ms)}, p99 ${durationText(p99Ms)}`;
  return `${often}, ${failed}${times}${isRate ? ` (${span})` : ''}`;
}

/** Those figures, and below them what they hide: a rate that has just changed, and requests that clients did not wait for. */
export function trafficLines(minute: MinuteFigures, indent: string, style: Style): readonly string[] {
  const { requests, requestsPerS, recentPerS, abandoned } = minute;
  const hasChanged = requestsPerS >= 1 && (recentPerS > 1.5 * requestsPerS || recentPerS < requestsPerS / 1.5);
  const share = requests === 0 ? 0 : abandoned / requests;
  const more = [
    ...(hasChanged ? [`${rateText(recentPerS)} requests/s in the last 10 s`] : []),
    ...(share < 0.01 ? [] : [`${countText(abandoned, 'request')} left by clients (${shareText(share)})`]),
  ];
  const figures = `${indent}${errorTone(minute, style)(trafficText(minute))}`;
  return more.length === 0 ? [figures] : [figures, `${indent}${more.join(', ')}`];
}

function rateText(perS: number): string {
  return perS >= 100 ? String(Math.round(perS)) : perS.toFixed(1);
}

function shareText(share: number): string {
  const percent = share * 100;
  return percent < 0.1 ? 'below 0.1 %' : `${percent >= 10 ? Math.round(percent) : percent.toFixed(1)} %`;
}

/** An upstream with its figures of the last minute and its endpoints; with `application` as its instances. */
export function upstreamLines(
  upstream: UpstreamStatus,
  application: ApplicationStatus | null,
  wallTime: number,
  style: Style,
): string[] {
  const traffic = [...trafficLines(upstream.lastMinute, '    ', style), ...waitingLines(upstream.waiting, style)];
  if (application !== null) {
    const head = applicationHead({ ...application, id: upstream.id }, style);
    const own = (endpoint: EndpointStatus): boolean => application.instances.some((one) => isAt(one, endpoint));
    const others = upstream.endpoints.filter((endpoint) => !own(endpoint));
    const lines = instanceLines(application, upstream.endpoints, style);
    return [
      head,
      ...applicationReleaseLines(application, style),
      ...traffic,
      ...lines,
      ...endpointLines(others, wallTime, style),
      ...(application.wanted === 0 ? stoppedLines(application, style) : noneLines(application.instances, style)),
    ];
  }
  const from = upstream.application === null ? '' : style.dim(` (the application ${upstream.application})`);
  const lines = endpointLines(upstream.endpoints, wallTime, style);
  return [`  ${style.name(upstream.id)}${from}`, ...traffic, ...lines, ...noneLines(upstream.endpoints, style)];
}

const waitedFor = {
  endpoint: 'for an endpoint',
  connection: 'for a connection',
  turn: 'for their turn',
  response: 'for a response',
} as const;

/** Requests that wait, a line for each of what they wait for. */
export function waitingLines(waiting: readonly WaitingStatus[], style: Style): string[] {
  return waiting.map(({ for: what, count, oldestMs }) => {
    const one = what === 'turn' ? '1 request waits for its turn' : `1 request waits ${waitedFor[what]}`;
    const wait = count === 1 ? one : `${count} requests wait ${waitedFor[what]}`;
    return style.warn(`    ${wait}, ${count === 1 ? 'for' : 'the oldest for'} ${durationText(oldestMs)} so far`);
  });
}

/** Of an application or a worker of which operators want no instance. */
export function stoppedLines({ wanted, command, instances }: ApplicationStatus, style: Style): string[] {
  return wanted === 0 && command.length > 0 && instances.length === 0 ? [style.warn('    stopped')] : [];
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
    certificatesText(certificate === null ? [] : [certificate], wallTime, style),
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

/** Its id and its command. */
export function applicationHead({ id, command, answeredBy }: ApplicationStatus, style: Style): string {
  const what = command.length === 0 && answeredBy !== undefined ? `answered with ${answeredBy}` : command.join(' ');
  const text = shorten(harmless(what), columnsMax - id.length - 4);
  return `  ${style.name(id)}  ${style.dim(text)}`;
}

/** What it runs; none if it was never deployed. */
export function applicationReleaseLines({ releases }: ApplicationStatus, style: Style): string[] {
  if (releases == null) return [];
  const { inForce, rollout, notInForce } = releases;
  return [
    ...wrap(harmless(releasesText(inForce, rollout)), '    '),
    ...(notInForce == null ? [] : reasonLines(notInForceText(notInForce, inForce), style)),
  ];
}

/** An instance listens at 127.0.0.1. Its endpoint has the same port. */
function isAt({ port }: InstanceStatus, { address }: EndpointStatus): boolean {
  return address === `127.0.0.1:${port}`;
}

/** The instances of an application, each with its endpoint. */
export function instanceLines(
  { instances, command }: ApplicationStatus,
  endpoints: readonly EndpointStatus[],
  style: Style,
): string[] {
  const seen = instances.map((instance) => ({ instance, endpoint: endpoints.find((one) => isAt(instance, one)) }));
  // With one of them for all, `candor releases` says more.
  const hasReleases = new Set(instances.map(({ release }) => release)).size > 1;
  const rows = seen.map(({ instance, endpoint }) => [
    ...markAndState(instance, endpoint, style),
    ...(hasReleases ? [shorten(harmless(instance.release ?? ''), 16)] : []),
    ...(instance.port === 0 ? [] : [`port ${instance.port}`]),
    instance.pid === null ? 'no process' : `pid ${instance.pid}`,
    countText(instance.restarts, 'restart'),
    // The checks of an instance that a signal has stopped know nothing of the signal: theirs is the time of another state.
    ...(endpoint === undefined || isStoppedBySignal(instance) ? [] : [`for ${elapsedText(endpoint.sinceS)}`]),
  ]);
  const heads = alignColumns(rows, '    ');
  return seen.flatMap(({ instance, endpoint }, index) => [
    heads[index] ?? '',
    ...(isTakenOut(instance, endpoint)
      ? reasonLines(endpoint.reason, style)
      : instanceDetails(instance, command, style)),
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
  if (earlierCommand === null) return [];
  const [own, now] = [earlierCommand.join(' '), command.join(' ')];
  return reasonLines(`from the earlier configuration${own === now ? '' : `, runs ${own}`}`, style);
}

/** The mark, the id and a word. An instance whose processes a signal has stopped counts as ready until its checks fail, and is not. */
function markAndState(instance: InstanceStatus, endpoint: EndpointStatus | undefined, style: Style): string[] {
  const { id, phase } = instance;
  if (isStoppedBySignal(instance)) return [statusMark('bad', style), id, 'stopped by a signal'];
  if (isTakenOut(instance, endpoint)) return [statusMark(toneOfState[endpoint.state], style), id, word(endpoint.state)];
  return [statusMark(hasStopped(instance) ? 'warn' : toneOfPhase[phase], style), id, word(phase)];
}

const word = (state: string): string => state.replaceAll('_', ' ');

/** Whether none of its processes that could answer is left. */
function isStoppedBySignal({ usage }: InstanceStatus): boolean {
  return usage?.stoppedPids !== undefined;
}

/** Whether a signal has stopped some process of it, while others may answer. */
function hasStopped({ phase, usage }: InstanceStatus): boolean {
  return phase === 'ready' && usage?.stoppedPid !== undefined;
}

/** Whether an instance is ready but its requests fail. Then the state of the endpoint is shown. */
function isTakenOut(instance: InstanceStatus, endpoint: EndpointStatus | undefined): endpoint is EndpointStatus {
  return instance.phase === 'ready' && endpoint !== undefined && endpoint.state !== 'healthy';
}

function instanceDetails(instance: InstanceStatus, command: readonly string[], style: Style): string[] {
  const exposed =
    instance.exposedAt === null
      ? []
      : wrap(harmless(exposureText(instance.exposedAt, instance.earlierCommand ?? command)), '        ').map((line) =>
          style.warn(line),
        );
  // What its last checks found says less; `usageLines` says that a signal has stopped it.
  const reason = instance.usage?.stoppedPids === undefined ? instance.reason : '';
  const lines = [...reasonLines(reason, style), ...exposed];
  const last = lastWords(instance.lastLines)?.error;
  // The last line of a healthy instance is of no interest. For one that has ended, the reason contains the line that
  // matters, and often for one that is not ready.
  if (last === undefined || ['ready', 'exited', 'backing_off'].includes(instance.phase)) return lines;
  if (instance.reason.includes(`"${last}"`)) return lines;
  return [...lines, ...wrap(`last line: ${harmless(last)}`, '        ').map((line) => style.dim(line))];
}

/** Under the line that it explains. */
export function reasonLines(reason: string, style: Style): string[] {
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

/** A part of an explanation: the processes of the instances that had the request, as they were. */
export function processLines({ processes }: RequestContextJson, style: Style): string[] {
  const rows = processes.flatMap(({ instance, pid, attempts, summary, remarks }) => [
    `  ${style.name(harmless(instance))}  ${style.dim([`pid ${pid}`, ...attemptsTexts(attempts)].join(', '))}`,
    ...remarks.flatMap((remark) => wrap(harmless(remark), '    ').map((row) => style.warn(row))),
    ...(summary === '' ? [] : wrap(harmless(summary), '    ').map((row) => style.dim(row))),
  ]);
  return rows.length === 0 ? [] : ['', `${style.bold('PROCESS')}  of the application, as it was then`, ...rows];
}

/** What the process of an instance uses, for the status. */
function usageLines({ usage }: Pick<InstanceStatus, 'usage'>, style: Style): readonly string[] {
  if (usage === null) return [];
  const indent = '        ';
  return [
    // Its row says since when it has been so.
    ...wrap(processFacts({ ...usage, ageMs: null }).join(', '), indent).map((row) => style.dim(row)),
    ...processStrains(usage).flatMap((strain) => wrap(strain, indent).map((row) => style.warn(row))),
  ];
}

/** Logs that applications write. */
export function logFileLines({ logFiles }: Pick<GatewayStatus, 'logFiles'>, style: Style): string[] {
  return logFiles.flatMap(({ owner, path, state, reason, skippedBytes }) => {
    const tone = state === 'unreadable' ? 'bad' : state === 'absent' || skippedBytes > 0 ? 'warn' : 'good';
    const skipped = skippedBytes === 0 ? '' : `; ${memoryText(skippedBytes)} skipped: it grew too fast`;
    const text = `${path} of ${owner} ${state === 'following' ? 'is followed' : `is not followed: ${reason}`}${skipped}`;
    return wrapAfter(`  ${statusMark(tone, style)}`, harmless(text), 5);
  });
}
