import type { ConfigurationError } from './configuration-errors.ts';
import { quotedMax } from '../schema/error-detail.ts';
import { knownNames } from './hidden-keys.ts';
import type { HiddenText } from './masked-source.ts';

const replacement = '***';

/** Others stand by chance in sentences about something else. */
function isRare(text: string): boolean {
  return text.length >= 8 && !/^[a-z]+(?:[_-][a-z]+)*$/.test(text);
}

/** Of a value that a sentence takes apart, such as a header in one text. */
const wordMin = 4;

/** A part of a sentence that is quoted. */
const quotation = /"(?:[^"\\]|\\.)*"/g;

/** What stands for each text, in lower case. */
type Replacements = ReadonlyMap<string, string>;

function inQuotations(text: string, pattern: RegExp | null, by: Replacements): string {
  return pattern === null ? text : text.replace(quotation, (quoted) => replaced(quoted, by, pattern));
}

function replaced(text: string, by: Replacements, ...patterns: readonly (RegExp | null)[]): string {
  const instead = (found: string): string => by.get(found.toLowerCase()) ?? replacement;
  return patterns.reduce<string>((left, pattern) => (pattern === null ? left : left.replace(pattern, instead)), text);
}

function replacementsOf(hidden: readonly HiddenText[]): Replacements {
  return new Map(
    hidden.flatMap(({ texts, instead }) =>
      instead === undefined
        ? []
        : texts
            .flatMap((text) => [...wordsOf(text), ...formsOf(text)])
            .map((text): [string, string] => [text.toLowerCase(), instead]),
    ),
  );
}

/** Words such as `port` and `Host` stand in sentences of our own. */
function isNoPlainWord(word: string): boolean {
  return !/^(?:[A-Z]?[a-z]{1,14}|[A-Z]{1,15})$/.test(word);
}

/**
 * The same errors without hidden values in their sentences: whole, cut as `quoted` cuts, and of the value that an error is about its
 * words too, plain ones only where the sentence quotes them. So no sentence has to know which values are hidden.
 */
export function withoutHidden(
  errors: readonly ConfigurationError[],
  hidden: readonly HiddenText[],
): readonly ConfigurationError[] {
  if (hidden.length === 0) return errors;
  const elsewhere = hidden.filter(({ isElsewhere, isWhole }) => isElsewhere !== true && isWhole !== true);
  const everywhere = patternOf(elsewhere.flatMap(({ texts }) => texts.filter(isRare).flatMap(formsOf)));
  const by = replacementsOf(hidden);
  return errors.map((error) => {
    const shown = shownNames(error.path, hidden);
    const isShown = (text: string): boolean => shown.has(text) || knownNames().has(text);
    const related = hidden.filter(({ key }) => isRelated(error.path, key));
    const words = related
      .flatMap(({ texts, isWhole }) => (isWhole === true ? [] : texts.flatMap(wordsOf)))
      .filter((word) => !isShown(word));
    const texts = related.flatMap((one) => one.texts).filter((text) => !isShown(text));
    const whole = patternOf(texts.flatMap(formsOf));
    const part = patternOf(words);
    const rarePart = patternOf(words.filter(isNoPlainWord));
    const change = (text: string): string =>
      replaced(inQuotations(replaced(text, by, whole), part, by), by, rarePart, everywhere);
    const keys = patternOf(hidden.filter(({ isKey }) => isKey).flatMap(({ texts }) => texts));
    return {
      ...error,
      path: keys === null ? error.path : error.path.replace(keys, replacement),
      message: change(error.message),
      suggestion: error.suggestion === null || isOurs(error) ? error.suggestion : change(error.suggestion),
    };
  });
}

/** What is said of an unknown key has nothing of the file: the words and examples are ours. */
function isOurs({ message }: ConfigurationError): boolean {
  return message.startsWith('unknown key "');
}

/** The keys that lead to an error: its sentence names them, and a value may be the same word. */
function shownNames(path: string, hidden: readonly HiddenText[]): ReadonlySet<string> {
  const secret = new Set(hidden.flatMap(({ isKey, texts }) => (isKey ? texts : [])));
  return new Set((path.match(/[\w-]+/g) ?? []).filter((name) => !secret.has(name)));
}

/** An error may stand at the section that the value is in, or deeper. */
function isRelated(path: string, key: string): boolean {
  return path === '' || isBelow(path, key) || isBelow(key, path);
}

function isBelow(path: string, section: string): boolean {
  return path.startsWith(section) && /^(?:$|[.[])/.test(path.slice(section.length));
}

/** As it stands in a sentence: as it is, in quotes, and cut. */
function formsOf(text: string): string[] {
  const points = [...text];
  const whole = points.length > quotedMax ? points.slice(0, quotedMax - 1).join('') : text;
  return [text, JSON.stringify(text).slice(1, -1), whole, JSON.stringify(whole).slice(1, -1)];
}

function wordsOf(text: string): string[] {
  return text.split(/[^\w-]+/).filter((word) => word.length >= wordMin);
}

/** The longest first. A short one counts in quotes and as a number alone. */
function patternOf(texts: readonly string[]): RegExp | null {
  const found = [...new Set(texts)].filter((text) => text !== '').toSorted((a, b) => b.length - a.length);
  if (found.length === 0) return null;
  const patterns = found.map((text) => {
    const literal = text.replace(/[^\w\s]/g, '\\$&');
    if (text.length >= wordMin) return `(?<!\\w)${literal}(?!\\w)`;
    const asNumber = /^\d+$/.test(text) ? `(?<=number |^)` : '(?<=number )';
    return `(?<=")${literal}(?=")|${asNumber}${literal}\\b`;
  });
  return new RegExp(patterns.join('|'), 'gi');
}
