import type { Document, ErrorCode, YAMLError } from 'yaml';
import type { ConfigurationError } from './configuration-errors.ts';
import { configurationError } from './configuration-errors.ts';
import { quoted } from '../schema/error-detail.ts';
import type { SourcePosition, SourceText } from './source-text.ts';
import { lineText, positionOf, sourceText } from './source-text.ts';

type ErrorText = readonly [message: string, suggestion: string | null];

/** What the parser's codes mean to somebody who writes a configuration. */
const errorTexts: Readonly<Record<ErrorCode, ErrorText>> = {
  ALIAS_PROPS: ['an alias cannot have an anchor or a tag', 'remove what stands before the "*"'],
  BAD_ALIAS: ['"*" begins an alias, and this is none', 'put the value in quotes, such as "*.example.org"'],
  BAD_COLLECTION_TYPE: ['the tag does not fit to what follows', 'remove the tag'],
  BAD_DIRECTIVE: ['"%" begins a YAML directive, and this is none', 'put the value in quotes'],
  BAD_DQ_ESCAPE: ['this escape is not known in double quotes', 'write \\\\ for a backslash, or use single quotes'],
  BAD_INDENT: ['the indentation fits to nothing above', 'keys of one map begin in the same column'],
  BAD_PROP_ORDER: ['an anchor or tag stands after the sign that it must precede', null],
  BAD_SCALAR_START: ['a value cannot begin with "@" or "`" unless it is in quotes', 'put it in quotes'],
  BLOCK_AS_IMPLICIT_KEY: [
    'a key with a value cannot stand inside of another value',
    'put the value in quotes, or the key on a line of its own',
  ],
  BLOCK_IN_FLOW: ['inside of brackets, lists and maps must be in brackets too', 'write [a, b] or { key: value }'],
  DUPLICATE_KEY: ['the key stands here for a second time', 'keep one of the two'],
  IMPOSSIBLE: ['this is not YAML', null],
  KEY_OVER_1024_CHARS: ['the key is longer than 1024 characters', 'is a quote or a bracket missing?'],
  MISSING_CHAR: ['something is missing here', 'is a quote, a bracket or a comma left out?'],
  MULTILINE_IMPLICIT_KEY: [
    'this line is neither a key with a value nor part of one',
    'write "key: value", with a space after the colon',
  ],
  MULTIPLE_ANCHORS: ['a value can have one anchor only', 'remove one of them'],
  MULTIPLE_DOCS: ['a second YAML document begins here', 'remove the line "---"; a configuration is one document'],
  MULTIPLE_TAGS: ['a value can have one tag only', 'remove the tags'],
  NON_STRING_KEY: ['a key must be text', null],
  RESOURCE_EXHAUSTION: ['the file is nested too deeply to be read', 'no key of ours lies deeper than eight levels'],
  TAB_AS_INDENT: ['a tab cannot be used for indentation', 'use spaces'],
  TAG_RESOLVE_FAILED: ['YAML tags have no meaning here', 'remove the tag; to begin a value with "!", put it in quotes'],
  UNEXPECTED_TOKEN: ['this is not expected here', 'is a quote, a bracket or some indentation missing before it?'],
};

/** Mistakes after which the rest of the document still means what it says. */
const harmlessCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED']);

/**
 * The errors of the YAML parser as configuration errors. One mistake often causes several parser errors, so that only the first
 * error of a line is kept, and of unexpected characters only the first of the document. `masked`: the text without secrets.
 */
export function syntaxErrors(
  document: Document.Parsed,
  source: SourceText,
  file: string,
  masked: () => string,
): { errors: ConfigurationError[]; fatal: boolean } {
  const found = [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0]);
  const lines = new Set<number>();
  const errors: ConfigurationError[] = [];
  let stumbled = false;
  let saidBefore: ErrorText | null = null;
  for (const error of found) {
    const { position, errorText } = explain(error, source, masked);
    const isSaid = errorText === besideDashText && saidBefore === errorText;
    saidBefore = errorText;
    const follows = (error.code === 'UNEXPECTED_TOKEN' && stumbled) || isSaid;
    stumbled ||= !harmlessCodes.has(error.code);
    if (lines.has(position.line) || follows) continue;
    lines.add(position.line);
    errors.push(configurationError(file, position, '', errorText[0], errorText[1]));
  }
  return { errors, fatal: found.some(({ code }) => !harmlessCodes.has(code)) };
}

/** The parser says where it gave up; people want to know what they left open before. */
function explain(
  error: YAMLError,
  source: SourceText,
  masked: () => string,
): { position: SourcePosition; errorText: ErrorText } {
  if (error.code === 'BAD_INDENT' || error.code === 'MISSING_CHAR') {
    const open = lastOpen(source.text.slice(0, error.pos[1]));
    if (open !== null)
      return { position: positionOf(source, open.at, open.at + 1), errorText: unclosedText(open.sign) };
  }
  const position = errorPosition(error, source);
  return {
    position,
    errorText: contextText(error, sourceText(masked()), position) ?? errorTexts[error.code],
  };
}

function contextText(error: YAMLError, source: SourceText, position: SourcePosition): ErrorText | null {
  const text = lineText(source, position.line);
  const rest = [...text].slice(position.column - 1).join('');
  switch (error.code) {
    case 'BAD_INDENT':
      return besideDash(text, position.line, source);
    case 'MISSING_CHAR':
      // No quote and no bracket is open.
      return /^\s+["']?[\w-]+["']?:(?: |$)/.test(text) ? errorTexts.BAD_INDENT : null;
    case 'DUPLICATE_KEY':
      return [`the key ${quoted(wordAt(rest))} stands here for a second time`, 'keep one of the two'];
    case 'UNEXPECTED_TOKEN':
      return bracesText([...text].slice(0, position.column - 1).join(''), rest);
    case 'MULTILINE_IMPLICIT_KEY': {
      const joined = /^\s*(?:- )?([\w-]+):(\S.*)$/.exec(text);
      return joined === null
        ? null
        : ['there is no space after the colon', `write ${joined[1]}: ${joined[2]!.slice(0, 40)}`];
    }
    case 'BLOCK_AS_IMPLICIT_KEY': {
      const key = /^\s*(?:- )?([\w-]+): /.exec(text)?.[1];
      const below = lineText(source, position.line + 1);
      if (key === undefined || /^\s*/.exec(below)![0].length <= /^\s*/.exec(text)![0].length) return null;
      return [
        `${quoted(key)} has a value already, and keys stand below it`,
        `begin them in the column of ${quoted(key)}, or move the value below too, under a key of its own`,
      ];
    }
    default:
      return null;
  }
}

const besideDashText: ErrorText = [
  'keys of an entry stand beside its "-", and not behind it',
  'indent them by two spaces more than the "-"',
];

/** A key of an entry of a list in the column of its "-". */
function besideDash(text: string, line: number, source: SourceText): ErrorText | null {
  const [, indent = ''] = /^( *)["']?[\w-]+["']?:(?: |$)/.exec(text) ?? [];
  if (indent === '') return null;
  for (let above = line - 1; above > 0; above -= 1) {
    const before = lineText(source, above);
    if (before.startsWith(`${indent}-`)) return besideDashText;
    if (before.trim() !== '' && !before.startsWith(indent) && !/^\s*#/.test(before)) return null;
  }
  return null;
}

/** Braces within brackets begin a map, and here they were meant as a part of a text. */
function bracesText(before: string, rest: string): ErrorText | null {
  const [braces] = /^\{[^{}]*\}/.exec(rest) ?? [];
  if (braces === undefined || !/[[{]/.test(before)) return null;
  const isVariable = before.endsWith('$');
  const written = (isVariable ? '$' : '') + braces;
  const [, start = ''] = /(?:[[{,]|:\s)\s*([^[{},:]*)$/.exec(isVariable ? before.slice(0, -1) : before) ?? [];
  if (!isVariable && start.trim() === '') return null;
  const what = isVariable ? 'a variable' : braces.includes('*') ? 'a word in braces' : braces;
  const suggestion = start.trim() === '' ? `write "${written}"` : `put the whole value in quotes: "${start}${written}"`;
  return [`${what} inside of brackets needs quotes`, suggestion];
}

interface Open {
  readonly sign: string;
  readonly at: number;
}

/**
 * The last quote or bracket that is not closed, as far as it can be told without the grammar: both begin a
 * value only after white space, a colon, a comma or a bracket, so that "don't" opens nothing.
 */
function lastOpen(text: string): Open | null {
  const open: Open[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at]!;
    const begins = at === 0 || /[\s:,[{-]/.test(text[at - 1]!);
    if ((sign === '"' || sign === "'") && begins) {
      const end = endOfQuote(text, at);
      if (end === -1) return { sign, at };
      at = end;
    } else if (sign === '#' && (at === 0 || /\s/.test(text[at - 1]!))) at = endOfLine(text, at);
    else if ((sign === '[' || sign === '{') && (begins || open.length > 0)) open.push({ sign, at });
    else if (sign === ']' || sign === '}') open.pop();
  }
  return open.at(-1) ?? null;
}

/** A quote that runs over a line with a key in it was meant to end before. */
function endOfQuote(text: string, from: number): number {
  const quote = text[from]!;
  for (let at = from + 1; at < text.length; at += 1) {
    if (quote === '"' && text[at] === '\\') at += 1;
    else if (text[at] === quote && quote === "'" && text[at + 1] === quote) at += 1;
    else if (text[at] === quote) return at;
  }
  return -1;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}

function unclosedText(sign: string): ErrorText {
  if (sign === '"' || sign === "'") return ['a quote is opened here and not closed', `end the value with ${sign}`];
  return [`the bracket "${sign}" is opened here and not closed`, `close it with "${sign === '[' ? ']' : '}'}"`];
}

function wordAt(text: string): string {
  return (
    /^"([^"]*)"|^'([^']*)'|^[^\s:,}]+/
      .exec(text)
      ?.slice(0, 3)
      .findLast((part) => part !== undefined) ?? ''
  );
}

/** Where to point: at a word rather than at its first letter, and never past the end of the file. */
function errorPosition(error: YAMLError, source: SourceText): SourcePosition {
  let [start, end] = error.pos;
  // An error at the end of the file is shown at the last thing that stands there.
  if (/^\s*$/.test(source.text.slice(start))) {
    start = Math.max(0, source.text.trimEnd().length - 1);
    end = start + 1;
  } else if (error.code === 'MULTIPLE_DOCS') end = start + 3;
  else if (/^\s/.test(source.text.slice(start)) && error.code !== 'TAB_AS_INDENT') {
    start += /^\s*/.exec(source.text.slice(start))![0].length;
    end = start + 1;
  }
  const word = /^(?:"[^"\n]*"|'[^'\n]*'|[\w.$@%!-]+)/.exec(source.text.slice(start, start + 80));
  return positionOf(source, start, Math.max(Math.min(end, start + 1), start + (word?.[0].length ?? 1)));
}
