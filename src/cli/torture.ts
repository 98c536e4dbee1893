import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { printJson, durationText } from './layout.ts';
import { planGroups } from '../testing/torture/stage.ts';
import { torture, type TortureObstacle, type TortureReport } from '../testing/torture/torture.ts';
import { type ExitName, exitCodes, CommandFailure } from './command-failure.ts';
import { styleFor } from './style.ts';
import type { ProcessContext } from './process-context.ts';
import { type ListenAddress, originListenDefault } from './flags.ts';
import {
  obstacleText,
  progressText,
  setupLines,
  tortureLines,
  mergeAlike,
  type Outcome,
  requestText,
  slowestMs,
} from './torture-text.ts';
import { redactedResult, redactedText } from './redacted-output.ts';
import { tortureParts, type TortureVerdict } from '../testing/torture/torture-case.ts';
import type { TortureRun } from '../testing/torture/torture-run.ts';

/** The matrix as one page without external files, for light and dark mode, wide and narrow screens, and paper. */
function tortureHtml(report: TortureReport): string {
  const { score, gateway, at, finished } = report;
  const judged = score.right + score.acceptable + score.misleading + score.dangerous;
  const when = at.slice(0, 16).replace('T', ' ');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${score.points} of 100: ${escape(gateway)} under torture</title>
<style>${pageStyle}</style>
<header>
<p class="points"><b>${score.points}</b> of 100</p>
<div>
<h1>${escape(gateway)} under torture</h1>
<p>${judged} exchanges with an origin that misbehaves, ${escape(when)} UTC${finished ? '' : '; interrupted'}.</p>
</div>
</header>
${verdictBar(report)}
<ul class="totals">
${totals(report)
  .map(([number, of, text]) => `<li><b>${number}</b>${of === null ? '' : ` of ${of}`}<br>${text}</li>`)
  .join('\n')}
</ul>
<p class="choice"><label><input type="checkbox" id="only-wrong"> Show only what is not right</label></p>
${parts(report)}
${notSetUp(report)}
<footer>
<p><b class="right">Right</b>: the client was told what happened. <b class="acceptable">Acceptable</b>: it can be defended.
<b class="misleading">Misleading</b>: the client must believe something else.
<b class="dangerous">Dangerous</b>: somebody is harmed. <i>Seen</i> is how often the origin saw the request.</p>
</footer>
</html>
`;
}

const verdicts: readonly TortureVerdict[] = ['right', 'acceptable', 'misleading', 'dangerous'];

/** A bar of the verdicts: each with its number, as wide as its share. */
function verdictBar({ score }: TortureReport): string {
  const shown = verdicts.filter((verdict) => score[verdict] > 0);
  const cells = shown.map((verdict) => `<li class="${verdict}" style="flex-grow: ${score[verdict]}"></li>`);
  const legend = verdicts.map((verdict) => `<li class="${verdict}"><b>${score[verdict]}</b> ${verdict}</li>`);
  return `<ul class="bar" aria-hidden="true">${cells.join('')}</ul>\n<ul class="legend">${legend.join('\n')}</ul>`;
}

function totals({ score }: TortureReport): (readonly [number: number, of: number | null, text: string])[] {
  return [
    [score.failures_told, score.failures, 'failures with the right status'],
    [score.truncations_told, score.truncations, 'broken responses visible as broken'],
    [score.hangs, null, 'clients left waiting'],
    [score.unsafe_replays, null, 'POSTs repeated'],
    [score.causes_named, score.causes, 'own failures with their cause'],
    [score.causes_misnamed, score.causes, 'with a wrong cause'],
  ];
}

/** A table for each part of the journey. If only wrong answers are shown, a part without any is omitted. */
function parts({ runs }: TortureReport): string {
  const judged = runs.filter(({ verdict }) => verdict !== null);
  return Object.entries(tortureParts)
    .map(([part, title]) => [title, mergeAlike(judged.filter((run) => run.part === part))] as const)
    .filter(([, outcomes]) => outcomes.length > 0)
    .map(([title, outcomes]) => {
      const allRight = outcomes.every(({ first }) => first.verdict === 'right');
      return `<section${allRight ? ' class="right"' : ''}>
<h2>${title}</h2>
<div class="wide"><table>
<thead><tr><th>The origin<th>Request<th>Answer<th class="number">Time<th class="number">Seen<th>Verdict</tr></thead>
<tbody>
${outcomes.map(row).join('\n')}
</tbody></table></div>
</section>`;
    })
    .join('\n');
}

function row({ runs, first }: Outcome): string {
  const { case: name, does, verdict, why, seen } = first;
  const suffix = seen?.cause_named === 'wrong' ? ' (not so)' : '';
  const named = `${seen?.errors_named.join(', ') ?? ''}${suffix}`;
  const said = named === '' && seen?.by === 'gateway' ? (seen.server ?? '') : named;
  return [
    `<tr class="${verdict ?? ''}">`,
    `<td><b>${escape(name)}</b><small>${escape(does)}</small>`,
    `<td>${escape(requestText(runs).replace(',', ', '))}`,
    `<td><b>${seen?.status ?? '–'}</b> ${answerEnd(first)}<small>${escape(said)}</small>`,
    `<td class="number">${escape(durationText(slowestMs(runs)))}`,
    `<td class="number">${seen?.origin_saw ?? ''}`,
    `<td><b class="verdict">${verdict ?? ''}</b><small>${escape(why)}</small></tr>`,
  ].join('');
}

const ends = { complete: '', cut: 'cut', closed: 'closed', waiting: 'still waiting', not_http: 'no HTTP' } as const;

function answerEnd({ seen }: TortureRun): string {
  return seen === null ? '' : ends[seen.completeness];
}

function notSetUp({ runs }: TortureReport): string {
  const left = Map.groupBy(
    runs.filter(({ verdict }) => verdict === null),
    ({ why }) => why,
  );
  const lines = [...left].map(
    ([why, these]) =>
      `<li>${escape(why)} <small>${escape([...new Set(these.map((run) => run.case))].join(', '))}</small>`,
  );
  return lines.length === 0 ? '' : `<section><h2>Without a verdict</h2><ul>${lines.join('\n')}</ul></section>`;
}

/** Escapes text of other programs: no markup, and no control characters. */
function escape(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, ' ')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** How the page of `candor torture --html` looks. */
const pageStyle = `
:root {
  --ink: #1b1f24; --soft: #59636e; --paper: #fff; --raised: #f5f7f9; --line: #dde2e7;
  --right: #1a7f46; --acceptable: #2467b4; --misleading: #96600a; --dangerous: #c0261c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6eaee; --soft: #9aa5b1; --paper: #13161a; --raised: #1c2126; --line: #333a42;
    --right: #6fcf97; --acceptable: #8ab8f0; --misleading: #e8b35a; --dangerous: #ff8a80;
  }
}
* { box-sizing: border-box; }
body {
  font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem;
}
header { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 2rem; margin-bottom: 1.5rem; }
header p, h1 { margin: 0; }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; }
header div p, small, .totals li, footer { color: var(--soft); }
.points { color: var(--soft); white-space: nowrap; }
.points b { font-size: 4rem; line-height: 1; letter-spacing: -.03em; color: var(--ink); }
ul { list-style: none; padding: 0; margin: 0; }
section ul { list-style: disc; padding-left: 1.25rem; }
.bar { display: flex; gap: 2px; height: .75rem; border-radius: .4rem; overflow: hidden; }
.bar li { min-width: 3px; }
.bar .right { background: var(--right); }
.bar .acceptable { background: var(--acceptable); }
.bar .misleading { background: var(--misleading); }
.bar .dangerous { background: var(--dangerous); }
.legend { display: flex; flex-wrap: wrap; gap: 0 1.75rem; margin: .5rem 0 1.5rem; }
.legend .right b, footer .right, tr.right .verdict { color: var(--right); }
.legend .acceptable b, footer .acceptable, tr.acceptable .verdict { color: var(--acceptable); }
.legend .misleading b, footer .misleading, tr.misleading .verdict { color: var(--misleading); }
.legend .dangerous b, footer .dangerous, tr.dangerous .verdict { color: var(--dangerous); }
.totals { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; }
.totals li { background: var(--raised); border-radius: .5rem; padding: .75rem 1rem; line-height: 1.35; }
.totals b { font-size: 1.6rem; color: var(--ink); }
.choice { margin: 1.5rem 0 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; min-width: 58rem; }
th, td { text-align: left; vertical-align: top; padding: .55rem 1.25rem .55rem 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; font-size: .85rem; padding-block: .3rem; }
th:nth-child(1) { width: 31%; } th:nth-child(2) { width: 10%; } th:nth-child(3) { width: 18%; }
th:nth-child(4) { width: 7.5%; } th:nth-child(5) { width: 6.5%; }
th:last-child, td:last-child { padding-right: 0; }
td { overflow-wrap: anywhere; }
small { display: block; font-size: .85rem; line-height: 1.4; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td:nth-child(3), td:nth-child(4) { font-variant-numeric: tabular-nums; }
.verdict { text-transform: capitalize; }
tr.misleading td:first-child, tr.dangerous td:first-child { box-shadow: inset 3px 0 var(--misleading); padding-left: .75rem; }
tr.dangerous td:first-child { box-shadow: inset 3px 0 var(--dangerous); }
body:has(#only-wrong:checked) :is(tr.right, section.right) { display: none; }
footer { margin-top: 2.5rem; font-size: .9rem; }
@media print { .choice { display: none; } tr { break-inside: avoid; } }
`;

export interface TortureFlags {
  readonly originListen?: ListenAddress;
  readonly only?: readonly string[];
  readonly timeout: number;
  readonly json: boolean;
  readonly html?: string;
  readonly caFile?: string;
  readonly setup: boolean;
  readonly insecure: boolean;
}

/** Tests a gateway with the torture suite and prints the matrix. Exits with 1 if an answer is misleading or worse. */
export async function tortureGateway(flags: TortureFlags, url: URL | null, context: ProcessContext): Promise<number> {
  if (flags.setup) {
    context.stdout.write(
      `${setupLines(planGroups(listenOf(flags)), styleFor(context.stdout, context.env)).join('\n')}\n`,
    );
    return exitCodes.ok;
  }
  if (url === null)
    throw new CommandFailure('usage', 'The URL of the gateway is missing: candor torture http://localhost:8080');
  const stopped = watchStop(context);
  const report = redactedResult(await runTorture(flags, url, context, stopped.isStopped));
  stopped.forget();
  if ('kind' in report) throw obstacle(report, flags, url);
  printReport(report, flags, context);
  if (!report.finished) return exitCodes.interrupted;
  return report.score.misleading + report.score.dangerous === 0 ? exitCodes.ok : exitCodes.failure;
}

function runTorture(
  flags: TortureFlags,
  url: URL,
  context: ProcessContext,
  isStopped: () => boolean,
): Promise<TortureReport | TortureObstacle> {
  const style = styleFor(context.stderr, context.env);
  return torture({
    gateway: { url, verify: !flags.insecure },
    listen: listenOf(flags),
    only: flags.only ?? [],
    timeoutMs: flags.timeout * 1000,
    clock: context.clock,
    isStopped,
    tls: flags.caFile !== undefined,
    ...(flags.caFile === undefined ? {} : { startMs: Math.max(flags.timeout * 1000, startMsMin) }),
    onStage: ({ groups, tls }) => {
      if (flags.caFile !== undefined && tls !== null)
        write(resolve(context.directory, flags.caFile), tls.authority.certificate);
      if (!flags.json) context.stderr.write(`${setupLines(groups, style).join('\n')}\n\n`);
    },
    onRun: (act, done, all) => {
      if (context.stderr.isTTY) context.stderr.write(progressText(act, done, all));
    },
  });
}

function printReport(report: TortureReport, flags: TortureFlags, context: ProcessContext): void {
  if (context.stderr.isTTY) context.stderr.write('\r\u001b[K');
  if (flags.html !== undefined) write(resolve(context.directory, flags.html), tortureHtml(report));
  if (flags.json) printJson(report, context);
  else context.stdout.write(`${tortureLines(report, styleFor(context.stdout, context.env)).join('\n')}\n`);
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CommandFailure('failure', `${path} cannot be written: ${(error as Error).message}`);
  }
}

function listenOf({ originListen }: TortureFlags): ListenAddress {
  return originListen ?? originListenDefault;
}

function obstacle(found: TortureObstacle, flags: TortureFlags, url: URL): CommandFailure {
  return new CommandFailure(exitOf(found), redactedText(obstacleText(found, listenOf(flags), url)));
}

function exitOf({ kind }: TortureObstacle): ExitName {
  if (kind === 'no_such_case') return 'usage';
  if (kind === 'stopped') return 'interrupted';
  return kind === 'cannot_listen' ? 'failure' : 'gateway_unreachable';
}

/** The first signal lets the running exchange end and prints the report; the second force closes. */
function watchStop(context: ProcessContext): { isStopped: () => boolean; forget: () => void } {
  let stopped = false;
  const forget = context.onSignal('SIGINT', () => {
    if (stopped) context.exit(exitCodes.interrupted);
    stopped = true;
  });
  return { isStopped: () => stopped, forget };
}

/**
 * A gateway that must trust the test authority is started after its file exists. This is the time that a person may need for
 * that.
 */
const startMsMin = 60_000;
