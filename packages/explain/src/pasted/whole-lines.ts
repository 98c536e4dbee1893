import type { Dialect } from '../dialect.ts';
import { LogExplainer, type LineVerdict } from '../log-explainer.ts';
import { unmarked, withoutCommonMarks } from './read-part.ts';

/** Longer texts are no pasted entries. */
const linesMax = 500;

const member = /^( {0,20})(?:'([^']{1,80})'|"([^"]{1,80})"|([\w./@-]{1,80})):(?: (.{0,4000}))?$/;

/**
 * Entries of Google's logs as `gcloud logging read` prints them, in YAML: each becomes one line of JSON. Other lines stay. Only
 * nested mappings are read, as such entries have them.
 */
function withYamlEntries(lines: readonly string[]): readonly string[] {
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

/** More fragments than a log line has on a narrow terminal. */
const fragmentsMax = 60;

/**
 * The lines of a pasted text as the log has them, since a terminal or a mail may have broken them. Joins fragments that
 * are no lines themselves to the line before, if the joined line tells more.
 */
export function wholeLines(fragments: readonly string[], dialects: readonly Dialect[]): readonly string[] {
  return joinedFragments(fragments, dialects).map(({ text }) => text);
}

/** The same, and of how many fragments each line was made. */
export function joinedFragments(fragments: readonly string[], dialects: readonly Dialect[]): readonly JoinedLine[] {
  const slices = withYamlEntries(fragments);
  const readings = new Readings(dialects);
  const whole: JoinedLine[] = [];
  for (let index = 0; index < slices.length; ) {
    const joined = firstLine(slices.slice(index, index + fragmentsMax), readings);
    whole.push(joined);
    index += joined.count;
  }
  return whole;
}

/** Whole lines, and parts of lines, each read once: memory of a dialect would count a line twice. */
class Readings {
  readonly #dialects: readonly Dialect[];

  constructor(dialects: readonly Dialect[]) {
    this.#dialects = dialects;
  }

  whole(text: string): LineVerdict {
    return new LogExplainer(this.#dialects, { parts: false }).read(text);
  }

  part(text: string): LineVerdict {
    return new LogExplainer(this.#dialects).read(text);
  }
}

interface JoinedLine {
  readonly text: string;
  /** How many fragments it was made of. */
  readonly count: number;
}

/** The longest run of unrecognised fragments that makes the first line tell more. */
function firstLine(slices: readonly string[], readings: Readings): JoinedLine {
  const [first = ''] = slices;
  const bare = slices.map(unmarked);
  let end = 1;
  while (end < slices.length && readings.whole(bare[end] ?? '') === null && slices[end] !== '') end += 1;
  const before = weightOf(readings.whole(first));
  for (let count = end; count > 1; count -= 1) {
    const run = slices.slice(0, count);
    const joined = best(joinsOf(run), count > 2, (text) => readings.whole(text));
    if (joined.weight > before || (joined.weight > 0 && isWrapped(run))) return { text: joined.text, count };
  }
  return before > 0 || end === 1 ? { text: first, count: 1 } : partOfLine(slices.slice(0, end), readings);
}

/** Fragments without any whole line: joined if no fragment tells something alone. */
function partOfLine(slices: readonly string[], readings: Readings): JoinedLine {
  const alone = slices.findIndex((slice) => readings.part(slice) !== null);
  const joined = best(joinsOf(slices), slices.length > 2, (text) => readings.part(text));
  const weight = alone < 0 ? 0 : weightOf(readings.part(slices[alone] ?? ''));
  return joined.weight > weight ? { text: joined.text, count: slices.length } : { text: slices[0] ?? '', count: 1 };
}

/**
 * A terminal breaks at its width and leaves every character, a mail breaks between words and takes the blank away. The
 * likelier text comes first.
 */
function joinsOf(slices: readonly string[]): readonly string[] {
  const bare = withoutCommonMarks(slices);
  const [first = '', ...rest] = bare;
  const isHard = new Set(slices.slice(0, -1).map(({ length }) => length)).size === 1 && slices.length > 2;
  const [hard, soft] = [bare.join(''), [first.trimEnd(), ...rest.map((text) => text.trim())].join(' ')];
  return [...new Set(isHard ? [hard, soft, slices.join('')] : [soft, hard, slices.join('')])];
}

const widthMin = 40;
/** The longest first part of a line that is broken only once: a longer one is more likely a whole line. */
const widthMaxOfTwo = 132;

/** Whether each part ends where the next word, or the next character, would not have fitted. */
function isWrapped(slices: readonly string[]): boolean {
  const broken = slices.slice(0, -1);
  const width = Math.max(...broken.map(({ length }) => length));
  return (
    width >= widthMin &&
    (broken.length > 1 || width <= widthMaxOfTwo) &&
    broken.every((part, index) => {
      const next = withoutCommonMarks([part, slices[index + 1] ?? ''])[1] ?? '';
      return part.length + 1 + (next.split(' ', 1)[0] ?? '').length > width;
    })
  );
}

function best(
  texts: readonly string[],
  isSure: boolean,
  read: (text: string) => LineVerdict,
): { readonly text: string; readonly weight: number } {
  let found = { text: texts[0] ?? '', weight: 0 };
  for (const text of texts) {
    const weight = weightOf(read(text));
    if (weight > found.weight) found = { text, weight };
    // A failure in the likelier text is not outdone by more facts in the others. Two parts show no way of breaking.
    if (isSure && weight >= weightOfFailure) break;
  }
  return found;
}

const weightOfFailure = 30;

/** How much a verdict tells: 0 for none. A failure tells more than an unexplained one, and each fact adds to it. */
function weightOf(verdict: LineVerdict): number {
  if (verdict === null) return 0;
  const { shape, upstream, request, type, stage, status } = verdict;
  const facts = [upstream, request, type, stage, status].filter((fact) => fact !== null).length;
  return (shape === 'none' ? 10 : shape === 'unknown' ? 20 : weightOfFailure) + facts;
}
