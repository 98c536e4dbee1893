import { type Finding, isSuspicious } from '../finding.ts';
import type {
  CauseTotal,
  Example,
  Hint,
  LeftOut,
  Incident,
  NameTotal,
  SummaryReport,
  Suspect,
  UpstreamTotal,
} from '../summary-report.ts';
import { stageWords, whoseWords } from '../../../failures/src/failure-words.ts';
import {
  bornWords,
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
} from './finding-words.ts';
import { escapeHtml, proseHtml } from './escape-html.ts';
import { reportStyle } from './report-style.ts';
import { clockNotes, countNotes } from './head-words.ts';
import { confidenceWords, incidentHead, incidentSpan, partsText, worstFirst } from './incident-words.ts';
import { retriedWords } from './retried-words.ts';
import { suspectWords } from './suspect-words.ts';
import { timelineChart } from './timeline-chart.ts';

/** The summary as one page without other files and without scripts, for light and dark, wide and narrow screens, and paper. */
export function summaryHtml(report: SummaryReport, names: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${titleOf(report)} in ${escapeHtml(names.join(', '))}</title>
<style>${reportStyle}</style>
${reportHtml(report, names)}
<footer><p>Written by Candor from the log alone. Times are UTC, or the server's own where its log names no zone; lines count from 1.</p></footer>
</html>
`;
}

/** With so few lines the verdict on each line is of more use than counts. */
const shortLogLines = 5;

/** What the page shows. */
export function reportHtml(report: SummaryReport, names: readonly string[]): string {
  const span = spanText(report);
  const whatToDo = section('Causes and fixes', causes(report));
  const isShort = report.lines <= shortLogLines;
  return `<header>
<h1>${titleOf(report)}</h1>
<p>in ${manyText(report.lines, 'line')} of ${escapeHtml(names.join(', '))}${span === null ? '' : `, ${escapeHtml(span)}`}</p>
</header>
${formats(report)}
${report.recognised === 0 && report.unrecognised > 0 ? `<p>${proseHtml(unknownFormatWords)}</p>` : ''}
${isShort ? whatToDo : ''}
${section('When', timelineChart(report.timeline))}
${section('Shapes', shapes(report))}
${section('Incidents', worstFirst(report.incidents).map(incidentHtml).join('\n') + leftOut(report.incidentsLeftOut, 'incident'))}
${section('Upstreams', upstreams(report.upstreams) + leftOut(report.upstreamsLeftOut, 'upstream'))}
${section('Paths', nameBars(report.paths))}
${section('Hosts', report.hosts.length > 1 ? nameBars(report.hosts) : '')}
${section('Clients', report.clients.length > 1 ? nameBars(report.clients) : '')}
${section('Suspects', report.suspects.map(suspect).join('\n'))}
${isShort ? '' : whatToDo}
${section('Retried and answered', retried(report) + leftOut(report.retriesLeftOut, 'kind'))}
${section('Not caused by the gateway', others(report))}
${section('Events', events(report) + leftOut(report.eventsLeftOut, 'event'))}
${section('To log more', report.hints.map(hint).join('\n'))}`;
}

function titleOf({ failures, unclear, recognised }: SummaryReport): string {
  if (recognised === 0) return 'No line was recognised';
  if (failures === 0 && unclear > 0) return 'No certain gateway failure';
  return failures === 0 ? 'No gateway failure' : manyText(failures, 'gateway failure');
}

function section(title: string, content: string): string {
  return content.trim() === '' ? '' : `<section>\n<h2>${escapeHtml(title)}</h2>\n${content}\n</section>`;
}

function formats(report: SummaryReport): string {
  const { byGateway } = report;
  const rows = byGateway.map(
    ({ gateway, format, lines, failures }) =>
      `<li>${manyText(lines, 'line')} of ${escapeHtml(formatText(gateway, format))}${failures === 0 ? '' : `, ${manyText(failures, 'failure')}`}`,
  );
  rows.push(...[...countNotes(report), ...clockNotes(report)].map((text) => `<li>${escapeHtml(text)}`));
  return `<ul class="formats">${rows.join('\n')}</ul>`;
}

/** A bar for each shape; its length is relative to the most frequent shape. */
function shapes({ byShape }: SummaryReport): string {
  const most = Math.max(1, ...byShape.map(({ count }) => count));
  return bars(
    byShape.map(({ shape, count }) => [findingShapeWords[shape], count, count / most, isSuspicious({ shape })]),
  );
}

function upstreams(totals: readonly UpstreamTotal[]): string {
  const most = Math.max(1, ...totals.map(({ failures }) => failures));
  return bars(
    totals.map((total) => [
      `${total.upstream}: ${upstreamShapeWords(total)}`,
      total.failures,
      total.failures / most,
      true,
    ]),
  );
}

function bars(rows: readonly (readonly [label: string, count: number, part: number, isFailure: boolean])[]): string {
  if (rows.length === 0) return '';
  const cells = rows.map(
    ([label, count, part, isFailure]) =>
      `<tr><th scope="row">${escapeHtml(label)}<td class="number">${numberText(count)}<td class="bar">` +
      `<svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="${isFailure ? 'failure' : 'other'}" width="${Math.max(0.5, part * 100).toFixed(2)}" height="6"/></svg></tr>`,
  );
  return `<table class="bars">${cells.join('\n')}</table>`;
}

function nameBars(totals: readonly NameTotal[]): string {
  const most = Math.max(1, ...totals.map(({ count }) => count));
  return bars(totals.map(({ name, count }) => [name, count, count / most, true]));
}

function incidentHtml(incident: Incident): string {
  const { root, cause } = incident;
  const began = root.isConsequence ? 'Its cause is not in this log; the first consequence: ' : 'It began with: ';
  return `<article><h3>${incidentSpan(incident)}</h3>
<p>${escapeHtml(incidentHead(incident))}: ${escapeHtml(partsText(incident))}.</p>
${cause === null ? '' : causeHtml(cause)}
<p>${began}${proseHtml(root.sentence)}</p>
${example(root)}</article>`;
}

function causeHtml(cause: NonNullable<Incident['cause']>): string {
  const when = timeText(cause.atMs).slice(11);
  return `<p><b>${confidenceWords[cause.confidence]}:</b> ${proseHtml(cause.sentence)} (${when}) <small>${escapeHtml(cause.reason)}.</small></p>
${example(cause)}${fixHtml(cause.fix)}`;
}

function suspect({ name, count, sentence, evidence, fix }: Suspect): string {
  return `<article><h3>${escapeHtml(suspectWords[name])} <small>${manyText(count, 'failure')}</small></h3>
<p>${proseHtml(sentence)}</p>
${quotes(evidence)}${fixHtml(fix)}</article>`;
}

function causes({ byCause, causesLeftOut }: SummaryReport): string {
  const failures = byCause.filter((cause) => isSuspicious(cause));
  return failures.map(cause).join('\n') + leftOut(causesLeftOut, 'cause');
}

function cause(total: CauseTotal): string {
  const { count, shape, type, gateway, stage, born, whose, sentence, evidence, fix, examples, isConsequence } = total;
  const facts = [
    gatewayWords[gateway],
    ...(stage === null ? [] : [stageWords[stage]]),
    ...(born === null ? [] : [`written ${bornWords[born]}`]),
    ...(whose === null ? [] : [`caused by ${whoseWords[whose]}`]),
  ];
  return `<article><h3><b>${numberText(count)} ×</b> ${findingShapeWords[shape]}${type === null ? '' : ` <code>${type}</code>`}</h3>
<p class="facts">${facts.map(escapeHtml).join(' · ')}</p>
<p>${proseHtml(sentence)}${isConsequence ? ' It is a consequence of an earlier failure.' : ''}</p>
${quotes(evidence)}${examples.slice(0, 3).map(example).join('\n')}
${fixHtml(fix)}</article>`;
}

function retried({ retries }: SummaryReport): string {
  const rows = retries.map(
    (total) =>
      `<li><b>${numberText(total.count)} ×</b> ${escapeHtml(retriedWords(total))}${total.example === null ? '' : example(total.example)}`,
  );
  return rows.length === 0 ? '' : `<ul>${rows.join('\n')}</ul>`;
}

function others({ byCause }: SummaryReport): string {
  const rows = byCause
    .filter((total) => !isSuspicious(total) && total.shape !== 'none')
    .map(({ count, sentence }) => `<li><b>${numberText(count)} ×</b> ${proseHtml(sentence)}`);
  return rows.length === 0 ? '' : `<ul>${rows.join('\n')}</ul>`;
}

function events({ events: totals }: SummaryReport): string {
  const rows = totals.map(
    ({ count, gateway, sentence }) =>
      `<li><b>${numberText(count)} ×</b> ${proseHtml(`${gatewayWords[gateway]}: ${sentence}`)}`,
  );
  return rows.length === 0 ? '' : `<ul>${rows.join('\n')}</ul>`;
}

function hint({ gateway, format, count, fix }: Hint): string {
  return `<article><p>${manyText(count, 'line')} of ${escapeHtml(formatText(gateway, format))}</p>${fixHtml(fix)}</article>`;
}

function fixHtml(fix: Finding['fix']): string {
  if (fix === null) return '';
  const snippet = fix.snippet === null ? '' : `<pre>${escapeHtml(fix.snippet)}</pre>`;
  return `<p class="fix">${proseHtml(fix.text)}</p>${snippet}`;
}

function quotes(evidence: readonly string[]): string {
  return evidence.length === 0
    ? ''
    : `<p class="evidence">${evidence.map((words) => `<code>${escapeHtml(words)}</code>`).join(' · ')}</p>`;
}

function example(shown: Example): string {
  return `<p class="line"><small>${escapeHtml(positionText(shown))}</small> <code>${escapeHtml(shown.text)}</code></p>`;
}

function leftOut({ kinds, count }: LeftOut, noun: string): string {
  if (count === 0) return '';
  return `<p class="left-out">and ${numberText(count)} of ${kinds === null ? 'further' : numberText(kinds)} ${noun}s</p>`;
}
