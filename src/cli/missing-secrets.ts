import { accessSync, constants, existsSync } from 'node:fs';
import type { Configuration } from '../core/configuration.ts';
import { SecretStore } from '../deploy/secret-store.ts';
import { secretsStatusOf } from '../features/secrets/words.ts';
import type { MachineWarning } from './adjust-paths.ts';
import type { ProcessContext } from './process-context.ts';
import { storeIn, usesOf } from './secrets-direct.ts';

/** Another user may check the configuration: the store is for its own. */
export function mayRead(path: string, rights = constants.R_OK | constants.X_OK): boolean {
  try {
    accessSync(path, rights);
    return true;
  } catch {
    return false;
  }
}

/** Secrets that applications need and that have no value, as far as this user can read the store. */
export function reviewSecrets(configuration: Configuration, context: ProcessContext): readonly MachineWarning[] {
  const used = usesOf(configuration);
  const { stateFolder } = configuration;
  if (used.size === 0) return [];
  const warning = (message: string, suggestion: string): MachineWarning => ({
    ...{ setting: 'secrets', value: null, message: `secrets: ${message}`, suggestion },
  });
  if (stateFolder === null) return [warning('`state: none` leaves no folder in which they are kept', 'remove it')];
  if (existsSync(stateFolder) && !mayRead(stateFolder)) return [];
  const opened = SecretStore.open(storeIn(stateFolder, context));
  if (!opened.ok) return [warning(opened.failure.reason.replace(/\.$/, ''), opened.failure.step)];
  return secretsStatusOf(opened.value, used).missing.map(({ name, application }) =>
    warning(
      `${name} of ${application} has no value, and its programs cannot start`,
      `\`candor secret set ${name} --application ${application}\``,
    ),
  );
}
