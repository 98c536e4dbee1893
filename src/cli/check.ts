import { renderForPeople, readConfiguration } from './read-configuration.ts';
import { printJson } from './ask-commands.ts';
import { wrap } from './layout.ts';
import { inputName } from './read-input.ts';
import { type MachineWarning, reviewMachine } from './review-machine.ts';
import { reviewPlaces } from './review-places.ts';
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
  const machine =
    read.configuration === null
      ? []
      : [
          ...reviewMachine(read.configuration, around.machine),
          ...reviewPlaces(read.configuration, read.leftOpen, around.env),
        ];
  if (flags.json) printJson({ file: flags.config, valid, complaints: read.complaints, machine }, around);
  else if (read.complaints.length > 0) around.stdout.write(renderForPeople(read, around.stdout, around));
  const name = flags.config === inputName ? 'Standard input' : flags.config;
  if (!valid) throw new CommandFailure('validation_failed', `${name} cannot be used.`);
  if (!flags.json) around.stdout.write(`${styleFor(around.stdout, around.env).good('✔')} ${name} is good.\n`);
  if (!flags.json) for (const warning of machine) around.stderr.write(machineText(warning));
}

/** On standard error, since it is not about the file, and a file that is good here may be checked elsewhere. */
function machineText({ message, suggestion }: MachineWarning): string {
  const text = `This machine: ${message}${suggestion === null ? '' : `: ${suggestion}`}`;
  return `${wrap(text, '').join('\n')}\n`;
}
