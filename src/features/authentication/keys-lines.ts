import { basename } from 'node:path';
import { quoted } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';

/** More are found when the first ones are corrected. */
const shownMax = 5;

interface LineFlaw {
  readonly line: number;
  readonly message: string;
  readonly suggestion: string;
}

/** Tells what is wrong with lines of a file of credentials, without what stands in them. */
export function reviewLines(
  path: string,
  {
    flaws,
    count,
    what,
    make,
  }: { readonly flaws: readonly LineFlaw[]; readonly count: number; readonly what: string; readonly make: string },
  at: Path,
  findings: Findings,
): void {
  const name = quoted(basename(path));
  for (const { line, message, suggestion } of flaws.slice(0, shownMax))
    findings.errorAtValue(at, `line ${line} of ${name}: ${message}`, suggestion);
  if (flaws.length > shownMax)
    findings.errorAtValue(at, `${flaws.length - shownMax} more lines of ${name} are wrong`, 'correct the first ones');
  if (count === 0 && flaws.length === 0)
    findings.errorAtValue(at, `${name} has no ${what}: nobody could enter`, `add a line with ${make}`);
}
