import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../core/random.ts';
import type { Result } from '#failures/result.ts';
import { readOwnFile, writeWhole } from './own-file.ts';
import { makePrivateFolder } from './private-folder.ts';
import {
  createSecretKey,
  newSecretKey,
  readSecretKeys,
  removeSecretKeys,
  type SecretKey,
  secretKeyPath,
  syncFolder,
  writeSecretKeys,
} from './secret-keys.ts';
import { attemptSecrets, refuseSecrets, type SecretRefusal } from './secret-refusal.ts';

/** A secret without its value. */
interface SecretInfo {
  /** Null: of all applications. */
  readonly application: string | null;
  readonly name: string;
  /** The revision of the store that gave it its value. */
  readonly version: number;
  /** RFC 3339. */
  readonly changedAt: string;
  readonly changedBy: string;
}

/** What gives a start of an application its secrets. */
interface SecretValue {
  readonly value: string;
  readonly version: number;
}

interface SealedSecret extends SecretInfo {
  /** The id of the key. */
  readonly key: string;
  readonly nonce: string;
  /** Encrypted, with the tag behind it. */
  readonly sealed: string;
}

interface SecretsFile {
  readonly v: 1;
  /** Grows with each change. */
  readonly revision: number;
  /** The id of the key of `seal`. */
  readonly key: string;
  readonly secrets: readonly SealedSecret[];
  /** Of all of the above: no secret can be taken out, or put back as it was, without the key. */
  readonly seal: string;
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

export const secretLimits = { count: 1000, valueBytes: 64 * 1024, fileBytes: 8 * 1024 ** 2, nameCharacters: 128 };

/** What tells one state of the file from another; null: there is none. Never throws: reading it says what is wrong. */
export function secretsMark(folder: string): string | null {
  try {
    const found = statSync(secretsPath(folder), { bigint: true, throwIfNoEntry: false });
    return found === undefined ? null : `${found.ino} ${found.mtimeNs} ${found.size}`;
  } catch {
    return 'unreadable';
  }
}

const nonceBytes = 12;
const tagBytes = 16;

export function secretsPath(folder: string): string {
  return join(folder, 'secrets.json');
}

/** Why a name is none; null: it is one. */
export function secretNameProblem(name: string): string | null {
  if (/^[A-Za-z_][\w.-]*$/.test(name) && name.length <= secretLimits.nameCharacters) return null;
  return `a name has at most ${secretLimits.nameCharacters} letters, digits and ._-, and begins with a letter or _`;
}

/** Why a value cannot be kept; null: it can. The sentence has no value. */
export function secretValueProblem(value: string): string | null {
  if (value === '') return 'the value is empty';
  if (value.includes('\0')) return 'the value has a zero byte, which no variable can hold: encode it, in base64 say';
  if (value.includes('\ufffd')) return 'the value is no UTF-8 text: encode it, in base64 say';
  const bytes = Buffer.byteLength(value);
  return bytes <= secretLimits.valueBytes ? null : `the value has ${bytes} bytes; at most ${secretLimits.valueBytes}`;
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
      const file = readFile(secretsPath(folder));
      const { keys, source } = readSecretKeys(folder, credentials);
      if (file !== null) verify(file, keys, folder);
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

  /** Null: there is none. */
  valueFor(application: string, name: string): Result<SecretValue | null, SecretRefusal> {
    return attemptSecrets(this.#parts.folder, () => {
      const found = this.#found(application, name);
      return found === null ? null : { value: this.#unseal(found), version: found.version };
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
      checkValues(values);
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
      if (before !== undefined && this.#unseal(before) === value) {
        unchanged.push(name);
        continue;
      }
      (before === undefined ? added : changed).push(name);
      secrets.set(key, this.#seal({ application, name, version, changedAt, changedBy }, value));
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
      all.map((one) => store.#seal(one, this.#unseal(one))),
    );
  }

  #found(application: string, name: string): SealedSecret | null {
    const all = this.#file?.secrets ?? [];
    const of = (owner: string | null): SealedSecret | undefined =>
      all.find((one) => one.application === owner && one.name === name);
    return of(application) ?? of(null) ?? null;
  }

  #write(revision: number, secrets: readonly SealedSecret[]): SecretStore {
    const { folder } = this.#parts;
    const [key] = this.#keys;
    if (key === undefined) throw new Error('A store without a key was written.');
    const sorted = secrets.toSorted((a, b) => (keyOfSecret(a) < keyOfSecret(b) ? -1 : 1));
    const content = { v: 1, revision, key: key.id, secrets: sorted } as const;
    const file: SecretsFile = { ...content, seal: sealOf(content, key) };
    const text = `${JSON.stringify(file, null, 1)}\n`;
    if (Buffer.byteLength(text) > secretLimits.fileBytes)
      refuseSecrets(
        'invalid',
        'All secrets together are too large.',
        `At most ${secretLimits.fileBytes} bytes are kept.`,
      );
    makeFolder(folder);
    writeWhole(secretsPath(folder), text);
    syncFolder(folder);
    return new SecretStore(this.#parts, file, this.#keys, this.#keySource);
  }

  #seal(info: SecretInfo, value: string): SealedSecret {
    const [key] = this.#keys;
    if (key === undefined) throw new Error('A secret was encrypted without a key.');
    const { application, name, version, changedAt, changedBy } = info;
    const nonce = new Uint8Array(nonceBytes);
    this.#parts.random.fill(nonce);
    const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: tagBytes });
    cipher.setAAD(associatedData(info));
    const sealed = Buffer.concat([cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return {
      ...{ application, name, version, changedAt, changedBy, key: key.id },
      nonce: Buffer.from(nonce).toString('base64'),
      sealed: sealed.toString('base64'),
    };
  }

  /** Throws `SecretRefused`, and never returns what was not encrypted with this key for this name. */
  #unseal(secret: SealedSecret): string {
    const path = secretsPath(this.#parts.folder);
    const key = this.#keys.find(({ id }) => id === secret.key);
    if (key === undefined) refuseWrongKey(secret.key, this.#keys, this.#parts.folder);
    const sealed = Buffer.from(secret.sealed, 'base64');
    const nonce = Buffer.from(secret.nonce, 'base64');
    if (nonce.length !== nonceBytes || sealed.length < tagBytes)
      refuseDamaged(path, `the secret ${secret.name} is cut`);
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: tagBytes });
    decipher.setAAD(associatedData(secret));
    decipher.setAuthTag(sealed.subarray(-tagBytes));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]).toString('utf8');
    } catch {
      return refuseDamaged(path, `the secret ${secret.name} is not what was written`);
    }
  }
}

function associatedData({ application, name, version, changedAt, changedBy }: SecretInfo): Uint8Array {
  return Buffer.from(JSON.stringify(['candor secret', 1, application, name, version, changedAt, changedBy]));
}

function sealOf({ v, revision, key, secrets }: Omit<SecretsFile, 'seal'>, { bytes }: SecretKey): string {
  const own = new Uint8Array(hkdfSync('sha256', bytes, '', 'candor secrets seal', 32));
  return createHmac('sha256', own)
    .update(JSON.stringify([v, revision, key, secrets.map(fieldsOf)]))
    .digest('base64');
}

function fieldsOf({
  application,
  name,
  version,
  changedAt,
  changedBy,
  key,
  nonce,
  sealed,
}: SealedSecret): readonly unknown[] {
  return [application, name, version, changedAt, changedBy, key, nonce, sealed];
}

function verify(file: SecretsFile, keys: readonly SecretKey[], folder: string): void {
  const key = keys.find(({ id }) => id === file.key);
  if (key === undefined) refuseWrongKey(file.key, keys, folder);
  const missing = file.secrets.find((one) => keys.every(({ id }) => id !== one.key));
  if (missing !== undefined) refuseWrongKey(missing.key, keys, folder);
  const [written, computed] = [file.seal, sealOf(file, key)].map((seal) => Buffer.from(seal));
  if (written?.length !== computed?.length || !timingSafeEqual(written as Buffer, computed as Buffer))
    refuseDamaged(
      secretsPath(folder),
      'its seal is broken: something other than Candor has changed it, or the disk has',
    );
}

/** Null: there is none. */
function readFile(path: string): SecretsFile | null {
  const read = readOwnFile(path, secretLimits.fileBytes);
  if (read.kind === 'none') return null;
  if (read.kind === 'refused')
    refuseSecrets('unsafe', `The secrets ${path} are not read: ${read.why}.`, `\`ls -l ${path}\` shows it.`);
  let value: unknown;
  try {
    value = JSON.parse(read.text);
  } catch {
    refuseDamaged(path, 'it is no JSON');
  }
  const { v } = (value ?? {}) as { readonly v?: unknown };
  if (typeof v === 'number' && v !== 1)
    refuseSecrets(
      'damaged',
      `The secrets ${path} were written by another version of Candor.`,
      'Run that version, or remove the file and set the secrets again.',
    );
  return isFile(value) ? value : refuseDamaged(path, 'fields are missing');
}

function isFile(value: unknown): value is SecretsFile {
  const file = value as Partial<Record<keyof SecretsFile, unknown>> | null;
  return (
    file !== null &&
    typeof file === 'object' &&
    file.v === 1 &&
    Number.isSafeInteger(file.revision) &&
    typeof file.key === 'string' &&
    typeof file.seal === 'string' &&
    Array.isArray(file.secrets) &&
    file.secrets.every(isSealed)
  );
}

function isSealed(value: unknown): value is SealedSecret {
  if (typeof value !== 'object' || value === null) return false;
  const { application, version, ...one } = value as Record<string, unknown>;
  const texts = ['name', 'changedAt', 'changedBy', 'key', 'nonce', 'sealed'];
  const isOwner = application === null || typeof application === 'string';
  return isOwner && Number.isSafeInteger(version) && texts.every((name) => typeof one[name] === 'string');
}

function checkValues(values: ReadonlyMap<string, string>): void {
  for (const [name, value] of values) {
    const wrongName = secretNameProblem(name);
    if (wrongName !== null)
      // A value in its place is not repeated.
      refuseSecrets('invalid', `A name of a secret is none: ${wrongName}.`, 'Nothing was changed.');
    const wrongValue = secretValueProblem(value);
    if (wrongValue !== null)
      refuseSecrets('invalid', `The secret ${name} is not kept: ${wrongValue}.`, 'Nothing was changed.');
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

function refuseWrongKey(wanted: string, keys: readonly SecretKey[], folder: string): never {
  const path = secretKeyPath(folder);
  const [first] = keys;
  refuseSecrets(
    'key',
    first === undefined
      ? `The secrets are encrypted with the key ${wanted}, and there is no key: ${path} is missing.`
      : `The secrets are encrypted with the key ${wanted}; the key that is there is ${first.id}.`,
    `Put the key ${wanted} back (${path}, or the credential candor-secrets-key), or remove ${secretsPath(folder)} and set the secrets again.`,
  );
}

function refuseDamaged(path: string, why: string): never {
  refuseSecrets(
    'damaged',
    `The secrets ${path} are damaged: ${why}.`,
    'Put the file back from a backup, or remove it and set the secrets again.',
  );
}

function keyOfSecret({ application, name }: Pick<SecretInfo, 'application' | 'name'>): string {
  return JSON.stringify([application ?? '', name]);
}

function ownerText(application: string | null): string {
  return application === null ? 'of all applications' : `of the application ${application}`;
}
