import { withSourcePositions } from '../system/source-position.ts';
import { columnsMax, widthOf, wrap } from './layout.ts';
import type { CommandFailure } from './command-failure.ts';

/** The text of an expected failure, wrapped for a terminal. */
export function failureText(failure: CommandFailure): string {
  return failure.message.split('\n').flatMap(fit).join('\n');
}

/** Indented lines are list items. Their continuation lines are indented further, so that items stay distinct. */
function fit(line: string): string[] {
  if (widthOf(line) <= columnsMax) return [line];
  // A command to be typed is not broken.
  const whole = line.replace(/`[^`]+`/g, (code) => code.replaceAll(' ', held));
  return broken(whole).map((part) => part.replaceAll(held, ' '));
}

function broken(line: string): string[] {
  const indent = /^ */.exec(line)?.[0] ?? '';
  if (indent === '') return wrap(line, '');
  const [first = '', ...rest] = wrap(line.trimStart(), `${indent}  `);
  return [indent + first.trimStart(), ...rest];
}

/** Stands for a space at which no line is broken. Messages do not contain it. */
const held = '\u{e000}';

/** The text of an unexpected error: a sentence and how to report it. CANDOR_DEBUG adds the stack. */
export function defectText(error: unknown, env: Readonly<Record<string, string | undefined>> = process.env): string {
  const message = error instanceof Error ? error.message : String(error);
  const head = `Candor made a mistake: ${message.split('\n', 1)[0]}`;
  if (env['CANDOR_DEBUG'] === '1' && error instanceof Error)
    return `${head}\n${withSourcePositions(error.stack ?? '')}`;
  return `${head}\nThis is a defect. Please report it with the output of the same command under CANDOR_DEBUG=1.`;
}
