import { nextAttemptText, progressText } from '../core/managed-tls.ts';
import { alertTargetLines, incidentLines } from './incident-lines.ts';
import { drainText } from './drain-watch.ts';
import { elapsedText, alignColumns, countText, harmless, wrapAfter } from './layout.ts';
import { adminLines, listenerLines } from './listener-lines.ts';
import { wordsOfFeatures } from '../features/words.ts';
import type { StatusRow } from '../features/feature-words.ts';
import {
  logFileLines,
  applicationHead,
  applicationReleaseLines,
  instanceLines,
  reasonLines,
  stoppedLines,
  trafficLines,
  upstreamLines,
  waitingLines,
} from './upstream-lines.ts';
import { statusMark, type Style } from './style.ts';
import { timeoutLines } from './timeout-lines.ts';
import { shownVerdict } from '../core/shown-verdict.ts';
import type {
  StatusResponse,
  ApplicationStatus,
  GatewayStatus,
  UpstreamStatus,
  ServiceVerdict,
  MinuteFigures,
} from '../core/schemas/status.ts';

export type ShownStatus = GatewayStatus & Pick<StatusResponse, 'admin'>;

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
    ...section('ROUTES', routeLines(status, style), style),
    ...wordsOfFeatures.flatMap(({ status: words }) =>
      words === undefined ? [] : section(words.title, featureLines(words.rows(status), style), style),
    ),
    ...section('TIMEOUTS', timeoutLines(status, style), style),
    ...section('STORE', storeLines(status, style), style),
    ...section('LOG FILES', logFileLines(status, style), style),
    ...section('ALERTS', alertTargetLines(status.alerts, wallTimeOf(status), style), style),
    ...section('OTLP', otlpLines(status, style), style),
    ...section(
      'APPLICATIONS',
      applications
        .filter(({ id }) => !byApplication.has(id))
        .flatMap((application) => [
          applicationHead(application, style),
          ...applicationReleaseLines(application, style),
          ...instanceLines(application, [], style),
          ...stoppedLines(application, style),
        ]),
      style,
    ),
    ...section('WORKERS', workerLines(status, style), style),
  ];
  return `${lines.join('\n')}\n`;
}

function headLines(status: GatewayStatus, style: Style): string[] {
  const state = status.state === 'serving' ? servingWord(status, style) : style.warn(status.state);
  const lines = [
    `${style.bold(status.deployment)} ${state}, up ${elapsedText(status.uptimeS)}, configuration revision ${status.revision}`,
  ];
  const generation = status.generation === null ? '' : `, generation ${status.generation}`;
  lines.push(...verdictLines(status, style));
  lines.push(style.dim(`  candor ${status.version}, member ${status.member}, pid ${status.pid}${generation}`));
  const waits = status.drain === null ? null : drainText(status.drain);
  if (waits !== null) lines.push(style.warn(`  ${waits}`));
  if (status.source !== null) lines.push(style.dim(`  ${status.source}`));
  if (status.edited === true) lines.push(style.warn('  edited since it was applied: `candor reload` applies it'));
  // If all traffic went to the only upstream, its line has the figures.
  const [only, ...others] = status.upstreams;
  const isSaidThere = others.length === 0 && only?.lastMinute.requests === status.lastMinute.requests;
  if (!isSaidThere) lines.push(...trafficLines(status.lastMinute, '  ', style));
  return lines;
}

const routesShownMax = 10;

/** Those with requests, the ones that fail most first. Of a single one the upstream says the same. */
function routeLines({ routes }: GatewayStatus, style: Style): string[] {
  const busy = routes.filter(({ lastMinute }) => lastMinute.requests > 0);
  if (busy.length < 2) return [];
  const sorted = busy.toSorted(
    (a, b) => b.lastMinute.errors - a.lastMinute.errors || b.lastMinute.requests - a.lastMinute.requests,
  );
  const rows = sorted
    .slice(0, routesShownMax)
    .flatMap(({ id, lastMinute }) => [
      `  ${style.name(harmless(id === '' ? '(no route)' : id))}`,
      ...trafficLines(lastMinute, '    ', style),
    ]);
  const others = sorted.length - routesShownMax;
  return others <= 0 ? rows : [...rows, style.dim(`  ${countText(others, 'more route')} with fewer errors`)];
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

function incidentSection(status: GatewayStatus, style: Style): string[] {
  return status.incidents.flatMap((incident) => incidentLines(incident, wallTimeOf(status), style));
}

/** The entries of the overlay, with who made each of them and when. */
function overlayLines({ overlay }: GatewayStatus, style: Style): string[] {
  const lines = overlay.entries.flatMap(({ reason, id, matched, at, actor }) => [
    ...wrapAfter(`  ${statusMark('warn', style)}`, harmless(reason), 5),
    ...reasonLines(matched ? '' : 'unmatched: the configuration has no such target', style),
    ...reasonLines(`${id}, by ${actor}, ${at}`, style),
  ]);
  const kept =
    overlay.persisted || overlay.entries.length === 0
      ? []
      : reasonLines(`kept in memory only: ${overlay.memoryReason ?? ''}`, style);
  return [...lines, ...kept];
}

/** The gateway's clock, when it gave the status. */
function wallTimeOf({ startedAt, uptimeS }: GatewayStatus): number {
  return Date.parse(startedAt) + uptimeS * 1000;
}

/** Each host for which certificates are obtained automatically, and what stands in the way. */
function certificateLines(status: GatewayStatus, style: Style): string[] {
  const all = status.certificates;
  const wallTime = wallTimeOf(status);
  const lines = alignColumns(
    all.map(({ name, state, notAfter, renewAt, failure }) => [
      statusMark(state === 'expired' ? 'bad' : failure === null && state === 'valid' ? 'good' : 'warn', style),
      harmless(name),
      state,
      notAfter === null ? '' : `until ${notAfter.slice(0, 10)}`,
      renewAt === null || failure !== null ? '' : style.dim(`to be renewed on ${renewAt.slice(0, 10)}`),
    ]),
    '  ',
  );
  return all.flatMap(({ failure, progress }, index) => [
    lines[index] ?? '',
    ...(failure === null ? [] : reasonLines(failure.reason, style)),
    ...(failure === null ? [] : reasonLines(`${failure.nextStep}${nextText(failure, progress, wallTime)}`, style)),
    ...(progress === null ? [] : reasonLines(waitText(progress, wallTime), style)),
  ]);
}

type CertificateRow = GatewayStatus['certificates'][number];

/** The next attempt has begun already where there is progress. */
function nextText(
  { retryAt }: NonNullable<CertificateRow['failure']>,
  progress: CertificateRow['progress'],
  wallTime: number,
): string {
  return progress === null ? `; ${nextAttemptText(Date.parse(retryAt), wallTime)}` : '';
}

function waitText(progress: NonNullable<CertificateRow['progress']>, wallTime: number): string {
  const since = Date.parse(progress.since);
  return `${progressText({ ...progress, since })}, for ${elapsedText(Math.max(0, Math.round((wallTime - since) / 1000)))}`;
}

/** What a feature says of routes and upstreams. */
function featureLines(rows: readonly StatusRow[], style: Style): string[] {
  const heads = alignColumns(
    rows.map(({ tone, cells, note }) => [
      statusMark(tone, style),
      ...cells.map(harmless),
      ...(note === undefined ? [] : [note === '' ? '' : style.dim(note)]),
    ]),
    '  ',
  );
  return rows.flatMap(({ tone, cells, waiting = [], reason = '' }, index) => [
    ...(cells.length === 1
      ? wrapAfter(`  ${statusMark(tone, style)}`, harmless(cells[0] ?? ''), 5)
      : [heads[index] ?? '']),
    ...waitingLines(waiting, style),
    ...(reason === '' ? [] : reasonLines(reason, style)),
  ]);
}

/** Whether the store fails now, and what it has lost since the start, which cannot be searched. */
function storeLines({ store, problems }: GatewayStatus, style: Style): string[] {
  if (store === null) return [];
  const isFailing = problems.some(({ kind }) => kind === 'store_failing');
  const { leftOut } = store;
  const tone = isFailing ? 'bad' : store.lost + leftOut.length > 0 ? 'warn' : 'good';
  const lost = store.lost === 0 ? 'nothing lost' : `${countText(store.lost, 'record')} or lines lost since the start`;
  const tooFast = leftOut.map(
    ({ application, lines, since, lastAt }) =>
      `; ${countText(lines, 'line')} of ${application} left out since the start, which printed too fast (last from ${timeOf(since)} to ${timeOf(lastAt)} UTC)`,
  );
  return wrapAfter(
    `  ${statusMark(tone, style)}`,
    `${harmless(store.path)} ${isFailing ? 'fails now' : 'is written'}, ${lost}${harmless(tooFast.join(''))}`,
    5,
  );
}

/** In UTC. */
const timeOf = (rfc3339: string): string => rfc3339.slice(11, 19);

/** Whether the collector takes what is exported, and what was dropped since the start. */
function otlpLines({ otlp, problems }: GatewayStatus, style: Style): string[] {
  if (otlp === null) return [];
  const isFailing = problems.some(({ kind }) => kind === 'otlp_failing');
  const dropped = otlp.signals.flatMap(({ signal, dropped: reasons }) => {
    const count = reasons.reduce((sum, one) => sum + one.count, 0);
    return count === 0 ? [] : [`${count} of ${signal}`];
  });
  const tone = isFailing ? 'bad' : dropped.length > 0 ? 'warn' : 'good';
  const lost = dropped.length === 0 ? 'nothing dropped' : `dropped since the start: ${dropped.join(', ')}`;
  const said = otlp.signals.flatMap(({ signal, lastRejection }) =>
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

const verdictTones = {
  ok: 'good',
  degraded: 'warn',
  maintenance: 'warn',
  failing: 'bad',
  idle: 'dim',
  unknown: 'dim',
} as const;

interface JudgedStatus extends Pick<GatewayStatus, 'verdict' | 'incidents'> {
  readonly lastMinute: Pick<MinuteFigures, 'requests' | 'errors'>;
}

/** How a gateway serves, as the first word that is read of it. One that has no requests serves too. */
function servingWord(status: JudgedStatus, style: Style): string {
  const { state } = shownState(status);
  return state === 'ok' || verdictTones[state] === 'dim' ? style.good('serving') : style[verdictTones[state]](state);
}

/** What does not serve as it should; the figures of a gateway that does are below. */
export function verdictLines(status: JudgedStatus, style: Style): string[] {
  const { state, reason } = shownState(status);
  if (state === 'ok') return [];
  return wrapAfter(`  ${statusMark(verdictTones[state], style)}`, harmless(`${state}: ${reason}`), 5);
}

function shownState({ verdict, incidents, lastMinute }: JudgedStatus): ServiceVerdict {
  return shownVerdict(verdict, { ...lastMinute, incidents: incidents.length });
}
