import { columnsMax, widthOf, wrap } from './layout.ts';
import type { CommandFailure } from './command-failure.ts';

/** A failure that a command foresaw: its sentences, on lines that fit a terminal. */
export function failureText(failure: CommandFailure): string {
  return failure.message.split('\n').flatMap(fit).join('\n');
}

/** What is indented is one of a list, and goes on further in, so that it can be told from the next. */
function fit(line: string): string[] {
  if (widthOf(line) <= columnsMax) return [line];
  // A command to be typed stays in one piece.
  const whole = line.replace(/`[^`]+`/g, (code) => code.replaceAll(' ', held));
  return broken(whole).map((part) => part.replaceAll(held, ' '));
}

function broken(line: string): string[] {
  const indent = /^ */.exec(line)?.[0] ?? '';
  if (indent === '') return wrap(line, '');
  const [first = '', ...rest] = wrap(line.trimStart(), `${indent}  `);
  return [indent + first.trimStart(), ...rest];
}

/** Stands for a space that no line is broken at; nobody writes it. */
const held = '\u{e000}';

/** One that nobody foresaw: a sentence and how to report it; the stack only for those who ask for it. */
export function defectText(error: unknown, env: Readonly<Record<string, string | undefined>> = process.env): string {
  const message = error instanceof Error ? error.message : String(error);
  const head = `Candor made a mistake: ${message.split('\n', 1)[0]}`;
  if (env['CANDOR_DEBUG'] === '1' && error instanceof Error) return `${head}\n${error.stack ?? ''}`;
  return `${head}\nThis is a defect. Please report it with the output of the same command under CANDOR_DEBUG=1.`;
}
