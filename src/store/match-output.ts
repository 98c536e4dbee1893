import type { Query, QueryCondition, TextKey } from '../core/exchange-query.ts';
import type { OutputLine } from '../core/output-line.ts';
import { idsInText, idInTextForm } from './ids-in-text.ts';
import { isWithin } from './match.ts';
import { wordsOf } from './words.ts';

/** Whether a line of output fulfils every condition of a query. */
export function outputMatches(query: Query, line: OutputLine): boolean {
  return isWithin(query, line.at) && query.conditions.every((condition) => isTrue(condition, line) !== condition.not);
}

function isTrue(condition: QueryCondition, line: OutputLine): boolean {
  switch (condition.kind) {
    case 'text': {
      const { value, isPrefix, key } = condition;
      const compared = isIdKey(key) ? value.toLowerCase().replaceAll('-', '') : value;
      return outputValuesOf(line, key).some((text) => (isPrefix ? text.startsWith(compared) : text === compared));
    }
    case 'words': {
      const words = new Set(wordsOf(line.text));
      return condition.words.every((word) => words.has(word));
    }
    case 'any_of':
    case 'client_block':
    case 'status':
    case 'duration':
      return false;
  }
}

function isIdKey(key: TextKey): boolean {
  return key === 'id' || key === 'trace';
}

/** The values of a line under a key; none where only exchanges have the key. */
function outputValuesOf({ source, text }: OutputLine, key: TextKey): readonly string[] {
  switch (key) {
    case 'kind':
      return ['output'];
    case 'application':
      return [source.application];
    case 'instance':
      return source.instance === null ? [] : [source.instance];
    case 'stream':
      return [source.stream];
    case 'id':
    case 'trace':
      return idsInText(text);
    default:
      return [];
  }
}

const outputKeys: ReadonlySet<TextKey> = new Set(['kind', 'application', 'instance', 'stream', 'id', 'trace']);
const onlyOutputKeys: ReadonlySet<TextKey> = new Set(['instance', 'stream']);

/** False if no line of output can match, whatever it says. */
export function mayMatchOutput({ conditions }: Query): boolean {
  return conditions.every((condition) => {
    if (condition.kind === 'words') return true;
    if (condition.not) return !isOfKind(condition, 'output');
    if (condition.kind !== 'text') return false;
    return outputKeys.has(condition.key) && (condition.key !== 'kind' || isOfKind(condition, 'output'));
  });
}

/** False if no exchange can match. */
export function mayMatchExchanges({ conditions }: Query): boolean {
  return !conditions.some(
    (condition) =>
      condition.kind === 'text' &&
      !condition.not &&
      (onlyOutputKeys.has(condition.key) || isOfKind(condition, 'output')),
  );
}

function isOfKind(condition: QueryCondition, kind: string): boolean {
  return condition.kind === 'text' && condition.key === 'kind' && condition.value === kind;
}

/** What SQLite compares before a line is read: each condition narrows the search. */
interface OutputIndexUse {
  /** Null: lines are not searched by an id. */
  readonly id: string | null;
  /** Words that stand in the text, in ASCII: SQLite's LIKE knows the case of no other letters. */
  readonly words: readonly string[];
}

export function outputIndexUse({ conditions }: Query): OutputIndexUse {
  let id: string | null = null;
  const words: string[] = [];
  for (const condition of conditions) {
    if (condition.not) continue;
    if (condition.kind === 'words') words.push(...condition.words.filter((word) => /^[ -~]+$/.test(word)));
    else if (condition.kind === 'text' && isIdKey(condition.key) && !condition.isPrefix)
      id ??= idInTextForm(condition.value);
  }
  return { id, words };
}
