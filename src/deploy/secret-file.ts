/** The file of the secrets: what stands in it, and that it is what was written. */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readOwnFile, writeWhole } from './own-file.ts';
import { type SecretKey, secretKeyPath, syncFolder } from './secret-keys.ts';
import { refuseSecrets } from './secret-refusal.ts';
import { secretLimits } from './secret-values.ts';

/** A secret without its value. */
export interface SecretInfo {
  /** Null: of all applications. */
  readonly application: string | null;
  readonly name: string;
  /** The revision of the store that gave it its value. */
  readonly version: number;
  /** RFC 3339. */
  readonly changedAt: string;
  readonly changedBy: string;
}

export interface SealedSecret extends SecretInfo {
  /** The id of the key. */
  readonly key: string;
  readonly nonce: string;
  /** Encrypted, with the tag behind it. */
  readonly sealed: string;
}

export interface SecretsFile {
  readonly v: 1;
  /** Grows with each change. */
  readonly revision: number;
  /** The id of the key of `seal`. */
  readonly key: string;
  readonly secrets: readonly SealedSecret[];
  /** Of all of the above: no secret can be taken out, or put back as it was, without the key. */
  readonly seal: string;
}

/** What tells one state of a file from another; null: there is none. Never throws: reading it says what is wrong. */
export function markOf(path: string): string | null {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? null : `${found.ino} ${found.mtimeNs} ${found.size}`;
  } catch {
    return 'unreadable';
  }
}

export function secretsPath(folder: string): string {
  return join(folder, 'secrets.json');
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

export function verifySecrets(file: SecretsFile, keys: readonly SecretKey[], folder: string): void {
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
export function readSecretsFile(path: string): SecretsFile | null {
  const read = readOwnFile(path, secretLimits.fileBytes);
  if (read.kind === 'none') return null;
  if (read.kind === 'refused')
    refuseSecrets(
      'unsafe',
      `The secrets ${path} are not read: ${read.why}.`,
      `\`ls -l ${path}\` shows it: move it away, and put the file from a backup in its place.`,
    );
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

export function refuseWrongKey(wanted: string, keys: readonly SecretKey[], folder: string): never {
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

export function refuseDamaged(path: string, why: string): never {
  refuseSecrets(
    'damaged',
    `The secrets ${path} are damaged: ${why}.`,
    'Put the file back from a backup, or remove it and set the secrets again.',
  );
}

/** With the key that encrypts. */
export function writeSecretsFile(
  folder: string,
  { revision, secrets }: Pick<SecretsFile, 'revision' | 'secrets'>,
  key: SecretKey,
): SecretsFile {
  const content = { v: 1, revision, key: key.id, secrets } as const;
  const file: SecretsFile = { ...content, seal: sealOf(content, key) };
  const text = `${JSON.stringify(file, null, 1)}\n`;
  if (Buffer.byteLength(text) > secretLimits.fileBytes)
    refuseSecrets(
      'invalid',
      'All secrets together are too large.',
      `At most ${secretLimits.fileBytes} bytes are kept.`,
    );
  writeWhole(secretsPath(folder), text);
  syncFolder(folder);
  return file;
}
