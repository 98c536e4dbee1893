import { elapsedText, harmless, wrap, wrapAfter, countText } from './layout.ts';
import { statusMark, type Style } from './style.ts';
import { unusualOf } from '../core/unusual-incident.ts';
import type { IncidentStatus } from '../core/schemas/incidents.ts';
import type { AlertTargetStatus } from '../core/schemas/alerts.ts';

/** Two lines and more: for lists, and for the status. */
export function incidentLines(incident: IncidentStatus, now: number, style: Style): string[] {
  const isOpen = incident.resolvedAt === null;
  const mark = statusMark(isOpen ? 'bad' : 'dim', style);
  const head = `${isOpen ? style.bad(incident.title) : incident.title}: ${extentOf(incident)}, ${timesOf(incident, now)}`;
  const [suspect] = incident.suspects;
  const step = nextStepOf(incident);
  return [
    ...wrapAfter(`  ${mark} ${incident.id}`, harmless(head), 8),
    ...mostLines(incident, ' '.repeat(8)),
    ...presentLines(incident).flatMap((line) => wrap(harmless(line), ' '.repeat(8))),
    ...wrap(harmless(suspect?.sentence ?? 'What has caused it is not known.'), ' '.repeat(8)),
    ...incident.additions.flatMap(({ reason }) => wrap(harmless(reason), ' '.repeat(8))),
    ...(step === undefined || !isOpen ? [] : wrapAfter('        →', harmless(step), 10).map(style.dim)),
  ];
}

/** Which requests fail, where most of them are alike. */
export const mostLines = ({ most }: IncidentStatus, indent: string): readonly string[] =>
  most === undefined ? [] : wrap(harmless(most.sentence), indent);

/** What has become of one that goes on, and what operators have said of it. */
export function presentLines({ rarer, marks }: IncidentStatus): readonly string[] {
  return [...(rarer === null ? [] : [rarer.sentence]), ...marks];
}

/** For the cause with which requests fail now; of an incident that is over, for the first suspect. */
export function nextStepOf({ nextStep, suspects: [suspect] }: IncidentStatus): string | undefined {
  return nextStep ?? suspect?.nextStep;
}

export function extentOf(incident: IncidentStatus): string {
  const { failed, attemptsFailed, requests, answers } = incident;
  const unusual = unusualOf(incident);
  if (unusual === 'late') return `${failed} of ${requests} requests took longer than usual`;
  if (unusual === 'otherwise') return `${failed} of ${requests} requests were answered with ${answers?.now ?? '4xx'}`;
  return failed === 0
    ? `${attemptsFailed} attempts failed, hidden from clients by retries`
    : `${failed} of ${requests} requests failed`;
}

export function timesOf({ startedAt, lastAt, resolvedAt }: IncidentStatus, now: number): string {
  const [from, last] = [Date.parse(startedAt), Date.parse(lastAt)];
  const since = `since ${startedAt.slice(11, 19)}Z (${elapsedText((now - from) / 1000)})`;
  if (resolvedAt === null) return since;
  const lasted = Math.max(1, Math.round((last - from) / 1000));
  return `${startedAt.slice(0, 19).replace('T', ' ')}Z, for ${elapsedText(lasted)}`;
}

/** Who is told of incidents, and whether messages arrive. */
export function alertTargetLines(targets: readonly AlertTargetStatus[], now: number, style: Style): string[] {
  return targets.flatMap((target) => targetLines(target, now, style));
}

function targetLines(
  { id, type, destination, queued, sent, tests, failed, lastSentAt, failure }: AlertTargetStatus,
  now: number,
  style: Style,
): string[] {
  const last = lastSentAt === null ? '' : `, the last ${elapsedText((now - Date.parse(lastSentAt)) / 1000)} ago`;
  const counts = [
    `${sent} sent${last}`,
    ...(tests > 0 ? [countText(tests, 'test')] : []),
    ...(queued > 0 ? [`${queued} waiting`] : []),
    ...(failed > 0 ? [`${failed} given up`] : []),
  ];
  const head = `${style.bold(harmless(id))}  ${type} ${harmless(destination)}: ${counts.join(', ')}`;
  return [
    ...wrapAfter(`  ${statusMark(failure === null ? 'good' : 'bad', style)}`, head, 5),
    ...(failure === null ? [] : wrap(harmless(`${failure.reason}.`), '        ')),
    ...(failure === null ? [] : wrap(harmless(failure.nextStep), '        ').map(style.dim)),
  ];
}
