import { isSecretName } from './secret-name.ts';
import type { Span } from './span.ts';

/** An element whose name marks a secret: `<password>…</password>`. */
const element = /<([\w:.-]{1,64})(?:\s[^<>]{0,200})?>([^<]+)/g;

export function elementSpans(text: string): readonly Span[] {
  const spans: Span[] = [];
  for (const { index, 0: whole, 1: name = '', 2: value = '' } of text.matchAll(element)) {
    const end = index + whole.length;
    if (isSecretName(name) && value.trim() !== '') spans.push({ start: end - value.length, end });
  }
  return spans;
}

/** A name at the end of an element, perhaps as `$_ENV['NAME']`, and whether a colon follows. */
const nameInElement = String.raw`(?<![\w.-])([\w.-]{1,64})(?:["'\]]|&#?\w{1,6};){0,4}\s{0,4}(:?)\s{0,4}`;

/** A name, the end of its element, the tags behind it, and the text behind these. */
const besideName = new RegExp(
  `${nameInElement}<\\/([a-z]\\w{0,9})>((?:\\s{0,64}<[^<>]{0,200}>){0,6})\\s{0,64}([^<\\s][^<]*)`,
  'gi',
);
const nameCell = /^(?:td|th|dt)$/i;
const valueCell = /<(?:td|th|dd)\b/i;

/** Values in the cell behind that of their name, and behind a name in an element of its own: `<td>password</td><td>…</td>`, `<b>password:</b> …`. */
export function cellSpans(text: string): readonly Span[] {
  const spans: Span[] = [];
  for (const { index, 0: whole, 1: name = '', 2: colon, 3: tag = '', 4: tags = '', 5: value = '' } of text.matchAll(
    besideName,
  )) {
    const isBeside = colon === ':' || (nameCell.test(tag) && valueCell.test(tags));
    const end = index + whole.length;
    if (isBeside && isSecretName(name)) spans.push({ start: end - value.length, end });
  }
  return spans;
}

const cellAtEnd = new RegExp(`${nameInElement}<\\/(?:td|th|dt)>(?:\\s{0,4}<[^<>]{0,60}>){0,3}\\s*$`, 'i');

/** Whether the cell of a secret's name ends the line, so that its value is in the next line with text. */
export function endsWithNameCell(lineEnd: string): boolean {
  return isSecretName(cellAtEnd.exec(lineEnd)?.[1] ?? '');
}

/** Whether a line has nothing but tags. */
export const isOfTagsAlone = (line: string): boolean => /^\s*(?:<[^<>]{0,200}>\s*){0,16}$/.test(line.slice(0, 4096));
