export interface DiffLine {
  readonly kind: 'added' | 'removed' | 'same' | 'position';
  /** Without the sign that says so. */
  readonly text: string;
}

/** The lines of a unified diff, without the names of the files. */
export function diffLines(diff: string): DiffLine[] {
  const lines = diff.replace(/\n$/, '').split('\n');
  const first = lines.findIndex((line) => line.startsWith('@@'));
  return lines.slice(Math.max(0, first)).map((line) => ({ kind: kindOf(line), text: textOf(line) }));
}

function kindOf(line: string): DiffLine['kind'] {
  if (line.startsWith('@@')) return 'position';
  if (line.startsWith('+')) return 'added';
  return line.startsWith('-') ? 'removed' : 'same';
}

function textOf(line: string): string {
  return line.startsWith('@@') ? line : line.slice(1);
}
