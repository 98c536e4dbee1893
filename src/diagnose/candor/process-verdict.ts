import type { ProcessStateJson } from '../../core/process-state.ts';
import { strainedDescriptors } from '../../core/process-text.ts';
import type { ExchangeRecord } from '../../core/record.ts';
import { stepAfterExit } from './record-spec.ts';
import { type RecordVerdict, verdictOf } from './record-verdict.ts';

/** A process without descriptors accepts no connection, or fails at what it needs for its answer. */
const mayLackDescriptors: ReadonlySet<string> = new Set(['unreachable', 'too_slow', 'reset', 'app_error']);

/** The verdict, with what the processes that had the request used then, the one of the last attempt first. */
export function verdictWith(record: ExchangeRecord, processes: readonly ProcessStateJson[]): RecordVerdict {
  const verdict = verdictOf(record);
  if (!mayLackDescriptors.has(record.shape) || stepAfterExit(record) !== null) return verdict;
  for (const { instance, pid, sample } of processes.toReversed()) {
    const { open_files: openFiles = null, open_files_max: openFilesMax = null } = sample ?? {};
    const descriptors = strainedDescriptors({ openFiles, openFilesMax });
    if (descriptors === null) continue;
    return {
      sentence: `${verdict.sentence} ${instance} had ${descriptors.open} of its ${descriptors.max} descriptors open.`,
      usualCauses: [],
      nextStep: `See with \`ls -l /proc/${pid}/fd\` what the application does not close, and restart it meanwhile; raise its limit of open files (\`ulimit -n\`, \`LimitNOFILE=\`) only if it needs that many.`,
    };
  }
  return verdict;
}
