import { afterEndText, type ContextLineJson } from './context-line.ts';
import type { OutputLineJson } from './output-line.ts';
import type { RequestContextJson } from './request-context.ts';

/** Lines that stand in the same relation to a request. */
export interface OutputGroup {
  /** After 'output'. */
  readonly title: string;
  /** Of each line, in a few words; null where its note says it. */
  readonly about: string | null;
  /** False: the lines have no id, and may be about another request. */
  readonly hasId: boolean;
  /** Printed by an instance that had the request, at that time. */
  readonly ofAttempts: boolean;
  readonly lines: readonly GroupedLine[];
}

export interface GroupedLine {
  readonly line: OutputLineJson;
  /** When the line came, and which id it has; null where its group says it. */
  readonly note: string | null;
}

/** What applications printed about a request: lines with its id come first. Without groups that have no lines. */
export function outputGroups({ lines, nearby }: Pick<RequestContextJson, 'lines' | 'nearby'>): readonly OutputGroup[] {
  const related = (wanted: ContextLineJson['relation']): readonly ContextLineJson[] =>
    // A gateway of an earlier version does not say it.
    lines.filter(({ relation = 'attempt' }: Partial<ContextLineJson>) => relation === wanted);
  const own = { hasId: true, ofAttempts: true };
  const other = { hasId: true, ofAttempts: false };
  const groups: OutputGroup[] = [
    {
      ...{ ...own, title: 'with the id of the request', about: 'this request' },
      lines: related('attempt')
        .filter(({ has }) => has !== 'trace_id')
        .map(withoutNote),
    },
    {
      ...{ ...own, title: 'with the id of its trace, which other requests may have too', about: 'its trace' },
      lines: related('attempt')
        .filter(({ has }) => has === 'trace_id')
        .map(withoutNote),
    },
    {
      ...{ hasId: false, ofAttempts: true, about: 'meanwhile' },
      title: 'printed meanwhile (perhaps for another request)',
      lines: nearby.map(withoutNote),
    },
    {
      ...{ ...other, about: null, title: 'with an id of the request, long before or after it' },
      lines: related('other_time').map(withNote),
    },
    {
      ...{ ...other, about: 'its application had no attempt' },
      title: 'of applications that had no attempt of this request, with an id of it',
      lines: related('no_attempt').map(withNote),
    },
  ];
  return groups.filter((group) => group.lines.length > 0);
}

const withoutNote = (line: OutputLineJson): GroupedLine => ({ line, note: null });

function withNote(line: ContextLineJson): GroupedLine {
  const id = line.has === 'request_id' ? 'the id of the request' : 'the id of its trace';
  return { line, note: `${afterEndText(line.after_end_ms)}, with ${id}` };
}
