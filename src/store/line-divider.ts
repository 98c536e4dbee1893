import { copiedText } from './shared-texts.ts';
import type { ProcessConstants } from '../core/logger-messages.ts';
import { divideLine, type StoredLine } from './stored-line.ts';
import type { OutputLine } from '../core/output-line.ts';
import { idInTextForm, idsInText } from './ids-in-text.ts';

/** What an instance printed while it had a request, the oldest first. */
interface DividedLines {
  /** With an id of the request that the index of ids cannot have. The index finds the lines that have an id in the usual form. */
  readonly ownByFreeId: readonly OutputLine[];
  /** Without an id of any request: perhaps about another one. */
  readonly nearby: readonly OutputLine[];
}

type Relation = 'own' | 'foreign' | 'unnamed';

/** A shorter id, which a trusted peer may send, stands in lines that do not mean the request. */
const freeIdCharactersMin = 6;

/** 'request_id=checkout-42', '"reqId":"checkout-42"', 'X-Request-Id: checkout-42'. */
const labelledId = /(?<![a-z])(?:request|req|correlation|trace)[-_ ]?id["']?\s*[:=]\s*["']?[\w.~+/=:@-]+/i;

/** Lines that name another request, and those that the index finds, are in neither part; a stack, whose lines are indented, is about what the line before it is about. */
export function divideLines(lines: readonly OutputLine[], ids: readonly string[]): DividedLines {
  const formIds = new Set(ids.map(idInTextForm));
  const freeIds = ids.filter((id) => idInTextForm(id) === null && id.length >= freeIdCharactersMin);
  const hasFormId = (text: string): boolean => idsInText(text).some((id) => formIds.has(id));
  const hasFreeId = (text: string): boolean => freeIds.some((id) => hasWord(text, id));
  // An application may number its requests itself: the ids of its lines are those of the gateway only if one of them is ours.
  const printsIds = lines.some(({ text }) => hasFormId(text) || hasFreeId(text));
  const relationOf = (text: string): Relation => {
    if (hasFormId(text) || hasFreeId(text)) return 'own';
    return idsInText(text).length > 0 || (printsIds && labelledId.test(text)) ? 'foreign' : 'unnamed';
  };
  const nearby: OutputLine[] = [];
  const before = new Map<string, Relation>();
  for (const line of lines) {
    const { text, source } = line;
    const named = relationOf(text);
    const isStack = named === 'unnamed' && /^\s/.test(text);
    const relation = isStack ? (before.get(source.stream) ?? named) : named;
    before.set(source.stream, relation);
    if (named === 'unnamed' && relation !== 'foreign') nearby.push(line);
  }
  return { ownByFreeId: lines.filter(({ text }) => hasFreeId(text) && !hasFormId(text)), nearby };
}

/** Whether the id stands there as a whole: 'order-1' does not stand in 'order-12'. */
function hasWord(text: string, id: string): boolean {
  for (let at = text.indexOf(id); at >= 0; at = text.indexOf(id, at + 1))
    if (!/[\w-]$/.test(text.slice(0, at)) && !/^[\w-]/.test(text.slice(at + id.length))) return true;
  return false;
}

/** Shapes of lines that are known. */
const knownMax = 4096;

const times = ',"(?:idle|started|connected|sent|head|ended)_ms":[\\d.]+';

/** The line of an ordinary success, as `record/ordinary-record.ts` writes it. A quote within a text would have a backslash before it. */
const ordinary = new RegExp(
  [
    '^\\{"v":\\d+,"id":"([^"\\\\]+)"(?:,"trace_id":"([^"\\\\]+)")?,"at":"([^"\\\\]+)"',
    '(,.*?,"client":\\{"address":")([^"\\\\]+)","port":(\\d+)(.*?,"path":")([^"\\\\]*)"(?:,"query":"([^"\\\\]*(?:\\\\u2026[^"\\\\]*)*)")?',
    `(,"attempts":\\[\\{[^{}[\\]]*?)((?:${times})*)\\}\\],"status":(\\d+)(,"bytes_in":\\d+)?(?:,"bytes_out":(\\d+))?,"duration_ms":([\\d.]+)\\}$`,
  ].join(''),
);

/**
 * Divides lines as `divideLine` does. Of an ordinary success it takes the own values by one expression; the rest of the line is compared
 * with earlier ones, whose template is known. To parse and write the JSON of each line took a third of the time of storing it.
 */
export class LineDivider {
  #constants: ProcessConstants | null = null;
  /** Templates by what is left of a line without its own values; null: such lines are not divided this way. */
  readonly #templates = new Map<string, string | null>();
  /** Queries as they stand in lines, most of which come again, and what they mean. */
  readonly #queries = new Map<string, string>();

  /** Of the process that serves the records now. */
  use(constants: ProcessConstants): void {
    this.#constants = constants;
    this.#templates.clear();
  }

  /** Null if it is not the line of an exchange. */
  divide(line: string): StoredLine | null {
    const found = ordinary.exec(line);
    if (found === null) return divideLine(line, this.#constants);
    const shape = `${found[4]}${found[7]}${found[10]}`;
    const template = this.#templates.get(shape);
    if (template === undefined) return this.#learn(line, shape, found);
    return template === null ? divideLine(line, this.#constants) : this.#dividedAs(template, found);
  }

  #learn(line: string, shape: string, found: RegExpExecArray): StoredLine | null {
    const divided = divideLine(line, this.#constants);
    if (this.#templates.size >= knownMax) this.#templates.clear();
    const isAlike =
      divided !== null && JSON.stringify(this.#dividedAs(divided.template, found)) === JSON.stringify(divided);
    this.#templates.set(shape, isAlike ? divided.template : null);
    return divided;
  }

  #dividedAs(template: string, found: RegExpExecArray): StoredLine {
    const [, id = '', traceId, at = '', , client = '', port, , path = '', query, , attempt, status, bytesIn, out] =
      found;
    return {
      template,
      id,
      traceId: traceId ?? null,
      at: millisecondsOf(at),
      client,
      clientPort: Number(port),
      path,
      query: query === undefined ? null : this.#queryOf(query),
      status: Number(status),
      durationUs: Math.round(Number(found[15]) * 1000),
      bytesOut: out === undefined ? 0 : Number(out),
      rest: restOf(attempt ?? '', bytesIn ?? ''),
      hasOnlyNumbers: true,
    };
  }

  #queryOf(text: string): string {
    let query = this.#queries.get(text);
    if (query === undefined) {
      query = text.replaceAll('\\u2026', '…');
      if (this.#queries.size >= knownMax) this.#queries.clear();
      this.#queries.set(copiedText(text), copiedText(query));
    }
    return query;
  }
}

/** The day of the last time, and its milliseconds: `Date.parse` takes five times as long. */
let knownDay = '';
let knownDayMs = 0;

/** Of RFC 3339 as `toISOString` writes it, such as 2026-01-02T03:04:05.678Z. */
function millisecondsOf(at: string): number {
  if (at.length !== 24 || at[23] !== 'Z') return Date.parse(at);
  const day = at.slice(0, 10);
  if (day !== knownDay) [knownDay, knownDayMs] = [copiedText(day), Date.parse(day)];
  const seconds = (twoDigits(at, 11) * 60 + twoDigits(at, 14)) * 60 + twoDigits(at, 17);
  return knownDayMs + seconds * 1000 + twoDigits(at, 20) * 10 + at.charCodeAt(22) - zero;
}

const zero = 48;

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - zero) * 10 + text.charCodeAt(at + 1) - zero;
}

/** Both begin with a comma, or are empty. */
function restOf(attempt: string, bytesIn: string): string | null {
  if (attempt === '') return bytesIn === '' ? null : `{${bytesIn.slice(1)}}`;
  return `{"attempt":{${attempt.slice(1)}}${bytesIn}}`;
}
