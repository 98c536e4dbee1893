import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { basename } from 'node:path';
import { suggestNearest } from '../config/nearest.ts';
import type { PreparedLaunch } from '../core/launch.ts';
import { inheritedEnvironment } from '../deploy/inherited-environment.ts';
import { surroundingsOf, releaseInForce } from '../deploy/release-in-force.ts';
import { launchedOf } from '../deploy/program-run.ts';
import { systemRandom } from '../system/system.ts';
import { CommandFailure } from './command-failure.ts';
import { errorsIn } from './configuration-read.ts';
import type { ProcessContext } from './process-context.ts';
import { readConfiguration } from './read-configuration.ts';

/** `candor app shell`: runs a shell, or a command, where a program of the application would run. Returns its exit code. */
export async function appShell(
  { config }: { readonly config: string },
  name: string,
  command: readonly string[],
  context: ProcessContext,
): Promise<number> {
  const read = await readConfiguration(config, context);
  if (read.configuration === null) throw errorsIn(config, read.errors);
  const { applications, stateFolder } = read.configuration;
  const spec = applications.find(({ id }) => id === name);
  if (spec === undefined) {
    const known = applications.map(({ id }) => id);
    const hint =
      suggestNearest(name, new Set(known)) ?? (known.length === 0 ? 'it has none.' : `it has ${known.join(', ')}.`);
    throw new CommandFailure('not_found', `${config} has no application or worker ${name}: ${hint}`);
  }
  const inForce = stateFolder === null ? null : releaseInForce(stateFolder, spec.of ?? spec.id);
  if (inForce?.ok === false)
    throw new CommandFailure('failure', `Which release of ${name} is in force is not known: ${inForce.failure}.`);
  const { directory, environment } = inForce === null ? spec : surroundingsOf(spec, inForce.value);
  const release = inForce?.value.release?.name ?? null;
  const shell = context.env['SHELL'] ?? '/bin/sh';
  const [program = shell, ...args] = command;
  const { commandLauncher } = await import('../control/command-launcher.ts');
  const { launcher, close } = commandLauncher({ clock: context.clock, random: systemRandom, stateFolder });
  const launched = { ...launchedOf(`${name}/shell`, spec), release, directory };
  const prepared = launcher.prepare({ ...launched, command: [program, ...args], environment });
  if (!prepared.ok)
    throw new CommandFailure('failure', `No program of ${name} can be started here: ${prepared.failure.reason}.`);
  if (command.length === 0)
    context.stderr.write(
      `${basename(shell)} in ${directory}${release === null ? '' : ` (${release})`}, as programs of ${name} run. It is left by exit.\n`,
    );
  try {
    return await run(prepared.value, program, directory, context);
  } finally {
    await close();
  }
}

/** Ctrl-C is for the program, which shares the terminal; this command ends with it. */
async function run(
  { command, environment, hold }: PreparedLaunch,
  shown: string,
  directory: string,
  context: ProcessContext,
): Promise<number> {
  const [program = '', ...args] = command;
  const forget = (['SIGINT', 'SIGTERM'] as const).map((signal) => context.onSignal(signal, () => {}));
  try {
    return await new Promise<number>((resolve, reject) => {
      const env = { ...inheritedEnvironment(context.env), ...environment };
      const child = spawn(program, args, { cwd: directory, env, stdio: 'inherit' });
      if (child.pid !== undefined) hold?.started?.(child.pid);
      child.once('error', ({ code = 'EIO' }: NodeJS.ErrnoException) =>
        reject(
          new CommandFailure(
            'failure',
            code === 'ENOENT'
              ? `${program} cannot be run in ${directory}: the program or the directory does not exist.`
              : `${program} cannot be run in ${directory} (${code}).`,
          ),
        ),
      );
      child.once('exit', (code, signal) => {
        const known = hold?.exited?.({ code, signal }) ?? null;
        if (known !== null) context.stderr.write(`${shown} was ${known.how}.\n`);
        // As a shell says it of a command that a signal has ended.
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
  } finally {
    for (const one of forget) one();
    hold?.ended?.();
  }
}
