import type { TortureReport, TortureRun } from '../testing/torture/torture.ts';

/** The matrix as one self-contained page, for light and dark screens. */
export function tortureHtml(report: TortureReport): string {
  const { score } = report;
  const judged = score.right + score.acceptable + score.misleading + score.dangerous;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Torture of ${escape(report.gateway)}</title>
<style>${css}</style>
<h1>${score.points} of 100</h1>
<p>${escape(report.gateway)}, ${escape(report.at.slice(0, 16).replace('T', ' '))} UTC, ${judged} exchanges${report.finished ? '' : ' until it was interrupted'}.</p>
<ul class="score">
<li class="right"><b>${score.right}</b> right</li>
<li class="acceptable"><b>${score.acceptable}</b> acceptable</li>
<li class="misleading"><b>${score.misleading}</b> misleading</li>
<li class="dangerous"><b>${score.dangerous}</b> dangerous</li>
<li><b>${score.hangs}</b> still waiting</li>
<li><b>${score.causes_named}</b> of ${score.causes} causes named</li>
</ul>
<div class="wide"><table>
<thead><tr><th>Case<th>Request<th>Status<th>End<th>Time<th>Seen<th>Said<th>Verdict</tr></thead>
<tbody>
${report.runs.map(row).join('\n')}
</tbody></table></div>
</html>
`;
}

function row(run: TortureRun): string {
  const { case: name, does, method, on, verdict, why, seen } = run;
  const said =
    seen === null ? '' : [seen.errors_named.join(', '), seen.server ?? ''].filter((part) => part !== '').join('; ');
  return [
    `<tr class="${verdict ?? 'unset'}">`,
    `<td><b>${escape(name)}</b><br><small>The origin ${escape(does)}.</small>`,
    `<td>${method} ${on}`,
    `<td>${seen === null ? '' : (seen.status ?? '–')}`,
    `<td>${seen === null ? '' : seen.completeness.replace('_', ' ')}`,
    `<td class="number">${seen === null ? '' : `${seen.ms} ms`}`,
    `<td class="number">${seen?.origin_saw ?? ''}`,
    `<td>${escape(said)}`,
    `<td><b>${verdict ?? 'not set up'}</b><br><small>${escape(why)}</small></tr>`,
  ].join('');
}

/** Text of others as text: no markup of theirs, and no control characters. */
function escape(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, ' ')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const css = `
:root { --ink: #1b1f24; --paper: #fff; --line: #d5dae0; --good: #176f3c; --fair: #1f5fa8; --warn: #8f5a00; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ec; --paper: #14171a; --line: #343a41; --good: #6fcf97; --fair: #8ab8f0; --warn: #e8b35a; --bad: #ff8a80; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
.score { display: flex; flex-wrap: wrap; gap: .5rem 2rem; list-style: none; padding: 0; }
.score b { font-size: 1.5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); }
thead th { position: sticky; top: 0; background: var(--paper); }
td.number { text-align: right; white-space: nowrap; }
.right td:last-child b, .score .right b { color: var(--good); }
.acceptable td:last-child b, .score .acceptable b { color: var(--fair); }
.misleading td:last-child b, .score .misleading b { color: var(--warn); }
.dangerous td:last-child b, .score .dangerous b { color: var(--bad); }
`;
