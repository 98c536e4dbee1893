import type { PlannedRun } from '../testing/torture/play.ts';
import type { TortureGroup } from '../testing/torture/stage.ts';
import type { TortureObstacle, TortureReport } from '../testing/torture/torture.ts';
import type { TortureRun } from '../testing/torture/torture-run.ts';
import { tortureCases } from '../testing/torture/cases.ts';
import { tortureParts, type TortureVerdict } from '../testing/torture/torture-case.ts';
import {
  alignColumns,
  columnsMax,
  durationText,
  harmless,
  padTo,
  shorten,
  widthOf,
  wrap,
  wrapAfter,
} from './layout.ts';
import type { Style } from './style.ts';
import type { ListenAddress } from './flags.ts';

/**
 * The configuration that the gateway needs, printed before the first request and by `--setup`. Cases that cannot be tried
 * need no route.
 */
export function setupLines(groups: readonly TortureGroup[], style: Style): string[] {
  const wanted = groups.filter(({ missing }) => missing === null);
  const speaksTls = ({ url }: TortureGroup): boolean => url.startsWith('https:');
  const secure = wanted.filter(speaksTls);
  return [
    ...wrap('The gateway must forward requests under these paths to these addresses, with the path unchanged:', ''),
    '',
    ...groupLines(
      wanted.filter((group) => !speaksTls(group)),
      style,
    ),
    '',
    ...(secure.length === 0 ? [] : ['With --ca-file, over TLS:', '', ...groupLines(secure, style), '']),
    ...wrap(
      'Only /plain is required; the report lists paths without a route as not set up. Use short timeouts in the gateway: 1 s to connect, 2 s for a response head and between bytes. docs/torture.md has configurations.',
      '',
    ),
  ];
}

/** Path, address and description. The description gets a line of its own if the address leaves no room. */
function groupLines(groups: readonly TortureGroup[], style: Style): string[] {
  const rows = alignColumns(
    groups.map(({ path, url, is }) => [style.name(path), url, style.dim(is)]),
    '  ',
  );
  if (rows.every((row) => widthOf(row) <= columnsMax)) return rows;
  return groups.flatMap(({ path, url, is }) => [`  ${style.name(path)}`, `    ${url}`, `    ${style.dim(is)}`]);
}

/** Overwrites its previous text on the line. */
export function progressText({ of, request, on }: PlannedRun, done: number, all: number): string {
  const text = `${String(done + 1).padStart(String(all).length)} of ${all}  ${of.id} ${request.method} ${on}`;
  return `\r\u001b[K${shorten(text, columnsMax - 1)}`;
}

/** The matrix: one line for each outcome of a case, with the reason if it is not right. */
export function tortureLines(report: TortureReport, style: Style): string[] {
  const outcomes = mergeAlike(report.runs.filter(({ verdict }) => verdict !== null));
  const [titles = '', ...table] = alignColumns([columnTitles, ...outcomes.map((outcome) => cells(outcome, style))]);
  const lines = outcomes.flatMap((outcome, index) => [
    ...headingLines(outcome, outcomes[index - 1], style),
    table[index] ?? '',
    ...reasonLines(outcome, style),
  ]);
  return [style.bold(titles), ...lines, '', ...notSetUpLines(report), ...scoreLines(report, style)];
}

/** The heading of a part of the journey. */
function headingLines({ first: { part } }: Outcome, before: Outcome | undefined, style: Style): string[] {
  return part === before?.first.part ? [] : ['', style.bold(tortureParts[part])];
}

const columnTitles = ['  CASE', 'REQUEST', 'STATUS', 'END', 'TIME', 'SEEN'];

function cells({ runs, first: { case: name, verdict, seen } }: Outcome, style: Style): string[] {
  return [
    `${verdictMark(verdict, style)} ${shorten(name, 26)}`,
    requestText(runs),
    statusText(seen),
    endText(seen),
    durationText(slowestMs(runs)).replace(/\.\d ms/, ' ms'),
    String(seen?.origin_saw ?? ''),
  ];
}

function statusText(seen: TortureRun['seen']): string {
  return String(seen?.status ?? '-');
}

function endText(seen: TortureRun['seen']): string {
  return seen === null ? '' : seen.completeness.replace('not_http', 'no HTTP');
}

function reasonLines({ first: { verdict, why, seen } }: Outcome, style: Style): string[] {
  if (verdict === null) return [];
  if (verdict === 'right')
    return seen?.by === 'gateway' ? [style.dim(`  ${saidText(seen)}`)].filter((line) => line.trim() !== '') : [];
  const label = `  ${verdict}: `;
  const lines = wrapAfter(' '.repeat(label.length), why, label.length);
  const first = colourOf(verdict, style)(label) + (lines[0] ?? '').slice(label.length);
  const said = saidText(seen);
  return [first, ...lines.slice(1), ...(said === '' ? [] : [style.dim(padTo('', label.length) + said)])];
}

/** The gateway's explanation on one line: the cause if it named one, or else the beginning of its page. */
function saidText(seen: TortureRun['seen']): string {
  if (seen === null || seen.by !== 'gateway') return '';
  const suffix = seen.cause_named === 'wrong' ? ', which is not so' : '';
  if (seen.errors_named.length > 0) return `Proxy-Status: ${seen.errors_named.map(harmless).join(', ')}${suffix}`;
  const server = seen.server === null ? '' : `${harmless(seen.server)}: `;
  const text = harmless(seen.excerpt.replace(/<[^>]*>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim();
  return text === '' && server === '' ? '' : shorten(`${server}"${text}"`, 60);
}

function notSetUpLines({ runs }: TortureReport): string[] {
  const without = runs.filter(({ verdict }) => verdict === null);
  const whys = (of: readonly TortureRun[]): string[] =>
    [...new Set(of.map(({ why }) => why))].flatMap((why) => wrap(why, '  '));
  const left = whys(without.filter(({ seen }) => seen === null));
  const notJudged = without.filter(({ seen }) => seen !== null);
  const names = mergeAlike(notJudged).map((outcome) => `${outcome.first.case} ${requestText(outcome.runs)}`);
  return [
    ...(left.length === 0 ? [] : ['Not set up:', ...left, '']),
    ...(names.length === 0 ? [] : [...whys(notJudged), ...wrap(names.join(', '), '    '), '']),
  ];
}

function scoreLines({ gateway, score, finished }: TortureReport, style: Style): string[] {
  const judged = score.right + score.acceptable + score.misleading + score.dangerous;
  return [
    ...(finished ? [] : [style.warn('Interrupted: results until then.')]),
    `${style.bold(`${score.points} of 100`)}  ${harmless(gateway)}, ${judged} exchanges`,
    [
      style.good(`${score.right} right`),
      `${score.acceptable} acceptable`,
      style.warn(`${score.misleading} misleading`),
      `${style.bad(`${score.dangerous} dangerous`)}; ${score.hangs} of them left clients waiting`,
    ].join(', '),
    '',
    ...alignColumns(
      [
        ['failures with the right status', `${score.failures_told} of ${score.failures}`],
        ['broken bodies visible as broken', `${score.truncations_told} of ${score.truncations}`],
        ['own failures with their cause', `${score.causes_named} of ${score.causes}`],
        ['own failures with a wrong cause', `${score.causes_misnamed} of ${score.causes}`],
        ['POSTs that reached the origin twice', `${score.unsafe_replays}`],
      ],
      '  ',
    ),
  ];
}

function verdictMark(verdict: TortureVerdict | null, style: Style): string {
  if (verdict === null) return ' ';
  return colourOf(verdict, style)({ right: '✔', acceptable: '~', misleading: '✖', dangerous: '‼' }[verdict]);
}

function colourOf(verdict: TortureVerdict, style: Style): (text: string) => string {
  if (verdict === 'right') return style.good;
  if (verdict === 'acceptable') return style.name;
  return verdict === 'misleading' ? style.warn : style.bad;
}

/** Why no case could be tried, and what to do. */
export function obstacleText(found: TortureObstacle, listen: ListenAddress, url: URL): string {
  switch (found.kind) {
    case 'no_such_case':
      return `No case has a name with this text. The cases are ${tortureCases.map(({ id }) => id).join(', ')}.`;
    case 'stopped':
      return 'Interrupted before the first exchange.';
    case 'cannot_listen':
      return `The torture origin cannot listen on ${listen.host}:${listen.port}: ${found.errno}. Choose another address with --origin-listen.`;
    case 'gateway_unreachable':
      return unreachableText(found.errno, url);
    case 'not_routed':
      return notRoutedText(found, url);
  }
}

/** Codes of the system begin with an E. Other codes say why there is no TLS session. */
function unreachableText(errno: string | null, url: URL): string {
  if (url.protocol === 'https:' && errno !== null && !/^E[A-Z]+$/.test(errno))
    return `There is no TLS session with ${url.href}: ${errno}. For a gateway without TLS use http://…; --insecure accepts any certificate.`;
  const code = errno === null ? '' : ` (${errno})`;
  return `Nothing answers at ${url.href}${code}. Start the gateway, and use its address.`;
}

function notRoutedText(found: Extract<TortureObstacle, { kind: 'not_routed' }>, url: URL): string {
  const plain = found.stage[0];
  const answer = found.status === null ? 'no HTTP answer' : `a ${found.status}`;
  const reached =
    found.originSaw > 0
      ? 'The request reached the torture origin, but its response came back changed: the gateway must forward the header X-Fault-Id.'
      : `No request reached the torture origin: the gateway must forward ${plain?.path ?? '/plain'} to ${plain?.url ?? ''}.`;
  return `A plain request to ${url.href} got ${answer}${found.server === null ? '' : ` of ${harmless(found.server)}`}. ${reached}`;
}

/** Runs of one case with the same outcome. */
export interface Outcome {
  readonly runs: readonly TortureRun[];
  readonly first: TortureRun;
}

/** Groups the runs of each case by outcome, in the order of the runs. */
export function mergeAlike(runs: readonly TortureRun[]): Outcome[] {
  const byKey = Map.groupBy(runs, ({ case: name, verdict, why, seen }) =>
    [name, verdict, why, seen?.status, seen?.completeness, seen?.origin_saw, seen?.cause_named].join('\n'),
  );
  return [...byKey.values()].flatMap((alike) => (alike[0] === undefined ? [] : [{ runs: alike, first: alike[0] }]));
}

/** 'GET,POST', and the kinds of connection if they differ. */
export function requestText(runs: readonly TortureRun[]): string {
  const methods = [...new Set(runs.map(({ method }) => method))].join(',');
  const ages = new Set(runs.map(({ on }) => on));
  return ages.size === 2 ? methods : `${methods} ${[...ages].join('')}`;
}

export function slowestMs(runs: readonly TortureRun[]): number {
  return Math.max(...runs.map((run) => run.seen?.ms ?? 0));
}
