import { escaped } from './commands.ts';

interface ReadVariables {
  readonly variables: readonly { readonly name: string; readonly value: string; readonly line: number }[];
  /** Lines that are no variable. */
  readonly unread: readonly number[];
}

/** A file of variables (`.env`, `EnvironmentFile=`): `NAME=value`, quotes, comments, `export`. */
export function readVariables(text: string): ReadVariables {
  const variables: { name: string; value: string; line: number }[] = [];
  const unread: number[] = [];
  for (const [index, written] of text.split(/\r?\n/).entries()) {
    const line = written.trim();
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const [, name, rest = ''] = /^(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined) unread.push(index + 1);
    else variables.push({ name, value: escaped(valueOf(rest)), line: index + 1 });
  }
  return { variables, unread };
}

function valueOf(written: string): string {
  const [, quote, quoted] = /^(["'])(.*?)(?<!\\)\1\s*(?:#.*)?$/.exec(written) ?? [];
  if (quoted === undefined) return written.replace(/\s+#.*$/, '');
  return quote === "'" ? quoted : quoted.replace(/\\(["\\$])/g, '$1').replaceAll('\\n', '\n');
}
