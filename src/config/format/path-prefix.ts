import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { PathMatch } from '../../core/path-match.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { orList, reject, quoted } from '../../schema/error-detail.ts';
import { suggestNearest } from '../nearest.ts';
import { parsePattern } from '../../schema/format/pattern.ts';

/** One path of a route: what it begins with, `= /login` for that path alone, a glob with `*`, or a regular expression behind `~`. */
export function parsePath(text: string): Result<PathMatch, ErrorDetail> {
  const [, modifier, rest = ''] = /^(=|\^~|~\*?)\s*(.*)$/s.exec(text) ?? [];
  if (modifier === '=') return parsed('exact', parseWhole(rest));
  if (modifier === '~') return parsed('pattern', parsePattern(rest));
  if (modifier === '~*') return reject('a regular expression says "(?i)" if it ignores case', `write "~ (?i)${rest}"`);
  if (modifier === '^~') return reject('a path is a prefix without "^~" too', adviceFor(rest));
  if (text.startsWith('^') || /\.\*|[$()|\\]/.test(text))
    return reject('a regular expression has "~ " before it', `write "~ ${text.startsWith('^') ? '' : '^'}${text}"`);
  const below = /^(.*?)\/\*+$/.exec(text);
  if (below !== null && !below[1]?.includes('*'))
    return reject('a path needs no wildcard at its end: it matches everything below it', adviceFor(below[1] || '/'));
  if (!text.includes('*')) return parsed('prefix', parsePathPrefix(text));
  if (/\*{3}/.test(text)) return reject(`${quoted(text)} has three stars together`, 'write * or **');
  if (text.split('*').length > starsMax + 1)
    return reject(`${quoted(text)} has more than ${starsMax} stars`, 'write a list of simpler patterns');
  const whole = text.startsWith('*') ? `/**${text.replace(/^\*+/, '')}` : text;
  const checked = parseWhole(`${whole.startsWith('/') ? '' : '/'}${whole.replaceAll('*', 'x')}`);
  return checked.ok ? parsed('glob', succeed(whole)) : checked;
}

const starsMax = 8;

function parsed(kind: PathMatch['kind'], text: Result<string, ErrorDetail>): Result<PathMatch, ErrorDetail> {
  return text.ok ? succeed({ kind, text: text.value }) : text;
}

/** What replaces a path, or the beginning of one: percent-encoded, without query. A slash at its end makes no difference and is dropped: `/api/` is `/api`. */
export function parsePathPrefix(text: string): Result<string, ErrorDetail> {
  if (/^[~^=]|[$()|\\]/.test(text)) return reject('it is a path, and no pattern', 'write a path such as /api');
  if (text.includes('*'))
    return reject(
      '"*" stands for nothing here',
      adviceFor(text.slice(0, text.indexOf('*')).replace(/\/[^/]*$/, '') || '/'),
    );
  const whole = parseWhole(text);
  return whole.ok && whole.value !== '/' ? succeed(whole.value.replace(/\/$/, '')) : whole;
}

/** Begins with "/"; a slash at its end counts. */
function parseWhole(text: string): Result<string, ErrorDetail> {
  if (text.startsWith('@'))
    return reject(
      'a path begins with "/", and there are no named locations',
      'give the route the path that leads there',
    );
  if (/^https?:\/\//i.test(text))
    return reject('a path has no scheme and host', 'write the host as "host: …" and the path as "path: …"');
  if (!text.startsWith('/')) return reject(`the path ${quoted(text)} does not begin with "/"`, adviceFor(`/${text}`));
  const stray = /[?#]/.exec(text);
  if (stray !== null)
    return reject(
      `a path ends before ${quoted(stray[0])}`,
      `write ${quoted(text.slice(0, stray.index))}; "query" of a route matches its parameters`,
    );
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(text))
    return reject('"." and ".." are resolved before a path is matched', 'write the path without them');
  if (text.includes('//'))
    return reject(`${quoted(text)} has an empty segment`, `write ${quoted(text.replace(/\/{2,}/g, '/'))}`);
  if (!/^(?:[!&'+,\-./0-9:;=@A-Z_a-z~$()]|%[\dA-Fa-f]{2})*$/.test(text))
    return reject(
      `${quoted(text)} has characters that a path must percent-encode`,
      `write ${quoted(encodeStray(text))}`,
    );
  return succeed(text);
}

/** What is suggested is accepted: null where it would be refused for another reason. */
function adviceFor(path: string): string | null {
  const parsed = parsePathPrefix(path);
  return parsed.ok ? `write ${quoted(path)}` : parsed.failure.suggestion;
}

function encodeStray(text: string): string {
  const loose = text.replace(/%(?![\dA-Fa-f]{2})/g, '%25').toWellFormed();
  return encodeURI(loose).replace(/%25(?=[\dA-Fa-f]{2})/g, '%');
}

/** The path of a check: a request target, so a query is welcome. */
export function parseCheckPath(text: string): Result<string, ErrorDetail> {
  if (!text.startsWith('/'))
    return reject(
      `the path ${quoted(text)} does not begin with "/"`,
      `write ${quoted(`/${text.replace(/^https?:\/\/[^/]*\/?/, '')}`)}`,
    );
  if (!/^[\x21\x24-\x7e%]+(?:\?[\x21-\x7e]*)?$/.test(text) || text.includes('#')) {
    return reject(`${quoted(text)} has characters that a request target must percent-encode`);
  }
  return succeed(text);
}

/** How an application is checked, in a word: `tcp`, or the path to ask for. */
export function parseReadinessWord(text: string): Result<string, ErrorDetail> {
  if (text === 'tcp') return succeed(text);
  if (text === 'none') return reject('nothing is sent to an application before it is ready', 'write tcp or a path');
  return misspelledWord(text, ['tcp']) ?? parseCheckPath(text);
}

/** How an upstream is checked, in a word: `tcp`, `none`, or the path to ask for. */
export function parseCheckWord(text: string): Result<string, ErrorDetail> {
  if (text === 'tcp' || text === 'none') return succeed(text);
  if (text.startsWith('/')) return parseCheckPath(text);
  if (/^(?:no|off|false|never|disabled?)$/i.test(text))
    return reject(`${quoted(text)} is not understood here`, 'write none');
  return (
    misspelledWord(text, ['tcp', 'none']) ??
    reject(
      `expected \`tcp\`, \`none\` or a path, found the text ${quoted(text)}`,
      'write a path such as "/healthz" to ask for it by HTTP',
    )
  );
}

/** A path that such a word would make is asked for in vain. Null: it is near to none of the words. */
function misspelledWord(text: string, words: readonly string[]): ReturnType<typeof reject> | null {
  const suggestion = text.startsWith('/') ? null : suggestNearest(text, words, 1);
  const expected = [...words, 'a path that begins with "/"'];
  return suggestion === null ? null : reject(`expected ${orList(expected)}, found ${quoted(text)}`, suggestion);
}
