import { loadCases } from '../conformance/load-cases.ts';
import type { Disagreement } from './compare.ts';
import type { Sample } from './generate.ts';
import type { ReaderName } from './peer.ts';

/** A line of the documents that says how a reader differs (`test/conformance/read-otherwise.md`). */
export interface Explanation {
  /** File, line and title of its case. */
  readonly of: string;
  readonly example: Sample;
  readonly readers: readonly ReaderName[];
  readonly kind: Disagreement['kind'];
  /** '*': any. */
  readonly about: string;
  /** Patterns for the beginning of the message and for all bytes; null: anything. */
  readonly where: RegExp | null;
}

const form =
  /^((?:node|nginx|haproxy)(?:, (?:node|nginx|haproxy))*): (candor-refuses|other-refuses|other-stops|candor-waits|reads-otherwise)(?: (.+?))??(?: where (.+))?$/;

/** All lines. Throws for a line that is not as the chapter says. */
export const explanations: readonly Explanation[] = loadCases().flatMap(({ name, kind, method, bytes, others }) =>
  others.map((line) => ({ of: name, example: { kind, method, bytes, from: name }, ...explanationOf(line, name) })),
);

function explanationOf(line: string, name: string): Omit<Explanation, 'of' | 'example'> {
  const found = form.exec(line);
  if (found === null) throw new Error(`${name}: "${line}" does not name the reader and the difference`);
  const [, readers = '', kind, about = '', where] = found;
  return {
    readers: readers.split(', ') as ReaderName[],
    kind: kind as Disagreement['kind'],
    about,
    where: where === undefined ? null : new RegExp(where),
  };
}

/** Whether this line explains how the reader has read the sample. */
export function explains(line: Explanation, reader: ReaderName, sample: Sample, found: Disagreement): boolean {
  return (
    line.example.kind === sample.kind &&
    line.readers.includes(reader) &&
    line.kind === found.kind &&
    (line.about === found.about || line.about === '*') &&
    (line.where === null || line.where.test(`${found.start}\n${sample.bytes.toString('latin1')}`))
  );
}
