import { renderForPeople, readConfiguration } from './read-configuration.ts';
import { printJson } from './ask-commands.ts';
import { styleFor } from './style.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';

export interface CheckFlags {
  readonly config: string;
  readonly json: boolean;
}

/** Complains about a configuration, all at once, and changes nothing. */
export async function check(flags: CheckFlags, around: Surroundings): Promise<void> {
  const read = await readConfiguration(flags.config, around);
  const valid = read.configuration !== null;
  if (flags.json) printJson({ file: flags.config, valid, complaints: read.complaints }, around);
  else if (read.complaints.length > 0) around.stdout.write(renderForPeople(read, around.stdout, around));
  if (!valid) throw new CommandFailure('validation_failed', `${flags.config} cannot be used.`);
  if (!flags.json) around.stdout.write(`${styleFor(around.stdout, around.env).good('✔')} ${flags.config} is good.\n`);
}
