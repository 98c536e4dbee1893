import { isGatewayFailure } from '../../diagnose/finding.ts';
import type {
  CauseTotal,
  Example,
  Hint,
  LeftOut,
  FailureBurst,
  SummaryReport,
  Suspect,
} from '../../diagnose/summary-report.ts';
import { alignColumns, columnsMax, harmless, padTo, shorten, wrap, wrapAfter } from '../layout.ts';
import type { Style } from '../style.ts';
import { fixLines, snippetLines } from './finding-text.ts';
import {
  findingShapeWords,
  formatText,
  gatewayWords,
  manyText,
  numberText,
  spanText,
  timeAfter,
  timeText,
  unknownFormatWords,
  upstreamShapeWords,
} from './finding-words.ts';
import { maybeTwice } from './maybe-twice.ts';
import { rateText, burstSize, worstFirst } from './burst-order.ts';
import { suspectWords } from './suspect-words.ts';
import { timelineLines } from './timeline-text.ts';

/** The summary of a log within 80 columns: counts by shape, time, upstream and cause, and then what to do about each. */
export function summaryLines(report: SummaryReport, style: Style): string[] {
  return [
    ...headLines(report, style),
    ...section('SHAPES', shapeLines(report, style), style),
    ...timelineLines(report.timeline, style),
    ...section('FAILURE BURSTS', burstLines(report, style), style),
    ...section('UPSTREAMS', upstreamLines(report), style),
    ...section(
      'SUSPECTS',
      report.suspects.flatMap((suspect) => suspectLines(suspect, style)),
      style,
    ),
    ...section('CAUSES AND FIXES', causeLines(report, style), style),
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
  const { failures, lines, recognised, unrecognised, consequences, repeats } = report;
  const of = manyText(lines, 'line');
  const head =
    recognised === 0
      ? style.warn(`No line was recognised in ${of}`)
      : failures === 0
        ? style.good(`No gateway failure in ${of}`)
        : style.bad(`${manyText(failures, 'gateway failure')} in ${of}`);
  const span = spanText(report);
  const rows = report.byGateway.map(({ gateway, format, lines: count, failures: failed }) => [
    formatText(gateway, format),
    manyText(count, 'line'),
    failed === 0 ? '' : manyText(failed, 'failure'),
  ]);
  return [
    head,
    ...(span === null ? [] : wrap(span, '  ').map(style.dim)),
    ...alignColumns(rows, '  ').map((row) => shorten(row, columnsMax)),
    ...(unrecognised === 0 ? [] : [`  ${manyText(unrecognised, 'line')} in an unknown format`]),
    ...(consequences === 0
      ? []
      : wrap(`${numberText(consequences)} of the failures were consequences of others`, '  ')),
    ...(repeats === 0
      ? []
      : wrap(`${manyText(repeats, 'line')} reported a failure that another line had reported`, '  ')),
    ...maybeTwice(report).flatMap((text) => wrap(text, '  ')),
    ...(recognised === 0 && unrecognised > 0 ? ['', ...wrap(unknownFormatWords, '')] : []),
  ];
}

const barColumns = 32;

function shapeLines({ byShape }: SummaryReport, style: Style): string[] {
  const most = Math.max(1, ...byShape.map(({ count }) => count));
  const labels = Math.max(...byShape.map(({ shape }) => findingShapeWords[shape].length));
  const counts = Math.max(...byShape.map(({ count }) => numberText(count).length));
  return byShape.map(({ shape, count }) => {
    const colour = isGatewayFailure({ shape }) ? style.bad : style.dim;
    const bar = '█'.repeat(Math.max(1, Math.round((count / most) * barColumns)));
    return `  ${padTo(findingShapeWords[shape], labels)}  ${numberText(count).padStart(counts)}  ${colour(bar)}`;
  });
}

/** Bursts that are shown; the page and JSON have more. */
const burstsShown = 5;

/** The largest bursts first. A burst smaller than a twentieth of the largest is background noise and is left out. */
function burstLines({ bursts, burstsLeftOut }: SummaryReport, style: Style): string[] {
  const sorted = worstFirst(bursts);
  const least = burstSize(sorted[0]) / 20;
  const worst = sorted.slice(0, burstsShown).filter((burst) => burstSize(burst) >= least);
  const passedOver = sorted.slice(worst.length);
  const leftOut = {
    kinds: burstsLeftOut.kinds === null ? null : burstsLeftOut.kinds + passedOver.length,
    count: passedOver.reduce((sum, burst) => sum + burstSize(burst), burstsLeftOut.count),
  };
  return [...worst.flatMap((burst) => burstText(burst, style)), ...leftOutLines(leftOut, 'failure burst')];
}

function burstText(burst: FailureBurst, style: Style): string[] {
  const { startMs, endMs, root, shape, type, upstream, gateway } = burst;
  const when = `${timeText(startMs)} to ${timeAfter(endMs, startMs)}`;
  const where = upstream === null ? gatewayWords[gateway] : harmless(upstream);
  const what = `${findingShapeWords[shape]}${type === null ? '' : ` (${type})`} at ${where}`;
  const rate = rateText(burst);
  const began = root.isConsequence
    ? 'Its cause is not in this log; the first consequence:'
    : `It began with: ${harmless(root.sentence)}`;
  return [
    style.bad(`  ${when}`),
    ...wrap(what, '    '),
    ...wrap(rate, '    '),
    ...wrap(began, '    '),
    exampleLine(root, style),
  ];
}

/** The evidence, as much as fits on a line or two. */
function evidenceLines(evidence: readonly string[], style: Style): string[] {
  const words = evidence.slice(0, 4).map((text) => shorten(harmless(text), 70));
  return words.length === 0 ? [] : wrap(words.join(' · '), '    ').map(style.dim);
}

/** The log line itself, on one line of the terminal. */
function exampleLine({ line, text }: Example, style: Style): string {
  return style.dim(shorten(`    line ${line}: ${harmless(text)}`, columnsMax));
}

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
  const failures = byCause.filter((cause) => isGatewayFailure(cause));
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

/** The application's own errors and clients that left: no failures of the gateway, but of interest. */
function othersLines({ byCause }: SummaryReport): string[] {
  return byCause
    .filter((cause) => !isGatewayFailure(cause) && cause.shape !== 'none')
    .flatMap(({ count, sentence }) => {
      const label = `  ${numberText(count)} × `;
      return wrapAfter(label, harmless(sentence), label.length);
    });
}

function eventLines({ events, eventsLeftOut }: SummaryReport): string[] {
  const lines = events.flatMap(({ count, sentence, gateway }) => {
    const label = `  ${numberText(count)} × `;
    return wrapAfter(label, `${gatewayWords[gateway]}: ${harmless(sentence)}`, label.length);
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
