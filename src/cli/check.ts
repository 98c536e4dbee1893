import { renderForPeople, inputName } from './configuration-read.ts';
import { readConfiguration } from './read-configuration.ts';
import { snakeCased } from '#failures/json-case.ts';
import { exitCodes, CommandFailure } from './command-failure.ts';
import { timeoutLines } from './timeout-lines.ts';
import { printJson, wrap } from './layout.ts';
import { machineText, reviewMachine, reviewPaths } from './adjust-paths.ts';
import { styleFor } from './style.ts';
import type { ProcessContext } from './process-context.ts';
import { resourcesOf } from '../features/resources/settings.ts';
import { apiRoot } from '../admin/operations.ts';
import type { Configuration } from '../core/configuration.ts';
import { askGateway, refusal } from './ask-gateway.ts';
import { findAdmin } from './find-admin.ts';
import { statusOfJson } from './gateway-lookup.ts';
import { dependenciesName } from '../features/dependencies/settings.ts';
import { secretsName } from '../features/secrets/settings.ts';
import type { TimeoutStatus } from '../core/schemas/status.ts';

export interface CheckFlags {
  readonly config: string;
  readonly json: boolean;
  /** Asks the running gateway too. */
  readonly strict: boolean;
}

/** Reports all errors and warnings of a configuration, and changes nothing. Returns the exit code: 1 if a timeout does not fit, or an application would not be started here. */
export async function check(flags: CheckFlags, context: ProcessContext): Promise<number> {
  const read = await readConfiguration(flags.config, context);
  const valid = read.configuration !== null;
  const { configuration } = read;
  const paths =
    configuration === null
      ? []
      : [
          ...reviewPaths(configuration, read.leftOpen, context.env),
          ...(usesSecrets(configuration)
            ? (await import('./missing-secrets.ts')).reviewSecrets(configuration, context)
            : []),
          ...(configuration.features?.[dependenciesName] === undefined
            ? []
            : (await import('./review-dependencies.ts')).reviewDependencies(configuration, context)),
          ...(configuration.applications.length === 0
            ? []
            : (await import('./review-folders.ts')).reviewFolders(configuration)),
        ];
  const resources = configuration === null ? null : await resourcesIn(configuration);
  const machine =
    configuration === null
      ? []
      : [...reviewMachine(configuration, context.machine), ...paths, ...(resources?.warnings ?? [])];
  const timeouts =
    flags.strict && read.configuration !== null
      ? await timeoutAdviceFor(read.configuration, flags.config, context)
      : [];
  const strict = flags.strict ? { timeouts: snakeCased(timeouts) } : {};
  if (flags.json) printJson({ file: flags.config, valid, errors: read.errors, machine, ...strict }, context);
  else if (read.errors.length > 0) context.stdout.write(renderForPeople(read, context.stdout, context));
  const name = flags.config === inputName ? 'Standard input' : flags.config;
  if (!valid) throw new CommandFailure('validation_failed', `${name} has errors and cannot be used.`);
  // Where the file leaves a path open, a start finds another one.
  const isHindered = paths.some(({ setting }) => setting !== 'places') || resources?.isRefused === true;
  const but = isHindered ? ', and this machine has a problem with it' : '';
  if (!flags.json) context.stdout.write(`${styleFor(context.stdout, context.env).good('✔')} ${name} is valid${but}.\n`);
  // What the kernel is set to is said by the start.
  if (!flags.json && resources !== null)
    for (const line of resources.held) context.stdout.write(`${wrap(`  ${line}`, '    ').join('\n')}\n`);
  if (!flags.json)
    for (const warning of [...paths, ...(resources?.warnings ?? [])]) context.stderr.write(machineText(warning));
  const lines = timeoutLines({ timeouts }, styleFor(context.stdout, context.env));
  if (!flags.json && lines.length > 0) context.stdout.write(`${lines.join('\n')}\n`);
  return timeouts.length > 0 || resources?.isRefused === true ? exitCodes.failure : exitCodes.ok;
}

/** Loaded where an application has limits, a user or isolation; null: none has. */
async function resourcesIn(configuration: Configuration) {
  if (configuration.applications.every(({ features }) => resourcesOf(features) === undefined)) return null;
  const { reviewResources } = await import('./review-resources.ts');
  return reviewResources(configuration);
}

const usesSecrets = ({ applications }: Configuration): boolean =>
  applications.some(({ features }) => features?.[secretsName] !== undefined);

/**
 * What the running gateway advises of the timeouts in a configuration, from what its store has observed. A timeout that the file sets
 * to another value than the gateway has is left out: the advice is about the other one.
 */
async function timeoutAdviceFor(
  { routes }: Pick<Configuration, 'routes'>,
  config: string,
  context: ProcessContext,
): Promise<readonly TimeoutStatus[]> {
  const target = await findAdmin({ config }, context);
  const answer = await askGateway(target, 'GET', `${apiRoot}/status`, context);
  if (answer.status !== 200) throw refusal(answer);
  const status = statusOfJson(answer.body);
  if (status.incidents.length > 0)
    context.stderr.write('An incident is open: which timeouts fit is said again an hour after its end.\n');
  const limits = new Map(routes.map(({ id, timeouts }) => [String(id), timeouts.responseHeadMs]));
  return status.timeouts.filter(({ route, limitMs }) => limits.get(route) === limitMs);
}
