import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from 'yaml';
import { NotConvertible } from './conversion.ts';
import type { Located } from './located.ts';

/** What aliases may repeat: more is a file that was made to fill memory. */
const valuesMax = 10_000;

/** YAML or JSON as data with lines. Anchors and merge keys are followed. */
export function readYaml(text: string): Located {
  const lines = new LineCounter();
  const lineAt = (node: Node): number => (node.range == null ? 1 : lines.linePos(node.range[0]).line);
  const document = parsed(text, lines);
  let values = 0;
  const open = new Set<Node>();

  const followed = (alias: Alias): Located => {
    const target = alias.resolve(document);
    if (target === undefined) throw new NotConvertible(lineAt(alias), `there is no anchor &${alias.source}`);
    if (open.has(target))
      throw new NotConvertible(lineAt(alias), `the anchor &${alias.source} contains itself: remove *${alias.source}`);
    return { ...read(target), line: lineAt(alias) };
  };

  const merge = (into: Map<string, Located>, value: Located, written: ReadonlySet<string>): void => {
    for (const one of value.kind === 'list' ? value.items : [value])
      if (one.kind === 'map')
        for (const [key, entry] of one.entries) if (!written.has(key) && !into.has(key)) into.set(key, entry);
  };

  const read = (node: unknown): Located => {
    values += 1;
    if (values > valuesMax) throw new NotConvertible(0, `it has more than ${valuesMax} values, aliases included`);
    if (isAlias(node)) return followed(node);
    if (isScalar(node)) return { kind: 'scalar', line: lineAt(node), value: plainValue(node.value) };
    if (!isMap(node) && !isSeq(node)) return { kind: 'scalar', line: 1, value: null };
    open.add(node);
    const line = lineAt(node);
    let found: Located;
    if (isSeq(node)) found = { kind: 'list', line, items: node.items.map(read) };
    else {
      const entries = new Map<string, Located>();
      const written = new Set(node.items.map(({ key }) => String(isScalar(key) ? key.value : key)));
      for (const { key, value } of node.items) {
        const name = String(isScalar(key) ? key.value : key);
        const entry = read(value);
        if (name === '<<') merge(entries, entry, written);
        else entries.set(name, { ...entry, line: isScalar(key) ? lineAt(key) : entry.line });
      }
      found = { kind: 'map', line, entries };
    }
    open.delete(node);
    return found;
  };
  try {
    return read(document.contents);
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep();
    throw error;
  }
}

function plainValue(value: unknown): string | number | boolean | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value;
  // Large numbers, and dates where a tag makes one.
  return JSON.stringify(typeof value === 'bigint' ? value.toString() : value);
}

function tooDeep(): NotConvertible {
  return new NotConvertible(0, 'it is nested too deeply to be read');
}

function parsed(text: string, lineCounter: LineCounter) {
  try {
    const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false, version: '1.2', merge: false });
    const [first, ...more] = Array.isArray(documents) ? documents : [];
    if (first === undefined) throw new NotConvertible(0, 'the file is empty');
    if (more.length > 0) throw new NotConvertible(0, 'it has several documents (---): convert one file for each');
    const [error] = first.errors;
    if (error !== undefined) {
      const sentence = error.message.split('\n')[0]!.replace(/^[A-Z]/, (letter) => letter.toLowerCase());
      throw new NotConvertible(lineCounter.linePos(error.pos[0]).line, `it is not valid YAML: ${sentence}`);
    }
    return first;
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep();
    throw error;
  }
}
