import { tortureParts, type TortureVerdict } from '../testing/torture/torture-case.ts';
import type { TortureReport } from '../testing/torture/torture.ts';
import type { TortureRun } from '../testing/torture/torture-run.ts';
import { durationText } from './layout.ts';
import { mergeAlike, type Outcome, requestText, slowestMs } from './torture-outcomes.ts';
import { pageStyle } from './torture-page-style.ts';

/** The matrix as one page without external files, for light and dark mode, wide and narrow screens, and paper. */
export function tortureHtml(report: TortureReport): string {
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
