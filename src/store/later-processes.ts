import type { OutputLine } from '../core/output-line.ts';
import type { ProcessExit, ProcessNote } from '#failures/process-note.ts';
import type { InstanceVisit } from '../core/request-context.ts';

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
