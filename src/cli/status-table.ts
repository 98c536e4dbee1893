import type { EndpointState } from '../core/endpoint.ts';
import type { ApplicationStatus, GatewayStatus, InstanceStatus, UpstreamStatus } from '../gateway/control.ts';
import { drainText } from './drain-watch.ts';
import { ageText, alignColumns, columnsMax, countText, harmless, shorten, wrap, wrapAfter } from './layout.ts';
import type { Style } from './style.ts';

/** A gateway's status for people: what serves, what does not, and why, within 80 columns. */
export function renderStatus(status: GatewayStatus, style: Style): string {
  const lines = [
    ...headLines(status, style),
    ...section('PROBLEMS', problemLines(status, style), style),
    ...section('LISTENERS', listenerLines(status, style), style),
    ...section(
      'UPSTREAMS',
      status.upstreams.flatMap((upstream) => upstreamLines(upstream, style)),
      style,
    ),
    ...section(
      'APPLICATIONS',
      status.applications.flatMap((application) => applicationLines(application, style)),
      style,
    ),
    ...section('WORKERS', workerLines(status, style), style),
  ];
  return `${lines.join('\n')}\n`;
}

function headLines(status: GatewayStatus, style: Style): string[] {
  const state = status.state === 'serving' ? style.good(status.state) : style.warn(status.state);
  const lines = [
    `${style.bold(status.deployment)} ${state}, up ${ageText(status.uptimeS)}, configuration revision ${status.revision}`,
  ];
  const generation = status.generation === null ? '' : `, generation ${status.generation}`;
  lines.push(style.dim(`  candor ${status.version}, member ${status.member}, pid ${status.pid}${generation}`));
  const waits = status.drain === null ? null : drainText(status.drain);
  if (waits !== null) lines.push(style.warn(`  ${waits}`));
  if (status.source !== null) lines.push(style.dim(`  ${status.source}`));
  return lines;
}

function section(title: string, lines: readonly string[], style: Style): string[] {
  return lines.length === 0 ? [] : ['', style.bold(title), ...lines];
}

function problemLines({ problems }: GatewayStatus, style: Style): string[] {
  return problems.flatMap(({ says, sinceS, nextStep }) => [
    ...wrapAfter(`  ${mark('bad', style)}`, harmless(`${says.replace(/\.$/, '')} (for ${ageText(sinceS)}).`), 5),
    ...reasonLines(nextStep, style),
  ]);
}

function listenerLines(status: GatewayStatus, style: Style): string[] {
  return alignColumns(
    status.listeners.map(({ id, address, state }) => [mark(toneOfListener[state], style), id, address, state]),
    '  ',
  );
}

function upstreamLines(upstream: UpstreamStatus, style: Style): string[] {
  const rows = upstream.endpoints.map(({ address, state, sinceS }) => [
    mark(toneOfState[state], style),
    address,
    state,
    `for ${ageText(sinceS)}`,
  ]);
  const heads = alignColumns(rows, '    ');
  const lines = upstream.endpoints.flatMap((endpoint, place) => [
    heads[place] ?? '',
    ...reasonLines(endpoint.reason, style),
    ...fullnessLines(endpoint, style),
  ]);
  const from = upstream.application === null ? '' : style.dim(' (an application that Candor runs)');
  const none = upstream.endpoints.length === 0 ? [style.warn('    no endpoint')] : [];
  return [`  ${style.name(upstream.id)}${from}`, ...lines, ...none];
}

/** From this share on the next rush has to wait. */
const fullShare = 0.8;

function fullnessLines(endpoint: UpstreamStatus['endpoints'][number], style: Style): readonly string[] {
  const { waiting, connections, connectionsMax } = endpoint;
  if (waiting === 0 && connections < connectionsMax * fullShare) return [];
  const full = `${connections} of ${countText(connectionsMax, 'connection')} in use`;
  if (waiting === 0) return reasonLines(full, style);
  return reasonLines(`${full}, and ${waiting === 1 ? '1 request waits' : `${waiting} requests wait`} for one`, style);
}

function applicationLines(application: ApplicationStatus, style: Style): string[] {
  const command = shorten(harmless(application.command.join(' ')), columnsMax - application.id.length - 4);
  const rows = application.instances.map((instance) => [
    mark(toneOfPhase[instance.phase], style),
    instance.id,
    instance.phase.replaceAll('_', ' '),
    `port ${instance.port}`,
    instance.pid === null ? 'no process' : `pid ${instance.pid}`,
    countText(instance.restarts, 'restart'),
  ]);
  const heads = alignColumns(rows, '    ');
  const lines = application.instances.flatMap((instance, place) => [
    heads[place] ?? '',
    ...instanceDetails(instance, style),
  ]);
  return [`  ${style.name(application.id)}  ${style.dim(command)}`, ...lines];
}

function instanceDetails(instance: InstanceStatus, style: Style): string[] {
  const lines = reasonLines(instance.reason, style);
  const last = instance.lastLines.at(-1);
  // What a healthy instance printed last is of no interest; of one that has ended, the reason has the line that matters.
  if (last === undefined || ['ready', 'exited', 'backing_off'].includes(instance.phase)) return lines;
  return [...lines, ...wrap(`last line: ${harmless(last)}`, '        ').map((line) => style.dim(line))];
}

function workerLines(status: GatewayStatus, style: Style): string[] {
  return alignColumns(
    status.workers.map(({ id, state, revision, exchangesActive, clientConnections }) => [
      mark(state === 'serving' ? 'good' : state === 'lost' ? 'bad' : 'warn', style),
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

type Tone = 'good' | 'warn' | 'bad' | 'dim';
const marks: Record<Tone, string> = { good: '✔', warn: '…', bad: '✖', dim: '·' };

function mark(tone: Tone, style: Style): string {
  return style[tone](marks[tone]);
}

const toneOfListener: Record<GatewayStatus['listeners'][number]['state'], Tone> = {
  open: 'good',
  waiting: 'warn',
  closed: 'bad',
  failed: 'bad',
};

const toneOfState: Record<EndpointState, Tone> = {
  healthy: 'good',
  // Nobody looks, so nothing good is known of it.
  unchecked: 'dim',
  starting: 'warn',
  unknown: 'warn',
  draining: 'warn',
  on_trial: 'warn',
  unhealthy: 'bad',
  ejected: 'bad',
  gone: 'bad',
};

const toneOfPhase: Record<InstanceStatus['phase'], Tone> = {
  ready: 'good',
  starting: 'warn',
  stopping: 'warn',
  failing: 'bad',
  backing_off: 'bad',
  stopped: 'bad',
};
