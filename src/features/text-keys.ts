/** Texts with variables, as they are written. */
import { foreignVariable, templateError, variablesIn } from '../core/template.ts';
import { variableNamed } from '../core/variables.ts';
import { quoted } from '../schema/error-detail.ts';
import type { Findings, Path } from '../schema/findings.ts';

/** A text that may have variables. `instead`: what to do in place of writing a variable of ours; `captures`: of the path of its route. */
export function reviewText(
  text: string,
  path: Path,
  findings: Findings,
  instead: string | null = null,
  captures: readonly string[] = [],
): void {
  const foreign = foreignVariable(text);
  const { written = '', ours = null } = foreign ?? {};
  if (ours !== null) {
    const message = `${quoted(written)} is a variable of another gateway`;
    return findings.errorAtKey(path, message, instead ?? `write ${ours}`);
  }
  const error = templateError(text, captures);
  if (error !== null) return findings.errorAtKey(path, error.message, error.suggestion);
  if (foreign === null) return;
  findings.warnAtKey(
    path,
    `${quoted(written)} is sent as it is written: it is no variable of Candor`,
    'write one of the variables of docs/headers.md, or leave it if it is meant',
  );
}

/** A text that clients get as it is written. */
export function reviewPlainText(text: string, path: Path, findings: Findings): void {
  const known = variablesIn(text).find((written) => variableNamed(written) !== null);
  if (known === undefined) return;
  findings.warnAtKey(
    path,
    `"{${known}}" is sent as it is written: this text has no variables`,
    'remove it, or leave it if it is meant; headers may have variables',
  );
}
