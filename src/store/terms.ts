import type { ExchangeRecord } from '../core/schemas/record.ts';
import { copiedText, hashOf } from './shared-texts.ts';
import type { QueryCondition, Query, TextKey } from '../core/exchange-query.ts';
import { searchedWords, valuesOf, wordsMax, wordsOfTexts } from './match.ts';
import { wordCharactersMax, wordsOf } from './words.ts';
import { lineOfTemplate, recordOf, type StoredLine } from './stored-line.ts';

/**
 * The full-text index holds terms of each record: its words, and `§` terms for some of its values. A term narrows a search; a
 * record that it finds is compared with the query in any case (`match.ts`), so that two values may have the same term. What
 * nearly every record has (GET, 200) has no term: it would cost much and narrow nothing.
 *
 * An ordinary success has one term for its template (`§n` and the number), in place of those of route, upstream and
 * endpoint. A search for one of these looks for the templates that have it. Ids and traces have no terms: they are found by the keys of
 * their spans (`span-table.ts`).
 */

const letters: Readonly<Partial<Record<TextKey, string>>> = {
  route: 'r',
  upstream: 'r',
  endpoint: 'e',
  client: 'c',
  cause: 'f',
  shape: 'g',
};

/** An exchange at least as long has the term of that time. */
const durations: readonly (readonly [ms: number, term: string])[] = [
  [10_000, '§d4'],
  [1000, '§d3'],
  [100, '§d2'],
];

/** No shorter one has a term. */
const shortestMs = Math.min(...durations.map(([ms]) => ms));

/** The terms of a record. */
export function termsOfRecord(record: ExchangeRecord): Set<string> {
  const terms = searchedWords(record);
  for (const key of Object.keys(letters) as TextKey[]) {
    if (key === 'shape' && record.shape === 'none') continue;
    for (const value of valuesOf(record, key)) terms.add(termOf(key, value));
  }
  for (const term of numberTerms(record.status, record.duration_ms).split(' ')) if (term !== '') terms.add(term);
  return terms;
}

/** Each with a space before it. */
function numberTerms(status: number | null, durationMs: number): string {
  if (durationMs < shortestMs && status !== null && isUsual(status)) return '';
  let terms = status === null || isUsual(status) ? '' : ` §s${status} §x${Math.floor(status / 100)}`;
  for (const [ms, term] of durations) if (durationMs >= ms) terms += ` ${term}`;
  return terms;
}

/** Clients whose terms are known. */
const knownMax = 4096;

/** The terms of lines. Those of an ordinary success are put together without building its record: that took two thirds of the time of storing it. */
export class LineTerms {
  readonly #clients = new Map<string, string>();
  /** The words of queries, most of which come again. */
  readonly #queries = new Map<string, string | null>();
  /** Of the last template. */
  #template = 0;
  #isOfOneAttempt = false;

  /** A text of all terms. `template`: the number of the line's template. Null if the line is damaged. */
  of(line: StoredLine, template: number): string | null {
    if (!line.hasOnlyNumbers || !this.#hasOneAttempt(line.template, template)) {
      const record = recordOf(line);
      return record === null ? null : [...termsOfRecord(record)].join(' ');
    }
    const { path, query, status, durationUs } = line;
    const numbers = numberTerms(status, durationUs / 1000);
    return `${this.#words(path, query)} §n${template} ${this.#ofClient(line.client)}${numbers}`;
  }

  #hasOneAttempt(text: string, number: number): boolean {
    if (number !== this.#template) {
      this.#template = number;
      this.#isOfOneAttempt = isOfOneAttempt(text);
    }
    return this.#isOfOneAttempt;
  }

  #words(path: string, query: string | null): string {
    const asked = query === null ? '' : this.#ofQuery(query);
    if (asked !== null && isPlain(path)) return `${path} ${asked}`;
    return [...wordsOfTexts(query === null ? [path] : [path, query])].join(' ');
  }

  /** Null: its words are not those of SQLite's tokenizer. */
  #ofQuery(query: string): string | null {
    let words = this.#queries.get(query);
    if (words === undefined) {
      // In place of the values that a log must not have.
      const asked = query.replaceAll('…', ' ');
      words = isPlain(asked) ? copiedText(asked) : null;
      if (this.#queries.size >= knownMax) this.#queries.clear();
      this.#queries.set(copiedText(query), words);
    }
    return words;
  }

  #ofClient(client: string): string {
    let term = this.#clients.get(client);
    if (term === undefined) {
      term = termOf('client', client);
      if (this.#clients.size >= knownMax) this.#clients.clear();
      this.#clients.set(copiedText(client), term);
    }
    return term;
  }
}

const plainCharactersMax = 60;

/** Whether SQLite's tokenizer makes the words of the text that `wordsOf` makes: it has no character beyond ASCII, no long word, and few of them. */
function isPlain(text: string): boolean {
  if (text.length > plainCharactersMax) return false;
  let wordLength = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 32 || code > 126) return false;
    // A digit, a letter.
    const isOfWord = (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 122);
    wordLength = isOfWord ? wordLength + 1 : 0;
    if (wordLength > wordCharactersMax) return false;
  }
  return true;
}

/** A template that stands for terms of its rows. */
function isOfOneAttempt(template: string): boolean {
  return template.includes('"attempt":');
}

/** With more templates a term narrows little, and the expression gets long. */
const templatesMax = 128;

/** Which templates of a file have a term. */
export class TemplateTerms {
  readonly #byTerm = new Map<string, number[]>();

  add(number: number, template: string): void {
    if (!isOfOneAttempt(template)) return;
    const record = recordOf(lineOfTemplate(template));
    if (record === null) return;
    for (const term of termsOfRecord(record)) {
      const numbers = this.#byTerm.get(term);
      if (numbers === undefined) this.#byTerm.set(term, [number]);
      else numbers.push(number);
    }
  }

  /** An expression that all rows with this term fulfil; null: it would be too long. */
  expressionOf(term: string): string | null {
    const numbers = this.#byTerm.get(term) ?? [];
    if (numbers.length > templatesMax) return null;
    const anyOf = [term, ...numbers.map((number) => `§n${number}`)].map((one) => `"${one}"`).join(' OR ');
    return numbers.length === 0 ? anyOf : `(${anyOf})`;
  }
}

/** An expression of FTS5 that every record which matches the query fulfils; null if the index does not help. */
export function indexExpression({ conditions }: Query, templates: TemplateTerms): string | null {
  const expressions = conditions.flatMap((condition) => (condition.not ? [] : expressionsOf(condition, templates)));
  return expressions.length === 0 ? null : [...new Set(expressions)].join(' AND ');
}

function expressionsOf(condition: QueryCondition, templates: TemplateTerms): readonly string[] {
  if (condition.kind === 'any_of') {
    const all = condition.conditions.map((one) => expressionsOf(one, templates));
    // A record of a value without a term would not be found.
    if (all.some((expressions) => expressions.length === 0)) return [];
    return [`(${all.map((expressions) => expressions.join(' AND ')).join(' OR ')})`];
  }
  return termsOfCondition(condition).flatMap((term) => templates.expressionOf(term) ?? []);
}

function termsOfCondition(condition: QueryCondition): readonly string[] {
  switch (condition.kind) {
    case 'text':
      if (condition.key === 'path') return wordsOfPath(condition.value, condition.isPrefix);
      return condition.isPrefix || letters[condition.key] === undefined || condition.value === 'none'
        ? []
        : [termOf(condition.key, condition.value)];
    case 'any_of':
    case 'client_block':
      return [];
    case 'status': {
      const { from, to } = condition;
      if (isUsual(from) || isUsual(to) || Math.floor(from / 100) !== Math.floor(to / 100)) return [];
      return [from === to ? `§s${from}` : `§x${Math.floor(from / 100)}`];
    }
    case 'duration': {
      const found = durations.find(([ms]) => condition.atLeastMs >= ms);
      return found === undefined ? [] : [found[1]];
    }
    case 'words':
      return condition.words;
  }
}

/** The words of a path that a record must have. A path that goes on may end within a word. */
function wordsOfPath(path: string, goesOn: boolean): readonly string[] {
  const words = wordsOf(path);
  if (words.length >= wordsMax) return [];
  return goesOn && /[\p{L}\p{N}]$/u.test(path) ? words.slice(0, -1) : words;
}

function isUsual(status: number): boolean {
  return status >= 200 && status < 300;
}

function termOf(key: TextKey, value: string): string {
  return `§${letters[key]}${hashOf(value).toString(36)}`;
}
