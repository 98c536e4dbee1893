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
