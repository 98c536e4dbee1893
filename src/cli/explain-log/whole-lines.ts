import type { Dialect } from '../../diagnose/dialect.ts';
import { LogExplainer, type LineVerdict } from '../../diagnose/log-explainer.ts';

/** More fragments than a log line has on a narrow terminal. */
const fragmentsMax = 60;

/**
 * The lines of a pasted text as the log has them, since a terminal or a mail may have broken them. Joins fragments that
 * are no lines themselves to the line before, if the joined line tells more.
 */
export function wholeLines(slices: readonly string[], dialects: readonly Dialect[]): readonly string[] {
  const verdictOf = (text: string): LineVerdict => new LogExplainer(dialects).read(text);
  const whole: string[] = [];
  for (let index = 0; index < slices.length; ) {
    const count = fragmentsOfLine(slices.slice(index, index + fragmentsMax), verdictOf);
    whole.push(slices.slice(index, index + count).join(''));
    index += count;
  }
  return whole;
}

/** How many fragments belong to the first line: the longest run of unrecognised fragments that makes it tell more. */
function fragmentsOfLine(slices: readonly string[], verdictOf: (text: string) => LineVerdict): number {
  const before = verdictOf(slices[0] ?? '');
  let end = 1;
  while (end < slices.length && verdictOf(slices[end] ?? '') === null) end += 1;
  for (; end > 1; end -= 1) if (isMoreInformative(verdictOf(slices.slice(0, end).join('')), before)) return end;
  return 1;
}

function isMoreInformative(verdict: LineVerdict, before: LineVerdict): boolean {
  if (verdict === null || before === null) return verdict !== null;
  if (verdict.gateway !== before.gateway || verdict.kind !== before.kind) return before.shape === 'none';
  return (['upstream', 'request', 'type'] as const).some((fact) => before[fact] === null && verdict[fact] !== null);
}
