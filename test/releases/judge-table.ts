import type { ReleaseJudgement } from './judge.ts';

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** A line for each play, and what all of them come to. */
export function judgeTable(judgements: readonly ReleaseJudgement[]): string {
  const lines = judgements.toSorted((a, b) => Number(a.isGood) - Number(b.isGood));
  return [
    columns('play', 'ok', 'found after', 'since all', 'at most', 'harmed', 'wrong', 'later', 'how it ended'),
    ...lines.map(lineOf),
    '',
    ...['blue_green', 'canary'].flatMap((strategy) => summaryOf(strategy, lines)),
  ].join('\n');
}

function lineOf(one: ReleaseJudgement): string {
  const { name, isGood, isOk, foundAfter, wholeSeconds, maxShare, harmed, wrong, harmedShareLater, why } = one;
  return columns(
    name,
    isOk ? 'ok' : 'NOT OK',
    isGood || foundAfter === null ? '-' : `${foundAfter} s`,
    `${wholeSeconds} s`,
    percent(maxShare),
    String(harmed),
    String(wrong),
    percent(harmedShareLater),
    why,
  );
}

function summaryOf(strategy: string, all: readonly ReleaseJudgement[]): string[] {
  const played = all.filter(({ name }) => name.endsWith(` ${strategy}`));
  const [bad, good] = [played.filter(({ isGood }) => !isGood), played.filter(({ isGood }) => isGood)];
  const ok = (some: readonly ReleaseJudgement[]): string =>
    `${some.filter(({ isOk }) => isOk).length} of ${some.length} ok`;
  const found = bad.flatMap(({ foundAfter }) => foundAfter ?? []);
  const harmed = bad.map((one) => one.harmed);
  const notOk = good.filter(({ isOk }) => !isOk).map(({ name }) => name.replace(` ${strategy}`, ''));
  const never = bad.filter(({ hadRequests }) => !hadRequests).length;
  return [
    `${strategy}: bad ${ok(bad)}, ${never} of them got no request; found after ${medianAndMost(found)} s; harmed requests ${medianAndMost(harmed)}`,
    `${strategy}: good ${ok(good)}${notOk.length === 0 ? '' : `, not: ${notOk.join(', ')}`}`,
  ];
}

function medianAndMost(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  return median === undefined ? '-' : `${median} (median), ${sorted.at(-1)} (most)`;
}

const widths = [46, 7, 12, 10, 9, 7, 7, 8];

function columns(...texts: readonly string[]): string {
  return texts
    .map((text, index) => text.padEnd(widths[index] ?? 0))
    .join(' ')
    .trimEnd();
}
