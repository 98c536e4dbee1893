/** Longer texts are no pasted entries. */
const linesMax = 500;

const member = /^( {0,20})(?:'([^']{1,80})'|"([^"]{1,80})"|([\w./@-]{1,80})):(?: (.{0,4000}))?$/;

/**
 * Entries of Google's logs as `gcloud logging read` prints them, in YAML: each becomes one line of JSON. Other lines stay. Only
 * nested mappings are read, as such entries have them.
 */
export function withYamlEntries(lines: readonly string[]): readonly string[] {
  const hasEntry =
    lines.some((line) => /^httpRequest:\s*$/.test(line)) && lines.some((line) => /^\s+statusDetails: /.test(line));
  if (!hasEntry || lines.length > linesMax) return lines;
  const joined: string[] = [];
  let entry: string[] = [];
  const endEntry = (): void => {
    joined.push(...entryOf(entry));
    entry = [];
  };
  for (const line of lines) {
    if (line.trimEnd() === '---') endEntry();
    else entry.push(line);
  }
  endEntry();
  return joined;
}

type Mapping = { [key: string]: string | Mapping };

function entryOf(lines: readonly string[]): readonly string[] {
  const root: Mapping = {};
  const open: { readonly indent: number; readonly mapping: Mapping }[] = [{ indent: 0, mapping: root }];
  for (const line of lines) {
    const [found, { length: indent } = '', single, double, bare, value] = member.exec(line) ?? [];
    if (found === undefined) return lines;
    while (open.length > 1 && (open.at(-1)?.indent ?? 0) > indent) open.pop();
    const mapping = open.at(-1)?.mapping ?? root;
    const key = single ?? double ?? bare ?? '';
    if (value !== undefined && value !== '') mapping[key] = value.replace(/^(['"])(.*)\1$/, '$2');
    else {
      const inner: Mapping = {};
      mapping[key] = inner;
      open.push({ indent: indent + 1, mapping: inner });
    }
  }
  return 'httpRequest' in root ? [JSON.stringify(root)] : lines;
}
