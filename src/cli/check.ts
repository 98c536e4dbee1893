import { renderForPeople } from './configuration-read.ts';
import { readConfiguration } from './read-configuration.ts';
import { printJson } from './ask-commands.ts';
import { wrap } from './layout.ts';
import { inputName } from './read-input.ts';
import { type MachineWarning, reviewMachine } from './review-machine.ts';
import { reviewPaths } from './review-paths.ts';
import { styleFor } from './style.ts';
import { type ProcessContext } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';

export interface CheckFlags {
  readonly config: string;
  readonly json: boolean;
}

/** Reports all errors and warnings of a configuration, and changes nothing. */
export async function check(flags: CheckFlags, context: ProcessContext): Promise<void> {
  const read = await readConfiguration(flags.config, context);
  const valid = read.configuration !== null;
  const machine =
    read.configuration === null
      ? []
      : [
          ...reviewMachine(read.configuration, context.machine),
          ...reviewPaths(read.configuration, read.leftOpen, context.env),
        ];
  if (flags.json) printJson({ file: flags.config, valid, errors: read.errors, machine }, context);
  else if (read.errors.length > 0) context.stdout.write(renderForPeople(read, context.stdout, context));
  const name = flags.config === inputName ? 'Standard input' : flags.config;
  if (!valid) throw new CommandFailure('validation_failed', `${name} has errors and cannot be used.`);
  if (!flags.json) context.stdout.write(`${styleFor(context.stdout, context.env).good('✔')} ${name} is valid.\n`);
  if (!flags.json) for (const warning of machine) context.stderr.write(machineText(warning));
}

/** Warnings about this machine go to standard error: they are not about the file, which may be meant for another machine. */
function machineText({ message, suggestion }: MachineWarning): string {
  const text = `This machine: ${message}${suggestion === null ? '' : `: ${suggestion}`}`;
  return `${wrap(text, '').join('\n')}\n`;
}
