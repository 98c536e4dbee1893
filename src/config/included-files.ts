/**
 * The text of a configuration with its included files: the file itself, and behind it each included one as it stands on the disk, below a line that says
 * which it is. So everything that shows, compares and keeps a configuration has one text, which can be read again without the other files.
 */
import { dirname, join } from 'node:path';
import type { ConfigurationError } from './configuration-errors.ts';

/** All files of a configuration. */
export const includedFilesMax = 1000;

export interface IncludedFile {
  /** As `include` names it, from the folder of the configuration: 'routes.d'. */
  readonly include: string;
  /** In the folder that `include` names; '' where it names the file. */
  readonly name: string;
  readonly text: string;
}

export interface SourcePart extends IncludedFile {
  /** Where its text begins in that of all files, and in which line, from 1. */
  readonly start: number;
  readonly line: number;
}

const marker = /^--- # include ("(?:[^"\\\n]|\\.)*")(?:, file ("(?:[^"\\\n]|\\.)*"))?$/gm;

/** Whether a file of a folder that is included is read. */
export function isIncludedName(name: string): boolean {
  return /^[^.].*\.ya?ml$/.test(name);
}

/** The path of an included file, from the folder of the configuration. */
export function pathOfIncluded({ include, name }: Pick<IncludedFile, 'include' | 'name'>): string {
  return name === '' ? include : join(include, name);
}

export function withIncluded(main: string, files: readonly IncludedFile[]): string {
  return files.reduce((text, { include, name, text: added }) => {
    const which = name === '' ? '' : `, file ${JSON.stringify(name)}`;
    return `${text}${text.endsWith('\n') ? '' : '\n'}--- # include ${JSON.stringify(include)}${which}\n${added}`;
  }, main);
}

/** The file itself first. */
export function sourceParts(text: string): readonly [SourcePart, ...SourcePart[]] {
  const marks = [...text.matchAll(marker)];
  const textFrom = (start: number, at: number): string => text.slice(start, marks[at]?.index ?? text.length);
  const main = { include: '', name: '', text: textFrom(0, 0), start: 0, line: 1 };
  let [line, counted] = [1, 0];
  const included = marks.map(({ 0: whole, 1: include = '""', 2: name = '""', index }, at) => {
    const start = Math.min(text.length, index + whole.length + 1);
    line += text.slice(counted, start).split('\n').length - 1;
    counted = start;
    return { include: wordOf(include), name: wordOf(name), text: textFrom(start, at + 1), start, line };
  });
  return [main, ...included];
}

function wordOf(quotedWord: string): string {
  try {
    return String(JSON.parse(quotedWord));
  } catch {
    return quotedWord;
  }
}

/** Whether a file has a line that would be taken for the beginning of another one. */
export function hasMarker(text: string): boolean {
  return text.search(marker) !== -1;
}

/** The part in which a line of the whole text stands. */
export function partAt(parts: readonly [SourcePart, ...SourcePart[]], line: number): SourcePart {
  return parts.findLast((part) => part.line <= line) ?? parts[0];
}

/** With the names of included files, and lines of their own. */
export function inTheirFiles(
  errors: readonly ConfigurationError[],
  parts: readonly [SourcePart, ...SourcePart[]],
): readonly ConfigurationError[] {
  if (parts.length === 1) return errors;
  return errors.map((error) => {
    const part = partAt(parts, error.line);
    if (part === parts[0]) return error;
    const file = join(dirname(error.file), pathOfIncluded(part));
    return { ...error, file, line: error.line - part.line + 1, textLine: error.line };
  });
}
