import type { Finding } from '#explain/finding.ts';

/** A way in which people, terminals and tools change a line before somebody else reads it. */
interface Mangling {
  readonly name: string;
  /** The texts that the line becomes, each of which still has its deciding words; none if it cannot be mangled so. */
  readonly of: (line: string, words: DecidingWords) => readonly string[];
}

/** From the first of the words that decided to the last one. */
interface DecidingWords {
  readonly start: number;
  readonly end: number;
}

/** Null if the line does not have the evidence in its own spelling, so that nobody knows what may be cut away. */
export function decidingWords(line: string, { evidence }: Pick<Finding, 'evidence'>): DecidingWords | null {
  let [start, end] = [line.length, 0];
  for (const words of evidence) {
    const found = placeOf(line, words);
    if (found === null) return null;
    [start, end] = [Math.min(start, found.start), Math.max(end, found.end)];
  }
  return end === 0 ? null : { start, end };
}

/** The words themselves, or the value of `name=value`, `name value`. */
function placeOf(line: string, words: string): DecidingWords | null {
  const value = /^[\w.:-]{1,40}(?:=| )(.+)$/.exec(words)?.[1];
  for (const text of [
    words,
    JSON.stringify(words).slice(1, -1),
    ...(value === undefined ? [] : [value, JSON.stringify(value).slice(1, -1)]),
  ]) {
    const at = line.lastIndexOf(text);
    if (at >= 0) return { start: at, end: at + text.length };
  }
  return null;
}

/** After the blank before a position. */
const wordStart = (line: string, at: number): number => line.lastIndexOf(' ', at) + 1;

const wordEnd = (line: string, at: number): number => {
  const end = line.indexOf(' ', at);
  return end < 0 ? line.length : end;
};

const around = (name: string, before: string, after = ''): Mangling => ({
  name,
  of: (line) => [`${before}${line}${after}`],
});

const isJson = (line: string): boolean => line.startsWith('{');

function cutsAtFront(line: string, { start }: DecidingWords): readonly string[] {
  const first = wordStart(line, start);
  return [wordStart(line, Math.floor(first / 2)), first, Math.max(0, first - 3), Math.floor(first / 3)]
    .filter((at) => at > 0)
    .map((at) => line.slice(at));
}

function cutsAtEnd(line: string, { end }: DecidingWords): readonly string[] {
  const last = wordEnd(line, end);
  return [last, Math.floor((last + line.length) / 2), Math.min(line.length, last + 2)]
    .filter((at) => at < line.length)
    .map((at) => line.slice(0, at));
}

const wrapAt = 80;

function wrappedHard(line: string, mark = ''): string {
  const parts = line.match(new RegExp(`.{1,${wrapAt}}`, 'gs')) ?? [];
  return parts.map((part) => `${mark}${part}`).join('\n');
}

function wrappedByWords(line: string, mark = ''): string {
  const rows: string[] = [];
  for (const word of line.split(' ')) {
    const last = rows.at(-1);
    if (last !== undefined && last.length + word.length < wrapAt) rows[rows.length - 1] = `${last} ${word}`;
    else rows.push(word);
  }
  return rows.map((row) => `${mark}${row}`).join('\n');
}

const dates =
  /^\S{0,3}\d{4}[/-]\d\d[/-]\d\d[T ]\d\d:\d\d:\d\d\S* |^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\[\d\d\/[A-Z][a-z]{2}\/\d{4}:[^\]]{8,20}\] |^\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [^\]]{8,30}\] |^\[\d{4}-\d\d-\d\dT[^\]]{8,20}\] |^time="[^"]{10,40}" /;

const names =
  /\b(?:\d{1,3}\.){3}\d{1,3}\b|\b(?:[a-z0-9-]{2,30}\.){1,4}(?:example|test|internal|local|org|com|net|svc)\b/g;

/** The mangled texts; of lines with tools around them, see docs/explain/formats.md. */
export const manglings: readonly Mangling[] = [
  { name: 'front cut', of: cutsAtFront },
  { name: 'end cut', of: cutsAtEnd },
  {
    name: 'both cut',
    of: (line, words) =>
      cutsAtEnd(line, words)
        .slice(0, 1)
        .flatMap((text) => cutsAtFront(text, words).slice(0, 2)),
  },
  {
    name: 'middle cut before the words',
    of: (line, { start }) => {
      const [first, last] = [wordEnd(line, 10), wordStart(line, start)];
      return last - first > 30 ? [`${line.slice(0, first)} ... ${line.slice(last)}`] : [];
    },
  },
  {
    name: 'middle cut after the words',
    of: (line, { end }) => {
      const last = wordEnd(line, end);
      return line.length - last > 60 ? [`${line.slice(0, last)} ... ${line.slice(-20)}`] : [];
    },
  },
  around('indented', '    '),
  around('indented by a tab', '\t'),
  around('quoted', '> '),
  around('quoted twice', '> > '),
  around('bulleted', '- '),
  around('starred', '* '),
  around('numbered', '12. '),
  around('in backticks', '`', '`'),
  { name: 'in quotation marks', of: (line) => (isJson(line) ? [] : [`"${line}"`]) },
  around('with dots', '...', '...'),
  { name: 'wrapped at 80 columns', of: (line) => [wrappedHard(line)] },
  { name: 'wrapped between words', of: (line) => [wrappedByWords(line)] },
  { name: 'quoted and wrapped', of: (line) => [wrappedHard(line, '> '), wrappedByWords(line, '    ')] },
  { name: 'double spaces', of: (line) => [line.replaceAll(' ', '  ')] },
  { name: 'names replaced', of: (line, words) => [withoutNames(line, words)] },
  {
    name: 'date removed',
    of: (line, { start }) => {
      const found = dates.exec(line);
      return found === null || found.index > start ? [] : [line.replace(dates, '')];
    },
  },
];

/** Names within the deciding words stay: `upstream "shop.example"`. */
function withoutNames(line: string, { start, end }: DecidingWords): string {
  const hide = (text: string): string => text.replace(names, 'xxx');
  return `${hide(line.slice(0, start))}${line.slice(start, end)}${hide(line.slice(end))}`;
}
