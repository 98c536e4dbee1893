import type { Dialect } from '../../diagnose/dialect.ts';
import { LogExplainer, type LineVerdict } from '../../diagnose/log-explainer.ts';

/** More pieces than a line of a log has on a narrow terminal. */
const piecesMax = 60;

/**
 * Lines as the log has them, of what was pasted: a terminal or a mail may have broken them. Pieces that are no lines of their
 * own are put back behind the line before, or the piece, where the whole then tells more.
 */
export function wholeLines(pieces: readonly string[], dialects: readonly Dialect[]): readonly string[] {
  const verdictOf = (text: string): LineVerdict => new LogExplainer(dialects).read(text);
  const whole: string[] = [];
  for (let place = 0; place < pieces.length; ) {
    const count = piecesOfLine(pieces.slice(place, place + piecesMax), verdictOf);
    whole.push(pieces.slice(place, place + count).join(''));
    place += count;
  }
  return whole;
}

/** As many as tell most together: as long a run of pieces that nobody knows as makes the first one tell more. */
function piecesOfLine(pieces: readonly string[], verdictOf: (text: string) => LineVerdict): number {
  const before = verdictOf(pieces[0] ?? '');
  let end = 1;
  while (end < pieces.length && verdictOf(pieces[end] ?? '') === null) end += 1;
  for (; end > 1; end -= 1) if (tellsMore(verdictOf(pieces.slice(0, end).join('')), before)) return end;
  return 1;
}

function tellsMore(verdict: LineVerdict, before: LineVerdict): boolean {
  if (verdict === null || before === null) return verdict !== null;
  if (verdict.gateway !== before.gateway || verdict.kind !== before.kind) return before.shape === 'none';
  return (['upstream', 'request', 'type'] as const).some((fact) => before[fact] === null && verdict[fact] !== null);
}
