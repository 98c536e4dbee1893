import { visibleLine } from '#failures/invisible-characters.ts';
import { leftOut } from './span.ts';
import type { TextRedactor } from './text-redactor.ts';

/** Of a body or a log, so much says what is wrong; more would fill a page. */
const linesMax = 3;
const charactersMax = 300;

/**
 * The first lines of a body that say something, as people may see them: without secrets, markup and invisible characters; empty: it has none, or is no
 * text. `isCut`: more bytes follow, so that the last word may be half a secret that cannot be recognized.
 */
export function firstLines(body: string, redactor: TextRedactor, isCut = false): readonly string[] {
  if (body.includes('\0')) return [];
  const plain = body.replace(escapeSequences, '').replace(withoutWidth, '');
  const whole = isCut ? withoutLastWord(plain) : plain;
  // Before the markup is removed, as secrets are also recognized by it, and after, as texts come together.
  const redacted = redactor.redactLines(whole.split(lineEnd));
  const lines = isHtml.test(whole) ? redactor.redactLines(textOfHtml(redacted.join('\n'))) : redacted;
  return boundedLines(lines.map(visibleLine).filter((line) => line !== ''));
}

/** Colours and the like (ECMA-48), and characters that divide a word without being seen: the name of a secret is not known with them. */
const escapeSequences =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-Z\\^-~]/g;
const withoutWidth = /[\u00ad\u200b-\u200d\u2060\ufeff]/g;

const lineEnd = /\r\n|[\r\n]/;

/** Longer words are no secrets, but JSON without white space. */
const wordCharactersMax = 512;

function withoutLastWord(text: string): string {
  const end = Math.max(text.lastIndexOf(' '), text.lastIndexOf('\n'), text.length - wordCharactersMax, 0);
  return text.slice(0, end);
}

/** At most three, with 300 characters together. */
export function boundedLines(lines: readonly string[]): readonly string[] {
  const shown: string[] = [];
  let left = charactersMax;
  for (const line of lines.slice(0, linesMax)) {
    if (left <= 0) break;
    shown.push(line.length <= left ? line : `${line.slice(0, left - 1)}${leftOut}`);
    left -= line.length;
  }
  return shown;
}

const isHtml = /^\s*<(?:!doctype html|!--|html|head|body|title|h[1-6]|p|div|pre|center)\b/i;

/** Between their tags no text is shown. */
const hiddenElements = /<(style|script|svg)\b[\s\S]*?(?:<\/\1\s*>|$)|<!--[\s\S]*?(?:-->|$)/gi;
const lineBreaks = /<(?:br|\/?(?:p|div|h[1-6]|pre|li|tr|title|table|center|hr))\b[^<>]*>/gi;
const tags = /<[a-z!/?][^<>]*(?:>|$)/gi;

function textOfHtml(html: string): readonly string[] {
  const text = html.replace(hiddenElements, '\n').replace(lineBreaks, '\n').replace(tags, ' ');
  const shown = text.replace(entity, (written, name: string) => entities[name.toLowerCase()] ?? written);
  return shown.split('\n').map((line) => line.replaceAll(/\s+/g, ' '));
}

/** Those that frameworks write into their error pages. */
const entities: Readonly<Record<string, string>> = {
  ...{ lt: '<', gt: '>', amp: '&', quot: '"', nbsp: ' ' },
  ...{ '#39': "'", '#x27': "'", apos: "'", '#34': '"' },
};
const entity = /&(#?\w{2,5});/g;
