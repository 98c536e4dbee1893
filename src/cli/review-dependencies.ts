import { constants, existsSync } from 'node:fs';
import type { Configuration } from '../core/configuration.ts';
import { SecretStore } from '../deploy/secret-store.ts';
import {
  dependenciesName,
  type DependenciesSpec,
  type DependencySpec,
  type DependsOnSpec,
} from '../features/dependencies/settings.ts';
import type { MachineWarning } from './adjust-paths.ts';
import { mayRead } from './missing-secrets.ts';
import type { ProcessContext } from './process-context.ts';
import { storeIn } from './secrets-direct.ts';

function dependenciesOf({ features }: Pick<Configuration, 'features'>): readonly DependencySpec[] {
  return (features?.[dependenciesName] as DependenciesSpec | undefined)?.dependencies ?? [];
}

/** Passwords of dependencies that this user does not find on this machine. */
export function reviewDependencies(configuration: Configuration, context: ProcessContext): readonly MachineWarning[] {
  return dependenciesOf(configuration).flatMap((one) => [
    ...inFile(one),
    ...inStore(one, firstDependent(configuration, one.name), configuration.stateFolder, context),
  ]);
}

function inFile({ name, passwordFile }: DependencySpec): readonly MachineWarning[] {
  if (passwordFile === null) return [];
  const isThere = existsSync(passwordFile);
  if (isThere && mayRead(passwordFile, constants.R_OK)) return [];
  const why = isThere ? 'cannot be read by this user' : 'does not exist';
  return [
    warning(
      `the password file ${passwordFile} of ${name} ${why}, and the check goes no further than the login`,
      isThere ? 'let the user who runs the gateway read it' : 'make it, or correct its path',
    ),
  ];
}

function inStore(
  { name, passwordSecret }: DependencySpec,
  dependent: string | null,
  stateFolder: string | null,
  context: ProcessContext,
): readonly MachineWarning[] {
  if (passwordSecret === null) return [];
  if (stateFolder === null)
    return [
      warning(`\`state: none\` leaves no folder in which the secret ${passwordSecret.secret} is kept`, 'remove it'),
    ];
  if (existsSync(stateFolder) && !mayRead(stateFolder)) return [];
  const opened = SecretStore.open(storeIn(stateFolder, context));
  const { secret } = passwordSecret;
  const application = passwordSecret.application ?? dependent;
  const found = opened.ok ? opened.value.valueFor(application, secret) : opened;
  if (!found.ok) return [warning(`${name}: ${found.failure.reason.replace(/\.$/, '')}`, found.failure.step)];
  if (found.value !== null) return [];
  const owner = application === null ? '' : ` --application ${application}`;
  return [
    warning(
      `the secret ${secret} with the password of ${name} has no value, and the check goes no further than the login`,
      `\`candor secret set ${secret}${owner}\``,
    ),
  ];
}

function firstDependent({ applications }: Configuration, name: string): string | null {
  const found = applications.find(({ features }) =>
    (features?.[dependenciesName] as DependsOnSpec | undefined)?.names.includes(name),
  );
  return found === undefined ? null : String(found.id);
}

const warning = (message: string, suggestion: string): MachineWarning => ({
  ...{ setting: 'dependencies', value: null, message: `dependencies: ${message}`, suggestion },
});
