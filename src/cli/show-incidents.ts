import { apiRoot } from '../admin/operations.ts';
import type { AdminTarget } from './admin-client.ts';
import { countText, failuresText } from '#failures/quantity-text.ts';
import { camelCased } from '#failures/json-case.ts';
import type { AskFlags } from './flags.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { CommandFailure, exitCodes } from './command-failure.ts';
import { findAdmin } from './find-admin.ts';
import { extentOf, incidentLines, mostLines, nextStepOf, presentLines, timesOf } from './incident-lines.ts';
import { alignColumns, elapsedText, harmless, shorten, wrap, wrapAfter, printJson } from './layout.ts';
import type { IncidentFlags } from './mark-incident.ts';
import type { ProcessContext } from './process-context.ts';
import { type Style, styleFor } from './style.ts';
import { verdictText } from '../core/incident-words.ts';
import { unusualOf } from '../core/unusual-incident.ts';
import { excerptTitle } from '../core/live-incident.ts';
import type { ExchangeGroupsJson } from '../core/schemas/record.ts';
import type { GatewayStatus } from '../core/schemas/status.ts';
import type { IncidentStatus } from '../core/schemas/incidents.ts';

/** Of routes and endpoints, and of each of their lists. */
const shownMax = 8;

/** Of each of the things that requests may have in common. */
const groupsShown = 2;
const groupCharactersMax = 22;

/** Resolved incidents that a list shows; `--json` has all. */
const resolvedMax = 20;

export interface IncidentsFlags extends AskFlags {
  readonly since?: string | undefined;
}

/** `candor incidents`. Returns the exit code: 1 while an incident goes on. */
export async function showIncidents(flags: IncidentsFlags, context: ProcessContext): Promise<number> {
  const target = await findAdmin(flags, context);
  const query = flags.since === undefined ? '' : `?since=${encodeURIComponent(flags.since)}`;
  const answer = await askGateway(target, 'GET', `${apiRoot}/incidents${query}`, context);
  if (answer.status === 400) throw new CommandFailure('usage', refusal(answer).message);
  if (answer.status !== 200) throw refusal(answer);
  const { incidents } = camelCased(answer.body) as { incidents: readonly IncidentStatus[] };
  const open = incidents.filter(({ resolvedAt }) => resolvedAt === null);
  if (flags.json) printJson(answer.body, context);
  else {
    const style = styleFor(context.stdout, context.env);
    const resolved = incidents.filter(({ resolvedAt }) => resolvedAt !== null).slice(0, resolvedMax);
    const lines = [...open, ...resolved].flatMap((incident) =>
      incidentLines(incident, context.clock.wallTime(), style),
    );
    const none = flags.since === undefined ? 'No incident is known.' : 'No incident since then.';
    const shown = [...(lines.length === 0 ? [none] : lines), ...(await problemLines(target, context))];
    context.stdout.write(`${shown.join('\n')}\n`);
  }
  return open.length > 0 ? exitCodes.failure : exitCodes.ok;
}

/** What is wrong besides, and need not be an incident: problems of applications and upstreams, and where those of the gateway itself are shown. */
async function problemLines(target: AdminTarget, context: ProcessContext): Promise<readonly string[]> {
  const answer = await askGateway(target, 'GET', `${apiRoot}/status`, context);
  if (answer.status !== 200) return [];
  const { problems } = camelCased(answer.body) as GatewayStatus;
  // Such as a crash loop, which is no incident while no request fails, and a problem all the same.
  const others = problems.filter(({ application, upstream }) => application !== undefined || upstream !== undefined);
  const shown = others.flatMap(({ reason }) => wrapAfter(wordOfProblem, harmless(reason), wordOfProblem.length));
  return [...shown, ...ownLines(problems.length - others.length)];
}

const wordOfProblem = 'A problem: ';

function ownLines(count: number): readonly string[] {
  if (count === 0) return [];
  const what =
    count === 1
      ? 'a problem of its own; `candor status` shows it'
      : `${count} problems of its own; \`candor status\` shows them`;
  return wrap(`The gateway has ${what}.`, '');
}

/** `candor incident N`, with what an operator says of it or without. */
export async function incidentOrMarks(flags: IncidentFlags, id: number, context: ProcessContext): Promise<void> {
  const { markIncident, ordersOf } = await import('./mark-incident.ts');
  const orders = ordersOf(flags, context.clock.wallTime());
  return orders.length > 0 ? markIncident(id, orders, flags, context) : showIncident(flags, id, context);
}

async function showIncident(flags: AskFlags, id: number, context: ProcessContext): Promise<void> {
  const target = await findAdmin(flags, context);
  const answer = await askGateway(target, 'GET', `${apiRoot}/incidents/${id}`, context);
  if (answer.status === 404) throw new CommandFailure('not_found', refusal(answer).message);
  if (answer.status !== 200) throw refusal(answer);
  if (flags.json) return printJson(answer.body, context);
  const incident = camelCased(answer.body) as IncidentStatus;
  const style = styleFor(context.stdout, context.env);
  const lines = [
    ...incidentPage(incident, context.clock.wallTime(), style),
    ...(await requestsLines(incident, target, style, context)),
  ];
  context.stdout.write(`${lines.join('\n')}\n`);
}

/** What its requests have in common, and how to list them, where they are stored. */
async function requestsLines(
  { requestsQuery }: IncidentStatus,
  target: AdminTarget,
  style: Style,
  context: ProcessContext,
): Promise<readonly string[]> {
  const answer = await askGateway(target, 'GET', `${apiRoot}/status`, context);
  if (answer.status !== 200 || (camelCased(answer.body) as GatewayStatus).store === null) return [];
  const rows: string[][] = [];
  for (const by of ['path', 'status', 'client', 'endpoint'] as const) {
    const query = new URLSearchParams({ by, query: requestsQuery });
    const groups = await askGateway(target, 'GET', `${apiRoot}/exchange-groups?${query.toString()}`, context);
    if (groups.status === 200) rows.push([by, harmless(groupsText(groups.body as ExchangeGroupsJson))]);
  }
  return [
    '',
    style.bold('REQUESTS'),
    ...alignColumns(
      rows.filter(([, text]) => text !== ''),
      '  ',
    ),
    `  candor logs ${harmless(requestsQuery)}`,
  ];
}

/** '/api/checkout: all 146', '127.0.66.6: 76 %, 127.0.66.3: 12 %, and 4 more' */
function groupsText({ groups, counted }: ExchangeGroupsJson): string {
  const shown = groups.slice(0, groupsShown).map(({ value, count }) => {
    const share = count === counted ? `all ${count}` : `${Math.max(1, Math.round((100 * count) / counted))} %`;
    return `${value === '' ? '(none)' : shorten(value, groupCharactersMax)}: ${share}`;
  });
  return [...shown, ...(groups.length > groupsShown ? [`and ${groups.length - groupsShown} more`] : [])].join(', ');
}

function incidentPage(incident: IncidentStatus, now: number, style: Style): string[] {
  const { id, title, causes, routes, endpoints, suspects } = incident;
  const isOpen = incident.resolvedAt === null;
  const step = nextStepOf(incident);
  const lines = [
    ...wrap(`${style.bold(`Incident ${id}`)}  ${isOpen ? style.bad(harmless(title)) : harmless(title)}`, ''),
    ...wrap(`${extentOf(incident)}, ${timesOf(incident, now)}`, '  '),
    ...mostLines(incident, '  '),
    ...wrap(`${verdictText(incident)}; ${rateText(incident)}`, '  '),
    ...presentLines(incident).flatMap((line) => wrap(harmless(line), '  ')),
    '',
    style.bold('PROBABLY'),
    ...suspectLines(suspects, step, style),
    ...correctedLines(incident),
    ...additionLines(incident, step, style),
    ...stepLines(step, style),
    ...excerptLines(incident, style),
    ...findingLines(incident, now, style),
  ];
  const kinds = causes.map(({ cause, isConsequence, ...counts }) => [
    failuresText(counts),
    cause,
    isConsequence ? style.dim('follows from the others') : '',
  ]);
  const counted = (failed: number, name: string, rest: string): string[] => [
    countText(failed, 'request'),
    harmless(shorten(name, 50)),
    rest,
  ];
  return [
    ...lines,
    ...table(unusualOf(incident) === null ? 'FAILURES' : 'RESPONSES', kinds, style),
    ...table('UPSTREAMS', upstreamRows(incident), style),
    ...table(
      'ROUTES',
      routes.map(({ route, failed }) => counted(failed, route === '' ? '(none)' : route, '')),
      style,
    ),
    ...table(
      'ENDPOINTS',
      endpoints.map(({ endpoint, failed, attempts }) => [
        `${failed} of ${countText(attempts, 'attempt')}`,
        harmless(shorten(endpoint, 50)),
      ]),
      style,
    ),
  ];
}

/** `step`: that of the incident, which is shown once. */
function suspectLines(suspects: IncidentStatus['suspects'], step: string | undefined, style: Style): string[] {
  if (suspects.length === 0) return ['  What has caused it is not known.'];
  const printed = new Set<string>();
  return suspects.flatMap(({ sentence, evidence, refutedBy, nextStep }, index) => {
    // Several suspects rest on the same facts.
    const facts = evidence.filter((fact) => !printed.has(fact));
    for (const fact of facts) printed.add(fact);
    return [
      ...wrapAfter(`  ${index + 1}.`, harmless(sentence), 5),
      ...facts.flatMap((fact) => wrapAfter('     ·', harmless(fact), 7)).map(style.dim),
      ...(refutedBy === undefined ? [] : wrapAfter('     ·', harmless(`against it: ${refutedBy}`), 7)),
      ...(nextStep === step ? [] : wrapAfter('     →', harmless(nextStep), 7)),
    ];
  });
}

/** Of several. */
function upstreamRows({ upstreams }: IncidentStatus): readonly (readonly string[])[] {
  if (upstreams.length < 2) return [];
  return upstreams.map(({ upstream, ...counts }) => [
    failuresText(counts),
    harmless(shorten(upstream === '' ? '(none)' : upstream, 50)),
  ]);
}

function additionLines({ additions, joined }: IncidentStatus, step: string | undefined, style: Style): string[] {
  const part = joined === null ? [] : ['', ...wrap(`It is part of incident ${joined}.`, '  ')];
  if (additions.length === 0) return part;
  const lines = additions.flatMap(({ reason, suspects: [first] }) => [
    ...wrapAfter('  ·', harmless(reason), 4),
    ...(first?.evidence ?? []).flatMap((fact) => wrapAfter('    ·', harmless(fact), 6)).map(style.dim),
    ...(first === undefined || first.nextStep === step ? [] : wrapAfter('    →', harmless(first.nextStep), 6)),
  ]);
  return [...part, '', style.bold('ALSO'), ...lines];
}

const correctedLines = ({ corrected }: IncidentStatus): string[] =>
  corrected === null
    ? []
    : wrap(harmless(`Until ${corrected.at.slice(11, 19)}Z: ${corrected.from?.sentence ?? 'not known.'}`), '  ');

const stepLines = (step: string | undefined, style: Style): string[] =>
  step === undefined ? [] : ['', style.bold('NEXT STEP'), ...wrapAfter('  →', harmless(step), 4)];

function excerptLines({ excerpts = [] }: IncidentStatus, style: Style): string[] {
  if (excerpts.length === 0) return [];
  const shown = excerpts.flatMap((one) => [
    ...wrapAfter('  ·', harmless(`${excerptTitle(one)}, at ${one.at.slice(11, 19)}Z:`), 4),
    ...one.lines.flatMap((line) => wrap(harmless(line), ' '.repeat(6))).map(style.dim),
  ]);
  return ['', style.bold('SAID BY THE APPLICATION'), ...shown];
}

function findingLines({ findings, findingsAt, interrupted }: IncidentStatus, now: number, style: Style): string[] {
  const age = findingsAt === null ? '' : `  ${elapsedText((now - Date.parse(findingsAt)) / 1000)} ago`;
  const ended = interrupted
    ? ['', ...wrap('The gateway ended while it went on: whether it was resolved is not known.', '  ')]
    : [];
  if (findings.length === 0) return ended;
  return [
    ...ended,
    '',
    `${style.bold('SEEN AT ONCE')}${age}`,
    ...findings.flatMap((finding) => wrapAfter('  ·', harmless(finding), 4)),
  ];
}

function table(title: string, rows: readonly (readonly string[])[], style: Style): string[] {
  if (rows.length === 0) return [];
  const more = rows.length > shownMax ? [style.dim(`  and ${rows.length - shownMax} more`)] : [];
  return ['', style.bold(title), ...alignColumns(rows.slice(0, shownMax), '  '), ...more];
}

function rateText({ requestsPerSBefore, requestsPerSDuring }: IncidentStatus): string {
  const before = requestsPerSBefore === null ? '' : ` (${requestsPerSBefore} before)`;
  return `${requestsPerSDuring} requests/s${before}`;
}
