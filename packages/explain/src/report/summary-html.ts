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
  TimelineInterval,
  TimelineReport,
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
  intervalText,
  timeAfter,
  clockNotes,
  countNotes,
  confidenceWords,
  incidentHead,
  incidentSpan,
  partsText,
  worstFirst,
  retriedWords,
  suspectWords,
} from './finding-words.ts';

/** The styles of the page of `candor explain --html`. */
export const reportStyle = `
:root {
  --ink: #1b1f24; --soft: #59636e; --paper: #fff; --raised: #f5f7f9; --line: #dde2e7;
  --failure: #c0261c; --app-error: #c98a1b; --unclear: #d9784a; --client: #8a94a0; --link: #2467b4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6eaee; --soft: #9aa5b1; --paper: #13161a; --raised: #1c2126; --line: #333a42;
    --failure: #ff7a70; --app-error: #e8b35a; --unclear: #f0a07c; --client: #76818d; --link: #8ab8f0;
  }
}
* { box-sizing: border-box; }
body {
  font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; max-width: 64rem; padding: 2rem 1.25rem 4rem; overflow-wrap: anywhere;
}
h1 { font-size: 2rem; line-height: 1.2; margin: 0; letter-spacing: -.02em; }
header p { margin: .25rem 0 1.25rem; color: var(--soft); }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 0 0 .25rem; }
h3 small, .facts, .line small, .left-out, footer, figcaption, .axis { color: var(--soft); font-weight: 400; }
p { margin: .35rem 0; }
ul { list-style: none; padding: 0; margin: 0; }
.formats { display: grid; gap: .15rem; }
figure { margin: 0; }
figure svg { width: 100%; height: 11rem; display: block; background: var(--raised); border-radius: .4rem; }
figure line { stroke: var(--line); }
.axis { display: flex; justify-content: space-between; gap: 1rem; font-size: .85rem; margin: .3rem 0; }
figcaption { font-size: .9rem; }
figcaption i { display: inline-block; width: .75rem; height: .75rem; border-radius: .2rem; margin: 0 .35rem 0 1rem; }
figcaption i:first-child { margin-left: 0; }
rect.failure { fill: var(--failure); } i.failure { background: var(--failure); }
rect.unclear { fill: var(--unclear); } i.unclear { background: var(--unclear); }
rect.app-error { fill: var(--app-error); } i.app-error { background: var(--app-error); }
rect.client, rect.other { fill: var(--client); } i.client { background: var(--client); }
.bars { border-collapse: collapse; width: 100%; }
.bars th { text-align: left; font-weight: 400; padding: .2rem 1rem .2rem 0; width: 45%; }
.bars .number { text-align: right; padding-right: 1rem; white-space: nowrap; font-variant-numeric: tabular-nums; width: 6rem; }
.bars svg { width: 100%; height: .8rem; display: block; }
article { background: var(--raised); border-radius: .5rem; padding: .85rem 1rem; margin: 0 0 .75rem; break-inside: avoid; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
.line code { color: var(--soft); }
.fix { border-left: 3px solid var(--link); padding-left: .75rem; margin-top: .6rem; }
pre { background: var(--paper); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; margin: .4rem 0 0; overflow-x: auto; }
footer { margin-top: 3rem; font-size: .9rem; }
`;

/** Control characters except line ends, and invisible characters: direction marks, zero-width spaces, tags. */
const unseen =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\u{e0000}-\u{e007f}]/gu;

/** Untrusted text as HTML text: without markup, and without characters that hide or reorder what is shown. */
export function escapeHtml(text: string): string {
  return text.replace(unseen, ' ').replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Our own sentences, in which names of settings stand between backticks. */
export function proseHtml(text: string): string {
  const parts = text.split('`');
  // An odd backtick at the end begins nothing.
  if (parts.length % 2 === 0) return escapeHtml(text);
  return parts.map((part, index) => (index % 2 === 0 ? escapeHtml(part) : `<code>${escapeHtml(part)}</code>`)).join('');
}

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

const width = 1000;
const height = 180;

/** Failures, the application's own errors and clients that left, over time, as stacked bars. Empty if no line has a time. */
function timelineChart({ intervals, intervalMs, undated }: TimelineReport): string {
  const [first, last] = [intervals[0], intervals.at(-1)];
  if (first === undefined || last === undefined) return '';
  const most = Math.max(...intervals.map(heightOf));
  if (most === 0) return '';
  const step = width / intervals.length;
  const bars = intervals.map((one, index) => bar(one, index * step, step, most)).join('');
  const end = last.startMs + intervalMs;
  const beside = undated === 0 ? '' : ` · ${manyText(undated, 'line')} without a time`;
  return `<figure>
<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label="Failures over time, ${numberText(most)} in ${intervalText(intervalMs)} at the most">
<line x1="0" x2="${width}" y1="${height}" y2="${height}"/>${bars}</svg>
<div class="axis"><span>${timeText(first.startMs)}</span><span>${intervalText(intervalMs)} a bar, ${numberText(most)} at the most</span><span>${timeAfter(end, first.startMs)}</span></div>
<figcaption><i class="failure"></i>gateway failures <i class="unclear"></i>of unclear origin <i class="app-error"></i>the application's own errors <i class="client"></i>clients that left, asked wrongly or were denied${beside}</figcaption>
</figure>`;
}

function heightOf({ failures, unclear, appErrors, denials, clientAborts }: TimelineInterval): number {
  return failures + unclear + appErrors + denials + clientAborts;
}

function bar(one: TimelineInterval, left: number, step: number, most: number): string {
  const parts = [
    ['failure', one.failures],
    ['unclear', one.unclear],
    ['app-error', one.appErrors],
    ['client', one.clientAborts + one.denials],
  ] as const;
  let foot = height;
  const rectangles = parts.flatMap(([name, count]) => {
    if (count === 0) return [];
    const tall = Math.max(1.5, (count / most) * height);
    foot -= tall;
    const x = (left + step * 0.05).toFixed(2);
    return [
      `<rect class="${name}" x="${x}" y="${foot.toFixed(2)}" width="${(step * 0.9).toFixed(2)}" height="${tall.toFixed(2)}"/>`,
    ];
  });
  if (rectangles.length === 0) return '';
  const title = `${timeText(one.startMs)}: ${manyText(one.failures, 'failure')} in ${manyText(one.lines, 'line')}`;
  return `<g><title>${title}</title>${rectangles.join('')}</g>`;
}
