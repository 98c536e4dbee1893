import type { Random } from '../core/random.ts';
import type { Result } from '#failures/result.ts';
import { makePrivateFolder } from './private-folder.ts';
import { sealSecret, unsealSecret } from './secret-cipher.ts';
import {
  readSecretsFile,
  type SealedSecret,
  type SecretInfo,
  type SecretsFile,
  secretsPath,
  verifySecrets,
  writeSecretsFile,
} from './secret-file.ts';
import {
  createSecretKey,
  newSecretKey,
  readSecretKeys,
  removeSecretKeys,
  type SecretKey,
  writeSecretKeys,
} from './secret-keys.ts';
import { attemptSecrets, refuseSecrets, type SecretRefusal } from './secret-refusal.ts';
import { checkSecretOwner, checkSecretValues, secretLimits } from './secret-values.ts';

/** What gives a start of an application its secrets. */
interface SecretValue {
  readonly value: string;
  readonly version: number;
}

export interface SecretStoreParts {
  /** The state folder. */
  readonly folder: string;
  readonly random: Random;
  /** Milliseconds since the epoch. */
  readonly wallTime: () => number;
  /** The folder with the service manager's credentials; undefined: it gives none. */
  readonly credentials: string | undefined;
}

/** What a change has done to each name. */
interface SecretChanges {
  readonly revision: number;
  readonly added: readonly string[];
  readonly changed: readonly string[];
  /** They had this value before. */
  readonly unchanged: readonly string[];
}

/**
 * The secrets of applications, in one file of the state folder: encrypted by AES-256-GCM, each with a nonce of its own for each write. One process
 * uses it at a time, the owner of the state folder.
 */
export class SecretStore {
  readonly #parts: SecretStoreParts;
  readonly #file: SecretsFile | null;
  readonly #keys: readonly SecretKey[];
  readonly #keySource: 'credential' | 'file' | 'none';

  private constructor(
    parts: SecretStoreParts,
    file: SecretsFile | null,
    keys: readonly SecretKey[],
    keySource: 'credential' | 'file' | 'none',
  ) {
    this.#parts = parts;
    this.#file = file;
    this.#keys = keys;
    this.#keySource = keySource;
  }

  /** Reads it; nothing is made. A store without secrets is one. */
  static open(parts: SecretStoreParts): Result<SecretStore, SecretRefusal> {
    const { folder, credentials } = parts;
    return attemptSecrets(folder, () => {
      const file = readSecretsFile(secretsPath(folder));
      const { keys, source } = readSecretKeys(folder, credentials);
      if (file !== null) verifySecrets(file, keys, folder);
      return new SecretStore(parts, file, keys, source);
    });
  }

  get revision(): number {
    return this.#file?.revision ?? 0;
  }

  /** By application, those of all first, and name. */
  get secrets(): readonly SecretInfo[] {
    return (this.#file?.secrets ?? []).map(({ application, name, version, changedAt, changedBy }) => ({
      ...{ application, name, version, changedAt, changedBy },
    }));
  }

  /** The id of the key that encrypts; null: there is none yet. */
  get keyId(): string | null {
    return this.#keys[0]?.id ?? null;
  }

  /** The version of the secret that an application gets: its own, or else that of all; null: there is none. */
  versionFor(application: string, name: string): number | null {
    return this.#found(application, name)?.version ?? null;
  }

  /** Of an application, or of all (null). Null: there is none. */
  valueFor(application: string | null, name: string): Result<SecretValue | null, SecretRefusal> {
    return attemptSecrets(this.#parts.folder, () => {
      const found = this.#found(application, name);
      return found === null ? null : { value: this.#unsealed(found), version: found.version };
    });
  }

  /** Sets all of them or none. `store`: as it is then; this one stays as it was. */
  set(
    application: string | null,
    values: ReadonlyMap<string, string>,
    actor: string,
  ): Result<{ readonly store: SecretStore; readonly changes: SecretChanges }, SecretRefusal> {
    const { folder, random } = this.#parts;
    return attemptSecrets(folder, () => {
      checkSecretOwner(application);
      checkSecretValues(values);
      makeFolder(folder);
      const keys = this.#keys.length > 0 ? this.#keys : [createSecretKey(folder, random)];
      const source = this.#keySource === 'none' ? 'file' : this.#keySource;
      const store = new SecretStore(this.#parts, this.#file, keys, source);
      return store.#set(application, values, actor);
    });
  }

  #set(
    application: string | null,
    values: ReadonlyMap<string, string>,
    changedBy: string,
  ): { readonly store: SecretStore; readonly changes: SecretChanges } {
    const version = this.revision + 1;
    const changedAt = new Date(this.#parts.wallTime()).toISOString();
    const [added, changed, unchanged]: [string[], string[], string[]] = [[], [], []];
    const secrets = new Map((this.#file?.secrets ?? []).map((one) => [keyOfSecret(one), one]));
    for (const [name, value] of values) {
      const key = keyOfSecret({ application, name });
      const before = secrets.get(key);
      if (before !== undefined && this.#unsealed(before) === value) {
        unchanged.push(name);
        continue;
      }
      (before === undefined ? added : changed).push(name);
      secrets.set(key, this.#sealed({ application, name, version, changedAt, changedBy }, value));
    }
    if (secrets.size > secretLimits.count)
      refuseSecrets('invalid', `There would be ${secrets.size} secrets.`, `At most ${secretLimits.count} are kept.`);
    if (added.length + changed.length === 0)
      return { store: this, changes: { revision: this.revision, added, changed, unchanged } };
    const store = this.#write(version, [...secrets.values()]);
    return { store, changes: { revision: version, added, changed, unchanged } };
  }

  remove(application: string | null, name: string): Result<SecretStore, SecretRefusal> {
    return attemptSecrets(this.#parts.folder, () => {
      const all = this.#file?.secrets ?? [];
      const left = all.filter((one) => one.application !== application || one.name !== name);
      if (left.length === all.length) {
        const elsewhere = all.filter((one) => one.name === name).map((one) => ownerText(one.application));
        const hint =
          elsewhere.length === 0 ? '`candor secret list` has all names.' : `There is one ${elsewhere.join(' and ')}.`;
        refuseSecrets('unknown', `There is no secret ${name} ${ownerText(application)}.`, hint);
      }
      return this.#write(this.revision + 1, left);
    });
  }

  /**
   * Encrypts all secrets with a new key; their versions stay. A process that is killed within leaves the old secrets or the new ones, and the keys for
   * both.
   */
  rotateKey(): Result<{ readonly store: SecretStore; readonly from: string; readonly to: string }, SecretRefusal> {
    const { folder, random } = this.#parts;
    return attemptSecrets(folder, () => {
      const [first] = this.#keys;
      const file = this.#file;
      if (first === undefined || file === null)
        refuseSecrets('key', 'There is no key yet.', '`candor secret set <name>` makes it with the first secret.');
      if (this.#keySource === 'credential') return this.#rotateToCredential(first, file);
      const fresh = newSecretKey(random);
      // Rotations that failed have left keys with which nothing is encrypted.
      const used = new Set([file.key, ...file.secrets.map(({ key }) => key)]);
      const keys = [fresh, ...this.#keys.filter(({ id }) => used.has(id))];
      writeSecretKeys(folder, keys);
      const store = this.#resealed(keys);
      writeSecretKeys(folder, [fresh]);
      return { store, from: file.key, to: fresh.id };
    });
  }

  /** The service manager's first key encrypts all; no earlier one is needed any more. */
  #rotateToCredential(first: SecretKey, file: SecretsFile): { store: SecretStore; from: string; to: string } {
    if (file.key === first.id && file.secrets.every(({ key }) => key === first.id))
      refuseSecrets(
        'key',
        `The service manager gives the key ${first.id}, with which all secrets are encrypted already.`,
        'Put a new key as first line into the credential candor-secrets-key, before the old one, restart the gateway, and ask again.',
      );
    const store = this.#resealed(this.#keys);
    removeSecretKeys(this.#parts.folder);
    return { store, from: file.key, to: first.id };
  }

  #resealed(keys: readonly SecretKey[]): SecretStore {
    const store = new SecretStore(this.#parts, this.#file, keys, this.#keySource);
    const all = this.#file?.secrets ?? [];
    return store.#write(
      this.revision,
      all.map((one) => store.#sealed(one, this.#unsealed(one))),
    );
  }

  #found(application: string | null, name: string): SealedSecret | null {
    const all = this.#file?.secrets ?? [];
    const of = (owner: string | null): SealedSecret | undefined =>
      all.find((one) => one.application === owner && one.name === name);
    return of(application) ?? of(null) ?? null;
  }

  #write(revision: number, secrets: readonly SealedSecret[]): SecretStore {
    const { folder } = this.#parts;
    const [key] = this.#keys;
    if (key === undefined) throw new Error('A store without a key was written.');
    makeFolder(folder);
    const sorted = secrets.toSorted((a, b) => (keyOfSecret(a) < keyOfSecret(b) ? -1 : 1));
    const file = writeSecretsFile(folder, { revision, secrets: sorted }, key);
    return new SecretStore(this.#parts, file, this.#keys, this.#keySource);
  }

  #sealed(info: SecretInfo, value: string): SealedSecret {
    const [key] = this.#keys;
    if (key === undefined) throw new Error('A secret was encrypted without a key.');
    return sealSecret(info, value, key, this.#parts.random);
  }

  #unsealed(secret: SealedSecret): string {
    return unsealSecret(secret, this.#keys, this.#parts.folder);
  }
}

function makeFolder(folder: string): void {
  const problem = makePrivateFolder(folder);
  if (problem !== null)
    refuseSecrets(
      'unsafe',
      `The state folder ${folder} ${problem}.`,
      'Run the command as the user who runs the gateway.',
    );
}

function keyOfSecret({ application, name }: Pick<SecretInfo, 'application' | 'name'>): string {
  return JSON.stringify([application ?? '', name]);
}

function ownerText(application: string | null): string {
  return application === null ? 'of all applications' : `of the application ${application}`;
}
