import { classOf, isSuspicious } from '#explain/finding.ts';
import type {
  CauseTotal,
  Example,
  Hint,
  LeftOut,
  Incident,
  NameTotal,
  SummaryReport,
  Suspect,
  TimelineReport,
} from '#explain/summary-report.ts';
import { alignColumns, columnsMax, harmless, padTo, shorten, wrap, wrapAfter } from '../layout.ts';
import type { Style } from '../style.ts';
import { fixLines, snippetLines } from './line-verdicts.ts';
import {
  findingShapeWords,
  formatText,
  gatewayWords,
  manyText,
  numberText,
  spanText,
  positionText,
  timeText,
  unknownFormatWords,
  upstreamShapeWords,
  intervalText,
  timeAfter,
  clockNotes,
  countNotes,
  headline,
  confidenceWords,
  incidentHead,
  incidentSpan,
  partsText,
  shownIncidents,
  retriedWords,
  suspectWords,
} from '#explain/report/finding-words.ts';

/** The summary of a log within 80 columns: counts by shape, time, upstream and cause, and then what to do about each. */
export function summaryLines(report: SummaryReport, style: Style): string[] {
  return [
    ...headLines(report, style),
    ...section('SHAPES', shapeLines(report, style), style),
    ...timelineLines(report.timeline, style),
    ...section('INCIDENTS', incidentLines(report, style), style),
    ...section('UPSTREAMS', upstreamLines(report), style),
    ...section('PATHS', nameLines(report.paths), style),
    ...section('HOSTS', report.hosts.length > 1 ? nameLines(report.hosts) : [], style),
    ...section('CLIENTS', report.clients.length > 1 ? nameLines(report.clients) : [], style),
    ...section(
      'SUSPECTS',
      report.suspects.flatMap((suspect) => suspectLines(suspect, style)),
      style,
    ),
    ...section('CAUSES AND FIXES', causeLines(report, style), style),
    ...section('RETRIED AND ANSWERED', retriedLines(report, style), style),
    ...section('NOT CAUSED BY THE GATEWAY', othersLines(report), style),
    ...section('EVENTS', eventLines(report), style),
    ...section(
      'TO LOG MORE',
      report.hints.flatMap((hint) => hintLines(hint, style)),
      style,
    ),
  ];
}

function section(title: string, lines: readonly string[], style: Style): string[] {
  return lines.length === 0 ? [] : ['', style.bold(title), ...lines];
}

function headLines(report: SummaryReport, style: Style): string[] {
  const { failures, unclear, recognised, unrecognised } = report;
  const colour =
    recognised === 0 || (failures === 0 && unclear > 0) ? style.warn : failures > 0 ? style.bad : style.good;
  const span = spanText(report);
  const rows = report.byGateway.map(({ gateway, format, lines: count, failures: failed }) => [
    formatText(gateway, format),
    manyText(count, 'line'),
    failed === 0 ? '' : manyText(failed, 'failure'),
  ]);
  return [
    colour(headline(report)),
    ...(span === null ? [] : wrap(span, '  ').map(style.dim)),
    ...alignColumns(rows, '  ').map((row) => shorten(row, columnsMax)),
    ...countNotes(report).flatMap((text) => wrap(text, '  ')),
    ...clockNotes(report).flatMap((text) => wrap(text, '  ').map(style.dim)),
    ...(recognised === 0 && unrecognised > 0 ? ['', ...wrap(unknownFormatWords, '')] : []),
  ];
}

const barColumns = 32;

function shapeLines({ byShape }: SummaryReport, style: Style): string[] {
  const most = Math.max(1, ...byShape.map(({ count }) => count));
  const labels = Math.max(...byShape.map(({ shape }) => findingShapeWords[shape].length));
  const counts = Math.max(...byShape.map(({ count }) => numberText(count).length));
  return byShape.map(({ shape, count }) => {
    const found = classOf({ shape });
    const colour = found === 'failure' ? style.bad : found === 'unclear' ? style.warn : style.dim;
    const bar = '█'.repeat(Math.max(1, Math.round((count / most) * barColumns)));
    return `  ${padTo(findingShapeWords[shape], labels)}  ${numberText(count).padStart(counts)}  ${colour(bar)}`;
  });
}

function incidentLines({ incidents, incidentsLeftOut }: SummaryReport, style: Style): string[] {
  const { shown, leftOut } = shownIncidents(incidents, incidentsLeftOut);
  return [...shown.flatMap((incident) => incidentText(incident, style)), ...leftOutLines(leftOut, 'incident')];
}

function incidentText(incident: Incident, style: Style): string[] {
  const { root, cause } = incident;
  const began = root.isConsequence
    ? 'Its cause is not in this log; the first consequence:'
    : `It began with: ${harmless(root.sentence)}`;
  return [
    style.bad(`  ${incidentSpan(incident)}`),
    ...wrap(harmless(incidentHead(incident)), '    '),
    ...wrap(partsText(incident), '    '),
    ...(cause === null ? [] : causeOfIncident(cause, style)),
    ...wrap(began, '    '),
    exampleLine(root, style),
  ];
}

function causeOfIncident(cause: NonNullable<Incident['cause']>, style: Style): string[] {
  const label = confidenceWords[cause.confidence];
  const words = `${harmless(cause.sentence)} (${timeText(cause.atMs).slice(11)})`;
  return [
    ...wrapAfter(`    ${style.bold(label)}:`, words, 6 + label.length),
    ...wrap(`${cause.reason}.`, '      ').map(style.dim),
    exampleLine(cause, style),
    ...fixLines(cause.fix, '    fix', 9, style),
  ];
}

/** The evidence, as much as fits on a line or two. */
function evidenceLines(evidence: readonly string[], style: Style): string[] {
  const words = evidence.slice(0, 4).map((text) => shorten(harmless(text), 70));
  return words.length === 0 ? [] : wrap(words.join(' · '), '    ').map(style.dim);
}

/** The log line itself, on one line of the terminal. */
function exampleLine(example: Example, style: Style): string {
  return style.dim(shorten(`    ${harmless(positionText(example))}: ${harmless(example.text)}`, columnsMax));
}

function nameLines(names: readonly NameTotal[]): string[] {
  return alignColumns(
    names.slice(0, namesShown).map(({ name, count }) => [shorten(harmless(name), 60), numberText(count)]),
    '  ',
  );
}

/** The page and JSON have more. */
const namesShown = 5;

function upstreamLines({ upstreams, upstreamsLeftOut }: SummaryReport): string[] {
  const rows = upstreams.map((total) => [
    shorten(harmless(total.upstream), 40),
    numberText(total.failures),
    upstreamShapeWords(total),
  ]);
  return [...alignColumns(rows, '  '), ...leftOutLines(upstreamsLeftOut, 'upstream')];
}

function suspectLines({ name, count, sentence, evidence, fix }: Suspect, style: Style): string[] {
  return [
    `  ${style.warn(suspectWords[name])}, ${manyText(count, 'failure')}`,
    ...wrap(harmless(sentence), '    '),
    ...evidenceLines(evidence, style),
    ...fixLines(fix, '    fix', 9, style),
  ];
}

function causeLines({ byCause, causesLeftOut, hints }: SummaryReport, style: Style): string[] {
  const failures = byCause.filter((cause) => isSuspicious(cause));
  const lines = failures.flatMap((cause, index) => [...(index === 0 ? [] : ['']), ...causeText(cause, hints, style)]);
  return [...lines, ...leftOutLines(causesLeftOut, 'cause', 'line')];
}

function causeText(cause: CauseTotal, hints: readonly Hint[], style: Style): string[] {
  const { count, shape, type, gateway, sentence, evidence, fix, examples, isConsequence } = cause;
  const name = `${findingShapeWords[shape]}${type === null ? '' : ` (${type})`}, ${gatewayWords[gateway]}`;
  const example = examples[0];
  const isHint = shape === 'unknown' && hints.some((hint) => hint.gateway === gateway && hint.fix.text === fix?.text);
  return [
    `  ${style.bad(numberText(count))} × ${style.bold(name)}`,
    ...wrap(`${harmless(sentence)}${isConsequence ? ' It is a consequence of an earlier failure.' : ''}`, '    '),
    ...evidenceLines(evidence, style),
    ...(example === undefined ? [] : [exampleLine(example, style)]),
    ...fixLines(isHint ? seeHint : fix, '    fix', 9, style),
  ];
}

/** The fix for unknown causes is printed once for all of them. */
const seeHint = { text: 'See below how to log more', snippet: null };

/** Attempts that failed, and that no client noticed. */
function retriedLines({ retries, retriesLeftOut }: SummaryReport, style: Style): string[] {
  const lines = retries.flatMap((total) => {
    const label = `  ${numberText(total.count)} × `;
    const said = wrapAfter(label, harmless(retriedWords(total)), label.length);
    return total.example === null ? said : [...said, exampleLine(total.example, style)];
  });
  return [...lines, ...leftOutLines(retriesLeftOut, 'kind', 'attempt')];
}

/** The application's own errors and clients that left: no failures of the gateway, but of interest. */
function othersLines({ byCause }: SummaryReport): string[] {
  return byCause
    .filter((cause) => !isSuspicious(cause) && cause.shape !== 'none')
    .flatMap(({ count, sentence }) => {
      const label = `  ${numberText(count)} × `;
      return wrapAfter(label, harmless(sentence), label.length);
    });
}

function eventLines({ events, eventsLeftOut }: SummaryReport): string[] {
  const lines = events.flatMap(({ count, sentence, gateway, firstMs }) => {
    const label = `  ${numberText(count)} × `;
    const when = firstMs === null ? '' : ` (${count === 1 ? '' : 'first at '}${timeText(firstMs)})`;
    return wrapAfter(label, `${gatewayWords[gateway]}: ${harmless(sentence)}${when}`, label.length);
  });
  return [...lines, ...leftOutLines(eventsLeftOut, 'kind', 'event')];
}

function hintLines({ gateway, format, count, fix }: Hint, style: Style): string[] {
  return [
    ...wrap(`${manyText(count, 'line')} of ${formatText(gateway, format)}: ${harmless(fix.text)}`, '  '),
    ...snippetLines(fix, style, 4),
  ];
}

function leftOutLines({ kinds, count }: LeftOut, noun: string, counted = 'failure'): string[] {
  if (count === 0) return [];
  const which = kinds === null ? `further ${noun}s` : `${numberText(kinds)} further ${noun}${kinds === 1 ? '' : 's'}`;
  return [`  and ${manyText(count, counted)} of ${which}`];
}

const heights = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/** With more intervals than this, two share a column. */
const columnsShown = 72;

/** One row of bars for each of them that occurs. */
const rows: readonly (readonly [words: string, key: 'failures' | 'unclear' | 'appErrors', colour: 'bad' | 'warn'])[] = [
  ['gateway failures', 'failures', 'bad'],
  ['failed requests of unclear origin', 'unclear', 'warn'],
  ["the application's own errors", 'appErrors', 'warn'],
];

/**
 * Failures over time as one row of bars, and what is no certain failure as further rows. Returns no lines if no line of the
 * log has a time.
 */
function timelineLines(timeline: TimelineReport, style: Style): string[] {
  const { intervals, intervalMs } = timeline;
  const first = intervals[0];
  const last = intervals.at(-1);
  if (first === undefined || last === undefined) return [];
  const together = Math.max(1, Math.ceil(intervals.length / columnsShown));
  const shown = rows
    .map(([words, key, colour]) => ({
      words,
      colour,
      counts: sums(
        intervals.map((one) => one[key]),
        together,
      ),
    }))
    .filter(({ counts }) => counts.some((count) => count > 0));
  if (shown.length === 0) return [];
  const most = Math.max(...shown.flatMap(({ counts }) => counts));
  const span = `${timeText(first.startMs)} to ${timeAfter(last.startMs + intervalMs, first.startMs)}`;
  const words = shown.map((row) => row.words);
  return [
    '',
    `${style.bold('TIMELINE')}  ${span}`,
    ...shown.map(({ counts, colour }) => `  │${style[colour](bars(counts, most))}│`),
    ...legendLines(intervalMs * together, most, words).map(style.dim),
    ...undatedLines(timeline),
  ];
}

function legendLines(columnMs: number, most: number, words: readonly string[]): string[] {
  const named = words.length === 1 ? `; ${words[0]}` : `; from above: ${words.join(', ')}`;
  return wrap(`${intervalText(columnMs)} a column, ${numberText(most)} at the most${named}`, '  ');
}

function undatedLines({ undated }: TimelineReport): string[] {
  return [...(undated === 0 ? [] : [`  ${manyText(undated, 'line')} without a time`])];
}

function bars(counts: readonly number[], most: number): string {
  // A single failure among thousands is still visible.
  return counts.map((count) => heights[Math.ceil((count / most) * (heights.length - 1))]).join('');
}

function sums(counts: readonly number[], together: number): number[] {
  const summed: number[] = [];
  counts.forEach((count, index) => {
    const column = Math.floor(index / together);
    summed[column] = (summed[column] ?? 0) + count;
  });
  return summed;
}
