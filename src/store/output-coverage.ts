import type { ContextSearch, InstanceVisit } from '../core/request-context.ts';
import { divideLines } from './line-divider.ts';
import { linesOfTimeMax } from './output-table.ts';
import type { Segment } from './segment.ts';
import type { OutputLine } from '../core/output-line.ts';
import type { ProcessExit, ProcessNote } from '#failures/process-note.ts';

/** What an application writes to a file is read every half a second, and stored a moment later, as what it prints is. */
const outputLateMs = 1000;

/**
 * How much a file has of what instances printed while they had a request. 'all': every line. 'all_since_begin': every line since the file began, which
 * was later than the request. 'some': lines were deleted or left out, or there are others that may be about the request.
 */
type OutputCoverage = 'all' | 'all_since_begin' | 'some';

export function outputCoverage(segment: Segment, { ids, visits }: ContextSearch): OutputCoverage {
  const { output } = segment;
  const began = Math.min(...visits.map(({ since }) => since));
  if (output.deletedUntil > began) return 'some';
  for (const { instance, since, until } of visits) {
    const time = { application: instance.slice(0, instance.lastIndexOf('/')), since, until };
    if (output.leavesOut(time)) return 'some';
    // Which instance has written a line of a file is not known.
    const lines = output.ofFiles({ ...time, until: until + outputLateMs });
    const { ownByFreeId, nearby } = divideLines(lines, ids);
    if (ownByFreeId.length + nearby.length > 0 || lines.length >= linesOfTimeMax) return 'some';
  }
  return segment.hasBegunBy(began) ? 'all' : 'all_since_begin';
}

/** Whether the output of that time has come. `now`: milliseconds since 1970. */
export function hasArrived({ visits }: ContextSearch, now: number): boolean {
  return visits.length > 0 && visits.every(({ until }) => now >= until + outputLateMs);
}

/** Of files, the newest first, from the one that has the exchange: its lines were stored before it, or with it. */
export function coversOutput(
  files: Iterable<{ readonly number: number; readonly coverage: () => OutputCoverage }>,
  from: number,
): boolean {
  let next = from;
  for (const { number, coverage } of files) {
    if (number > next) continue;
    // A file was deleted, or was damaged.
    if (number < next) return false;
    const found = coverage();
    if (found !== 'all_since_begin' || number === 1) return found !== 'some';
    next -= 1;
  }
  return false;
}

/** Without the lines of a process that was started when the one that had the request had ended, and that had no attempt of it. */
export function withoutLaterProcesses(
  lines: readonly OutputLine[],
  notes: readonly ProcessNote[],
  visits: readonly InstanceVisit[],
): readonly OutputLine[] {
  const exits = notes.filter((note) => note.kind === 'exit');
  return lines.filter(({ at, source }) => {
    const isOfLaterProcess = (exit: ProcessExit): boolean =>
      exit.instance === source.instance && exit.pid !== source.pid && exit.at <= at && !wasVisitedSince(exit, at);
    return !exits.some(isOfLaterProcess);
  });

  function wasVisitedSince(exit: ProcessExit, at: number): boolean {
    return visits.some(({ instance, since }) => instance === exit.instance && since >= exit.at && since <= at);
  }
}
