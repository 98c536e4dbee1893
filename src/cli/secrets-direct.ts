import { userInfo } from 'node:os';
import type { Configuration } from '../core/configuration.ts';
import type { SecretsChange, SecretsStatus } from '../core/schemas/secrets.ts';
import type { SecretRefusal } from '../deploy/secret-refusal.ts';
import { SecretStore } from '../deploy/secret-store.ts';
import { StateFolder } from '../deploy/state-folder.ts';
import { secretsName, type SecretsSpec } from '../features/secrets/settings.ts';
import { secretChangeOf, secretsStatusOf, type UsedSecrets } from '../features/secrets/words.ts';
import { systemRandom } from '../system/system.ts';
import type { Result } from '#failures/result.ts';
import { CommandFailure } from './command-failure.ts';
import { errorsIn } from './configuration-read.ts';
import { readConfiguration } from './read-configuration.ts';
import type { ProcessContext } from './process-context.ts';

/** What is wanted of the secrets. */
export type SecretsOrder =
  | { readonly kind: 'list' }
  | { readonly kind: 'set'; readonly application: string | null; readonly values: Readonly<Record<string, string>> }
  | { readonly kind: 'remove'; readonly application: string | null; readonly name: string }
  | { readonly kind: 'rotate_key' };

/** The configuration says where the state folder is. */
export async function orderWithoutGateway(
  order: SecretsOrder,
  file: string,
  context: ProcessContext,
): Promise<SecretsStatus | SecretsChange> {
  const read = await readConfiguration(file, context);
  if (read.configuration === null) throw errorsIn(file, read.errors);
  return orderInFolder(order, read.configuration, context);
}

/** Works on the state folder of a gateway that does not run; its lock keeps one from starting meanwhile. */
function orderInFolder(
  order: SecretsOrder,
  configuration: Pick<Configuration, 'stateFolder' | 'applications'>,
  context: ProcessContext,
): SecretsStatus | SecretsChange {
  const { stateFolder } = configuration;
  if (stateFolder === null)
    throw new CommandFailure(
      'refused',
      'The configuration says `state: none`, so that there is no folder in which secrets are kept. Remove it.',
    );
  const store = storeIn(stateFolder, context);
  if (order.kind === 'list') return secretsStatusOf(valueOf(SecretStore.open(store)), usesOf(configuration));
  const opened = StateFolder.open(stateFolder, new Date(context.clock.wallTime()).toISOString());
  if (opened.kind === 'held')
    throw new CommandFailure(
      'refused',
      `The state folder ${stateFolder} belongs to the process ${opened.owner.process.pid}, which runs, and whose admin API was not found. Name it with --socket or --admin.`,
    );
  if (opened.kind === 'unusable') throw new CommandFailure('failure', `The state folder ${stateFolder} ${opened.why}.`);
  try {
    return changed(order, valueOf(SecretStore.open(store)));
  } finally {
    opened.folder.release();
  }
}

function changed(order: Exclude<SecretsOrder, { kind: 'list' }>, store: SecretStore): SecretsChange {
  switch (order.kind) {
    case 'set':
      return secretChangeOf(
        valueOf(store.set(order.application, new Map(Object.entries(order.values)), actor())).changes,
      );
    case 'remove':
      return secretChangeOf({
        revision: valueOf(store.remove(order.application, order.name)).revision,
        removed: [order.name],
      });
    case 'rotate_key': {
      const { store: rotated, to } = valueOf(store.rotateKey());
      return secretChangeOf({ revision: rotated.revision, key: to });
    }
  }
}

export function storeIn(folder: string, { clock, env }: ProcessContext): Parameters<typeof SecretStore.open>[0] {
  return {
    ...{ folder, random: systemRandom, wallTime: () => clock.wallTime() },
    credentials: env['CREDENTIALS_DIRECTORY'],
  };
}

/** Workers get the secrets of their application. */
export function usesOf({ applications }: Pick<Configuration, 'applications'>): UsedSecrets {
  return new Map(
    applications.flatMap(({ id, of = id, features }) => {
      const spec = features?.[secretsName] as SecretsSpec | undefined;
      return spec === undefined ? [] : [[String(of), spec] as const];
    }),
  );
}

function valueOf<T>(result: Result<T, SecretRefusal>): T {
  if (result.ok) return result.value;
  const { kind, reason, step } = result.failure;
  const exit = kind === 'unknown' ? 'not_found' : kind === 'invalid' ? 'usage' : 'failure';
  throw new CommandFailure(exit, `${reason} ${step}`);
}

function actor(): string {
  try {
    return `command:${userInfo().username}`;
  } catch {
    return `command:${process.getuid?.() ?? ''}`; // a user without a name
  }
}
