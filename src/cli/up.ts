import { complaintLine, readConfiguration, reloadFrom, renderForPeople } from './read-configuration.ts';
import { whereLines } from './run.ts';
import { serve } from './serve.ts';
import { styleFor } from './style.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';
import { tellingPredecessor } from './upgrade/successor.ts';

export interface UpFlags {
  readonly config: string;
  /** Milliseconds. */
  readonly handover?: number | undefined;
  readonly json: boolean;
}

/** Runs a configuration until a signal ends it. */
export function up(flags: UpFlags, around: Surroundings): Promise<number> {
  return tellingPredecessor(around, () => readAndServe(flags, around));
}

async function readAndServe(flags: UpFlags, around: Surroundings): Promise<number> {
  around.succession?.step('reading_configuration');
  const read = await readConfiguration(flags.config, around);
  if (read.complaints.length > 0) around.stderr.write(renderForPeople(read, around.stderr, around));
  if (read.configuration === null)
    throw new CommandFailure('validation_failed', 'Nothing was started.', read.complaints.map(complaintLine));
  if (flags.handover !== undefined && read.configuration.stateFolder === null)
    throw new CommandFailure('usage', '--handover needs a state folder, and the configuration says `state: none`.');
  return serve(
    {
      configuration: read.configuration,
      source: read.path,
      reloadConfiguration: reloadFrom(flags.config, around),
      json: flags.json,
      leaveApplicationsMs: flags.handover ?? null,
      opened: (gateway, served) => {
        if (around.stderr.isTTY && !flags.json)
          around.stderr.write(`${whereLines(gateway, served, styleFor(around.stderr, around.env)).join('\n')}\n`);
      },
    },
    around,
  );
}
