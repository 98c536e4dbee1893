import { judgedText } from '../line-text.ts';
import type { Dialect } from '../dialect.ts';
import { dialect } from '../dialect.ts';
import { type Values, fieldsOf, namesUpstream, ValueCollector, variableCalled } from './access-fields.ts';
import { findingOfAccess } from './access-verdict.ts';
import { rememberLast } from './json-access.ts';

/** `1.2.3.4 - - [21/Nov/2026:21:59:47 +0000] "GET / HTTP/1.1" 502 150`, with or without a host and more times between. */
const beginning =
  /^(?:[^\s"]{1,300} ){1,2}?- [^"[\]]{1,200}? ?\[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] (?:[^\s"]{1,300} )?"((?:[^"\\]|\\.){0,16384})" (\d{3}) (?:\d{1,19}|-)(?= |$)/;

/** Combined, followed by values with names, in any format: `rt=0.010 uct="0.000" uht="-"`. */
const readCombinedAndMore = rememberLast(takeApartCombined);

function takeApartCombined(fullLine: string): Values | null {
  const line = judgedText(fullLine);
  const found = beginning.exec(line);
  if (found === null) return null;
  const collector = new ValueCollector();
  collector.take('time_local', found[1] ?? '');
  collector.take('request', found[2] ?? '');
  collector.take('status', found[3] ?? '');
  collectLabels(line.slice(found[0].length), collector);
  return collector.values();
}

/** Names that formats of Envoy have and formats of nginx do not. */
const ofEnvoy =
  /(?:^|[\s,;|])(?:(?:envoy_)?resp(?:onse)?_?)?flags?(?:_long)?[=:]|response_code_details|upstream_cluster/i;

/** A line that consists of names and values only: `status=502 upstream_addr=…`, or LTSV. */
const readLabels = rememberLast(takeApartLabels);

function takeApartLabels(fullLine: string): Values | null {
  const line = judgedText(fullLine);
  if (!/status|(?:^|[\s"])(?:st|code)[=:]/.test(line) || line.startsWith('{') || ofEnvoy.test(line)) return null;
  const collector = new ValueCollector();
  if (line.includes('\t')) collectTabbed(line, collector);
  else collectLabels(line, collector);
  const values = collector.values();
  return values.has('status') && namesUpstream(values) ? values : null;
}

function collectTabbed(line: string, collector: ValueCollector): void {
  for (const column of line.split('\t', 256)) {
    const at = column.indexOf(':');
    if (at > 0) collector.take(column.slice(0, at).trim(), unquote(column.slice(at + 1).trim()));
  }
}

function collectLabels(text: string, collector: ValueCollector): void {
  const tokens = tokensOf(text);
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] ?? '';
    const found = /^\[?([A-Za-z_$@][\w.$@-]{0,60})[=:]/.exec(token);
    if (found !== null && token.length > found[0].length) {
      collector.take(found[1] ?? '', unquote(token.slice(found[0].length)));
      continue;
    }
    // `upstream_status: 502`, and `upstream_response_time 0.010` of an old and common format.
    const bare = token.replace(/[=:]$/, '');
    const isName = found !== null || /^(?:upstream|request|ups)_[a-z_]{3,40}$/.test(bare);
    const next = tokens[index + 1];
    if (isName && next !== undefined && variableCalled(bare) !== null) {
      collector.take(bare, unquote(next));
      index++;
    }
  }
}

const tokensMax = 512;
/** Words of one line, including the items of lists: joining the items of an endless list would take quadratic time. */
const wordsMax = 1_024;

/** Splits into words. Quotes and brackets keep their text together, and so do the `, ` and ` : ` of nginx's lists. */
function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  // Looks for an unclosed quote once: no later quote is closed either.
  let isUnclosed = false;
  let at = 0;
  for (let words = 0; at < text.length && tokens.length < tokensMax && words < wordsMax; words++) {
    while (isBetween(text, at)) at++;
    const start = at;
    while (at < text.length && !isBetween(text, at)) {
      const closing = text[at] === '"' ? '"' : text[at] === '[' ? ']' : null;
      const end = closing === null || isUnclosed ? -1 : closingOf(text, at, closing);
      if (closing !== null && end < 0) isUnclosed = true;
      at = end < 0 ? at + 1 : end + 1;
    }
    if (at > start) join(tokens, text.slice(start, at));
  }
  return tokens;
}

const isBetween = (text: string, at: number): boolean =>
  text[at] === ' ' || text[at] === '\t' || text[at] === '|' || text[at] === ';';

function closingOf(text: string, start: number, closing: string): number {
  const limit = Math.min(text.length, start + 16_384);
  for (let at = start + 1; at < limit; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === closing) return at;
  }
  return -1;
}

function join(tokens: string[], token: string): void {
  const last = tokens.at(-1);
  const isContinued = last !== undefined && ((last.endsWith(',') && last.length > 1) || last.endsWith(' :'));
  if (isContinued) tokens[tokens.length - 1] = `${last} ${token}`;
  else if (token === ':' && last !== undefined) tokens[tokens.length - 1] = `${last} :`;
  else tokens.push(token);
}

function unquote(value: string): string {
  const trimmed = value.replace(/,$/, '');
  const first = trimmed[0];
  if (first === '"' && trimmed.endsWith('"') && trimmed.length > 1) return trimmed.slice(1, -1);
  if (first === '[' && trimmed.endsWith(']')) return trimmed.slice(1, -1);
  return trimmed;
}

const nameOfMore = 'nginx access log (combined, with named fields)';
const nameOfLabels = 'nginx access log (named fields)';

/** Custom formats that name their values. */
export const labelledFormats: readonly Dialect[] = [
  dialect(
    'nginx',
    nameOfMore,
    (line) => {
      const values = readCombinedAndMore(line);
      return values === null ? 0 : namesUpstream(values) ? 2 : 1;
    },
    (line) => {
      const values = readCombinedAndMore(line);
      return values === null ? null : findingOfAccess(fieldsOf('nginx', nameOfMore, values));
    },
  ),
  dialect(
    'nginx',
    nameOfLabels,
    (line) => (readLabels(line) === null ? 0 : 2),
    (line) => {
      const values = readLabels(line);
      return values === null ? null : findingOfAccess(fieldsOf('nginx', nameOfLabels, values));
    },
  ),
];
