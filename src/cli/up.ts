import { renderForPeople, readConfiguration, reloadFrom } from './read-configuration.ts';
import { whereLines } from './run.ts';
import { serve } from './serve.ts';
import { styleFor } from './style.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';

export interface UpFlags {
  readonly config: string;
}

/** Runs a configuration until a signal ends it. */
export async function up(flags: UpFlags, around: Surroundings): Promise<number> {
  const read = await readConfiguration(flags.config, around);
  if (read.complaints.length > 0) around.stderr.write(renderForPeople(read, around.stderr, around));
  if (read.configuration === null) throw new CommandFailure('validation_failed', 'Nothing was started.');
  return serve(
    {
      configuration: read.configuration,
      source: read.path,
      reloadConfiguration: reloadFrom(flags.config, around),
      opened: (gateway, served) => {
        if (around.stderr.isTTY)
          around.stderr.write(`${whereLines(gateway, served, styleFor(around.stderr, around.env)).join('\n')}\n`);
      },
    },
    around,
  );
}
