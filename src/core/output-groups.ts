import { afterEndText } from './context-line.ts';
import type { ContextLineJson, OutputLineJson, RequestContextJson } from './schemas/output.ts';

/**
 * Of lines to a request. In its attempts: with its id ('request'), with that of its trace alone ('trace'), without an id and perhaps about another
 * request ('nearby'). With an id of it: long before or after it ('other_time'), of an application that had no attempt ('no_attempt').
 */
type OutputRelation = 'request' | 'trace' | 'nearby' | 'other_time' | 'no_attempt';

/** Lines that stand in the same relation to a request. */
interface OutputGroup {
  readonly relation: OutputRelation;
  /** After 'output'. */
  readonly title: string;
  /** Of each line, in a few words; null where its note says it. */
  readonly about: string | null;
  readonly lines: readonly GroupedLine[];
}

interface GroupedLine {
  readonly line: OutputLineJson;
  /** When the line came, and which id it has; null where its group says it. */
  readonly note: string | null;
}

const groups: readonly Omit<OutputGroup, 'lines'>[] = [
  { relation: 'request', title: 'with the id of the request', about: 'this request' },
  { relation: 'trace', title: 'with the id of its trace, which other requests may have too', about: 'its trace' },
  { relation: 'nearby', title: 'printed meanwhile (perhaps for another request)', about: 'meanwhile' },
  { relation: 'other_time', title: 'with an id of the request, long before or after it', about: null },
  {
    relation: 'no_attempt',
    title: 'of applications that had no attempt of this request, with an id of it',
    about: 'its application had no attempt',
  },
];

/** What applications printed about a request: lines with its id come first. Without groups that have no lines. */
export function outputGroups(context: Pick<RequestContextJson, 'lines' | 'nearby'>): readonly OutputGroup[] {
  return groups
    .map((group) => ({ ...group, lines: linesOf(group.relation, context) }))
    .filter(({ lines }) => lines.length > 0);
}

/** Printed by an application that had an attempt of the request, at that time. */
export const isInAttempts = (relation: OutputRelation): boolean =>
  relation !== 'other_time' && relation !== 'no_attempt';

function linesOf(
  wanted: OutputRelation,
  { lines, nearby }: Pick<RequestContextJson, 'lines' | 'nearby'>,
): readonly GroupedLine[] {
  if (wanted === 'nearby') return nearby.map((line) => ({ line, note: null }));
  const found = lines.filter((line) => relationOf(line) === wanted);
  return found.map((line) => ({ line, note: isInAttempts(wanted) ? null : noteOf(line) }));
}

function relationOf({ relation, has }: ContextLineJson): OutputRelation {
  if (relation !== 'attempt') return relation;
  return has === 'trace_id' ? 'trace' : 'request';
}

function noteOf(line: ContextLineJson): string {
  const id = line.has === 'request_id' ? 'the id of the request' : 'the id of its trace';
  return `${afterEndText(line.after_end_ms)}, with ${id}`;
}
