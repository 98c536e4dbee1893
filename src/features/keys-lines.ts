import { basename } from 'node:path';
import { quoted } from '../schema/error-detail.ts';
import type { Findings, Path } from '../schema/findings.ts';
import type { LineFlaw } from './content-lines.ts';

/** More are found when the first ones are corrected. */
export const shownMax = 5;

interface ReviewedLines {
  readonly flaws: readonly LineFlaw[];
  /** The file has no line that lets a user in. */
  readonly isEmpty: boolean;
  readonly what: string;
  /** What to add then. */
  readonly add: string;
}

/** Tells what is wrong with lines of a file that says who may enter. */
export function reviewLines(
  path: string,
  { flaws, isEmpty, what, add }: ReviewedLines,
  at: Path,
  findings: Findings,
): void {
  const name = quoted(basename(path));
  for (const { line, message, suggestion } of flaws.slice(0, shownMax))
    findings.errorAtValue(at, `line ${line} of ${name}: ${message}`, suggestion);
  if (flaws.length > shownMax)
    findings.errorAtValue(at, `${flaws.length - shownMax} more lines of ${name} are wrong`, 'correct the first ones');
  if (isEmpty && flaws.length === 0)
    findings.errorAtValue(at, `${name} has no ${what}: nobody could enter`, `add a line ${add}`);
}
