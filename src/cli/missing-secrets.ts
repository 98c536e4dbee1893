import type { Configuration } from '../core/configuration.ts';
import { SecretStore } from '../deploy/secret-store.ts';
import { secretsStatusOf } from '../features/secrets/words.ts';
import type { MachineWarning } from './adjust-paths.ts';
import type { ProcessContext } from './process-context.ts';
import { storeIn, usesOf } from './secrets-direct.ts';

/** Secrets that applications need and that have no value, as far as this user can read the store. */
export function reviewSecrets(configuration: Configuration, context: ProcessContext): readonly MachineWarning[] {
  const used = usesOf(configuration);
  const { stateFolder } = configuration;
  if (used.size === 0) return [];
  const warning = (message: string, suggestion: string): MachineWarning => ({
    ...{ setting: 'secrets', value: null, message: `secrets: ${message}`, suggestion },
  });
  if (stateFolder === null) return [warning('`state: none` leaves no folder in which they are kept', 'remove it')];
  const opened = SecretStore.open(storeIn(stateFolder, context));
  if (!opened.ok) {
    // Whose they are is read by their user alone.
    const { kind, reason, step } = opened.failure;
    return kind === 'system' ? [] : [warning(reason.replace(/\.$/, ''), step)];
  }
  return secretsStatusOf(opened.value, used).missing.map(({ name, application }) =>
    warning(
      `${name} of ${application} has no value, and its programs cannot start`,
      `\`candor secret set ${name} --application ${application}\``,
    ),
  );
}
