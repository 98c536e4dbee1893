import { isSecretNameInProse } from './secret-name.ts';

/** Where the value of a name is that ends its line. */
export interface ValueBelow {
  /** `indented`: in all following lines that are indented more. `next`: in the next line, as in a list of names and values. */
  readonly kind: 'indented' | 'next';
  readonly indent: number;
}

/** `password:`, `"token": {`, `secret: |` and the like at the end of a line. */
const nameAtEnd = /(?<![\w.-])([\w.-]{1,64})["'`]?\]?\s{0,4}(?:=>?|:)\s{0,4}[|>[{(]?[-+\d]{0,2}\s*$/;
/** A name in a list whose next element is in the next line. */
const listedAtEnd = /(["'`])([\w-]{1,64})\1\s{0,4},\s*$/;

/** Null: the line ends with no name of a secret. `isSecretHeader`: whether the value of a header is one, by its name in lower case. */
export function valueBelow(line: string, isSecretHeader: (name: string) => boolean): ValueBelow | null {
  const isSecret = (name: string): boolean => isSecretHeader(name.toLowerCase()) || isSecretNameInProse(name);
  const end = line.slice(-160);
  const name = nameAtEnd.exec(end)?.[1];
  if (name !== undefined && isSecret(name)) return { kind: 'indented', indent: indentOf(line) };
  const listed = listedAtEnd.exec(end)?.[2];
  return listed !== undefined && isSecret(listed) ? { kind: 'next', indent: indentOf(line) } : null;
}

/** Whether a line holds, or goes on with, the value. */
export function isBelow(line: string, { kind, indent }: ValueBelow): boolean {
  if (line.trim() === '') return kind === 'indented';
  return kind === 'next' ? /^\s*["'`]/.test(line) : indentOf(line) > indent;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
