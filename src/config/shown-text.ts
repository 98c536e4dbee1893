import { hideInPath } from '../schema/hide-secrets.ts';
import { mask, maskOfPair, type SourceReading } from './masked-source.ts';
import type { PathOffsets } from './position-index.ts';

/** What stands in a configuration in place of a value that is not shown: YAML of a text. Plain asterisks would be an alias. */
const hiddenValue = '"***"';

/** What people may see of a text. */
export interface ShownText {
  readonly text: string;
  /** With all that is hidden. */
  readonly original: string;
  /** The values that `text` does not have: it has `"***"`, or a reference to a variable, in their place. Null: there are too many. */
  readonly unshown: readonly UnshownText[] | null;
}

interface UnshownText {
  /** `applications.web.environment.PASSWORD` */
  readonly key: string;
  /** A secret. */
  readonly value: string;
}

/** More of them are not kept. */
const unshownMax = 500;

/**
 * The text of a configuration for the admin API, the dashboard and the state folder, with `"***"` in place of what `maskedSource` hides. Lines keep
 * their numbers, and what was YAML is YAML. Of what is hidden in the middle of a value `***` stands there.
 */
export function shownText({ source, positions }: SourceReading, masked: string): ShownText {
  // Both are as wide as what they hide.
  const marked = masked.replaceAll(maskOfPair, mask);
  return {
    text: readableText(marked, source, positions),
    original: source,
    unshown: unshownIn(marked, source, positions),
  };
}

function readableText(marked: string, source: string, positions: PathOffsets): string {
  if (!marked.includes(mask)) return marked;
  // A value that aliases repeat has several keys.
  const values = new Map([...positions.scalars()].map((one) => [one.start, one]));
  const spans = [...values.values()].filter(({ start, end }) => marked.slice(start, end).includes(mask));
  let text = '';
  let at = 0;
  for (const { start, end } of spans.toSorted((a, b) => a.start - b.start)) {
    text += marked.slice(at, start) + readableValue(marked.slice(start, end), source.charAt(start));
    at = end;
  }
  text += marked.slice(at);
  return text
    .replace(/(["'])\ue003+\1/g, hiddenValue)
    .replace(plainMasks, `$1${hiddenValue}`)
    .replace(masks, '***');
}

const masks = /\ue003+/g;
/** A plain value that is nothing else. */
const plainMasks = /((?:[:,-][ \t]+|[[{][ \t]*)(?:&\w+[ \t]+)?)\ue003+(?=[ \t\r]*(?:$|[,\]}])|[ \t]+#)/gm;

/** `begin`: its first character in the file. */
function readableValue(marked: string, begin: string): string {
  const isQuoted = begin === '"' || begin === "'";
  const isBlock = begin === '|' || begin === '>';
  const inner = isQuoted ? marked.slice(1).replace(/["']$/, '') : isBlock ? marked.replace(/^[|>].*/, '') : marked;
  const isCut = isQuoted && !marked.endsWith(begin);
  if (isCut || /^[\s\ue003]*$/.test(inner)) return hiddenValue + lineEndsOf(marked);
  const text = marked.replace(masks, '***');
  // Plain text that begins with an asterisk is an alias.
  if (isBlock || !text.startsWith('*')) return text;
  return /["\\\n]/.test(text) ? hiddenValue + lineEndsOf(marked) : `"${text}"`;
}

/** Line ends and the indent of the last line, so that lines keep their numbers. */
function lineEndsOf(text: string): string {
  const lines = text.split('\n');
  const last = lines.at(-1) ?? '';
  return lines.length === 1 ? '' : '\n'.repeat(lines.length - 1) + (last.trim() === '' ? '' : /^\s*/.exec(last)?.[0]);
}

/** The scalars of which not each character is shown, and those with variables. */
function unshownIn(shown: string, source: string, positions: PathOffsets): readonly UnshownText[] | null {
  const unshown: UnshownText[] = [];
  for (const { key, start, end, expanded } of positions.scalars()) {
    const written = source.slice(start, end);
    if (expanded === null && shown.slice(start, end) === written) continue;
    if (unshown.length === unshownMax) return null;
    unshown.push({ key: hideInPath(key), value: expanded ?? written.replace(/^(["'])(.*)\1$/s, '$2') });
  }
  return unshown;
}
