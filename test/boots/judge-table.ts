import type { BootVerdict, JudgedBoot } from './judge.ts';

const verdicts: readonly BootVerdict[] = [
  ...(['right', 'late', 'missed', 'wrong', 'false ready', 'leaked'] as const),
  ...(['good', 'not ready', 'false alarm', 'not played'] as const),
];

/** The figures by language, then each case that is neither right nor good, with what was said of it. */
export function judgeTable(judged: readonly JudgedBoot[]): string {
  const used = verdicts.filter((verdict) => judged.some((one) => one.verdict === verdict));
  const languages = [...new Set(judged.map(({ language }) => language))];
  const row = (name: string, of: readonly JudgedBoot[]): string =>
    [name.padEnd(10), ...used.map((verdict) => String(countOf(of, verdict)).padStart(verdict.length))].join('  ');
  const bad = judged.filter(({ verdict }) => verdict !== 'right' && verdict !== 'good');
  return [
    [''.padEnd(10), ...used].join('  '),
    ...languages.map((language) =>
      row(
        language,
        judged.filter((one) => one.language === language),
      ),
    ),
    row('all', judged),
    '',
    ...figures(judged),
    ...bad.flatMap((one) => ['', ...lines(one)]),
  ].join('\n');
}

function countOf(judged: readonly JudgedBoot[], verdict: BootVerdict): number {
  return judged.filter((one) => one.verdict === verdict).length;
}

function figures(judged: readonly JudgedBoot[]): string[] {
  const faults = judged.filter(({ isControl, verdict }) => !isControl && verdict !== 'not played');
  const controls = judged.filter(({ isControl, verdict }) => isControl && verdict !== 'not played');
  const right = faults.filter(({ verdict }) => verdict === 'right');
  const times = right.flatMap(({ afterMs }) => (afterMs === null ? [] : [afterMs])).toSorted((a, b) => a - b);
  const steady = right.filter(({ staysRight }) => (staysRight ?? 0) > 0.9);
  const met = faults.reduce((sum, { better }) => sum + better.met, 0);
  const all = faults.reduce((sum, { better }) => sum + better.all, 0);
  return [
    `right within 2 s: ${right.length} of ${faults.length}; half of them after ${times[times.length >> 1] ?? '-'} ms`,
    `printed with all facts within 2 s: ${faults.filter(({ printedMs }) => (printedMs ?? Infinity) <= 2000).length} of ${faults.length}`,
    `of those right in the status, right for more than 90 % of the time afterwards: ${steady.length}`,
    `missed, with what is missing in the last lines: ${faults.filter(({ inLines }) => inLines).length}`,
    `what would help besides: ${met} of ${all}`,
    `controls: ${countOf(controls, 'good')} of ${controls.length} good`,
    `longest time for which the runner was held up: ${Math.max(0, ...judged.map(({ heldUpMs }) => heldUpMs))} ms`,
  ];
}

function lines({ name, verdict, afterMs, what, inLines, said }: JudgedBoot): string[] {
  const shown = said.slice(-4).map((text) => `    said: ${text.length > 700 ? `${text.slice(0, 700)}…` : text}`);
  return [
    `${name}: ${verdict}${afterMs === null ? '' : ` after ${afterMs} ms`}${inLines ? ' (the last lines have it)' : ''}`,
    ...what.map((text) => `    ${text}`),
    ...(shown.length === 0 ? ['    said: nothing'] : shown),
  ];
}
