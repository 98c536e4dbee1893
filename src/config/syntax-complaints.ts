import type { Document, ErrorCode, YAMLError } from 'yaml';
import type { Complaint } from './complaints.ts';
import { complain } from './complaints.ts';
import { quoted } from './objection.ts';
import type { SourceText } from './source-text.ts';
import { lineText, placeOf } from './source-text.ts';

/** What the parser's codes mean to somebody who writes a configuration. */
const sayings: Readonly<Record<ErrorCode, readonly [message: string, suggestion: string | null]>> = {
  ALIAS_PROPS: ['an alias cannot have an anchor or a tag', 'remove what stands before the "*"'],
  BAD_ALIAS: ['"*" begins an alias, and this is none', 'put the value in quotes, such as "*.example.org"'],
  BAD_COLLECTION_TYPE: ['the tag does not fit to what follows', 'remove the tag'],
  BAD_DIRECTIVE: ['"%" begins a YAML directive, and this is none', 'put the value in quotes'],
  BAD_DQ_ESCAPE: ['this escape is not known in double quotes', 'write \\\\ for a backslash, or use single quotes'],
  BAD_INDENT: [
    'the indentation fits to nothing above',
    'keys of one map begin in the same column; a bracket is closed on a deeper line',
  ],
  BAD_PROP_ORDER: ['an anchor or tag stands after the sign that it must precede', null],
  BAD_SCALAR_START: ['a value cannot begin with "@" or "`" unless it is in quotes', 'put it in quotes'],
  BLOCK_AS_IMPLICIT_KEY: [
    'a key and its value cannot stand inside of another value',
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

/**
 * What the parser objects to, in our words. One mistake often makes the parser stumble several times, so that
 * only the first complaint of a line is kept, and of unexpected signs only the first at all.
 */
export function complainOfSyntax(
  document: Document.Parsed,
  source: SourceText,
  file: string,
): { complaints: Complaint[]; fatal: boolean } {
  const found = [...document.errors, ...document.warnings].toSorted((a, b) => a.pos[0] - b.pos[0]);
  const lines = new Set<number>();
  let stumbled = false;
  const complaints: Complaint[] = [];
  for (const error of found) {
    const place = placeOfError(error, source);
    const follows = error.code === 'UNEXPECTED_TOKEN' && stumbled;
    if (lines.has(place.line) || follows) continue;
    lines.add(place.line);
    stumbled ||= error.code === 'UNEXPECTED_TOKEN';
    const [message, suggestion] = say(error, source, place.line, place.column);
    complaints.push(complain(file, place, '', message, suggestion));
  }
  return {
    complaints,
    fatal: found.some((error) => error.code !== 'DUPLICATE_KEY' && error.code !== 'TAG_RESOLVE_FAILED'),
  };
}

function say(error: YAMLError, source: SourceText, line: number, column: number): readonly [string, string | null] {
  const text = lineText(source, line);
  const rest = [...text].slice(column - 1).join('');
  if (error.code === 'DUPLICATE_KEY') {
    return [`the key ${quoted(wordAt(rest))} stands here for a second time`, 'keep one of the two'];
  }
  if (error.code === 'UNEXPECTED_TOKEN' && /[[{].*\$\{/.test(text)) {
    return ['"${…}" inside of brackets needs quotes', `write "$${rest.match(/^\{[^}]*\}/)?.[0] ?? '{NAME}'}"`];
  }
  if (error.code === 'MULTILINE_IMPLICIT_KEY') {
    const joined = /^\s*(?:- )?([\w-]+):(\S.*)$/.exec(text);
    if (joined !== null) return ['there is no space after the colon', `write ${joined[1]}: ${joined[2]!.slice(0, 40)}`];
  }
  if (error.code === 'MISSING_CHAR' && /["']/.test(text))
    return ['a quote is opened and not closed', 'close it on the same line'];
  return sayings[error.code];
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
function placeOfError(error: YAMLError, source: SourceText): ReturnType<typeof placeOf> {
  let [start, end] = error.pos;
  // An error at the end of the file is shown behind the last thing that stands there.
  if (/^\s*$/.test(source.text.slice(start))) {
    start = Math.max(0, source.text.trimEnd().length - 1);
    end = start + 1;
  } else if (error.code === 'MULTIPLE_DOCS') end = start + 3;
  else if (/^\s/.test(source.text.slice(start)) && error.code !== 'TAB_AS_INDENT') {
    start += /^\s*/.exec(source.text.slice(start))![0].length;
    end = start + 1;
  }
  const word = /^(?:"[^"\n]*"|'[^'\n]*'|[\w.$@%!-]+)/.exec(source.text.slice(start, start + 80));
  return placeOf(source, start, Math.max(Math.min(end, start + 1), start + (word?.[0].length ?? 1)));
}
