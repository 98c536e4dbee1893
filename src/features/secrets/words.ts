import type { SecretsChange, SecretsStatus } from '../../core/schemas/secrets.ts';
import type { SecretsSpec } from './settings.ts';

/** By application. */
export type UsedSecrets = ReadonlyMap<string, SecretsSpec>;

/** A store, without values. */
interface KnownSecrets {
  readonly revision: number;
  readonly keyId: string | null;
  readonly secrets: readonly {
    readonly application: string | null;
    readonly name: string;
    readonly changedAt: string;
    readonly changedBy: string;
  }[];
}

/** All secrets, with the applications that use them; of two of one name an application gets its own. */
export function secretsStatusOf({ revision, keyId, secrets }: KnownSecrets, used: UsedSecrets): SecretsStatus {
  const uses = [...used].flatMap(([application, { uses: all }]) =>
    [...new Set(all.map(({ secret }) => secret))].map((name) => ({ application, name })),
  );
  const ownerOf = ({ application, name }: (typeof uses)[number]): string | null | undefined => {
    const named = secrets.filter((one) => one.name === name);
    return (named.find((one) => one.application === application) ?? named.find((one) => one.application === null))
      ?.application;
  };
  return {
    revision,
    key: keyId,
    secrets: secrets.map(({ application, name, changedAt, changedBy }) => ({
      ...{ application, name, changedAt, changedBy },
      usedBy: uses.flatMap((use) => (use.name === name && ownerOf(use) === application ? [use.application] : [])),
    })),
    missing: uses.filter((use) => ownerOf(use) === undefined),
  };
}

export function secretChangeOf(change: Partial<SecretsChange>): SecretsChange {
  const nothing = { revision: 0, added: [], changed: [], unchanged: [], removed: [], replacing: [], key: null };
  return { ...nothing, ...change };
}
