import { createHash } from 'node:crypto';
import { closeSync, constants, fsyncSync, linkSync, lstatSync, openSync, rmSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from '../core/random.ts';
import { readOwnFile, writeSynced, writeWhole } from './own-file.ts';
import { refuseSecrets } from './secret-refusal.ts';

/** A key of 256 bits. Its id tells nothing of it. */
export interface SecretKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** The keys that this process has: the first one encrypts, the others decrypt what an earlier one has encrypted. */
interface SecretKeys {
  readonly keys: readonly SecretKey[];
  /** `credential`: the service manager gives the first key, and Candor writes none. */
  readonly source: 'credential' | 'file' | 'none';
}

const secretKeyName = 'secrets-key';
/** In the folder that systemd names in CREDENTIALS_DIRECTORY. */
const credentialName = 'candor-secrets-key';
const keyBytes = 32;
const fileBytesMax = 4096;

export function secretKeyPath(folder: string): string {
  return join(folder, secretKeyName);
}

/** Those of the service manager's credential, then those of the state folder. Throws `SecretRefused`. */
export function readSecretKeys(folder: string, credentials: string | undefined): SecretKeys {
  const given =
    credentials === undefined || credentials === ''
      ? []
      : readKeys(join(credentials, credentialName), (found) => (found.mode & 0o007) === 0);
  const own = readKeys(secretKeyPath(folder), (found) => (found.mode & 0o077) === 0);
  const source = given.length > 0 ? 'credential' : own.length > 0 ? 'file' : 'none';
  return { keys: [...given, ...own], source };
}

/** Writes a first key where there is none. Of two processes that do so at the same time the second takes that of the first. */
export function createSecretKey(folder: string, random: Random): SecretKey {
  const path = secretKeyPath(folder);
  const beside = `${path}.${process.pid}`;
  const key = newSecretKey(random);
  writeSynced(beside, textOf([key]));
  try {
    // Link(2) succeeds once: no key that something was encrypted with is ever replaced.
    linkSync(beside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(beside, { force: true });
  }
  syncFolder(folder);
  const [found] = readSecretKeys(folder, undefined).keys;
  return found ?? key;
}

export function writeSecretKeys(folder: string, keys: readonly SecretKey[]): void {
  writeWhole(secretKeyPath(folder), textOf(keys));
  syncFolder(folder);
}

/** Nothing is encrypted with a key of the state folder any more. */
export function removeSecretKeys(folder: string): void {
  rmSync(secretKeyPath(folder), { force: true });
  syncFolder(folder);
}

export function newSecretKey(random: Random): SecretKey {
  const bytes = new Uint8Array(keyBytes);
  random.fill(bytes);
  return keyOf(bytes);
}

/** A name that was given or taken in a folder is there after a power cut. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function keyOf(bytes: Uint8Array): SecretKey {
  const id = createHash('sha256').update('candor secrets key\0').update(bytes).digest('hex').slice(0, 12);
  return { id, bytes };
}

function textOf(keys: readonly SecretKey[]): string {
  return keys.map(({ bytes }) => `${Buffer.from(bytes).toString('base64url')}\n`).join('');
}

function readKeys(path: string, isClosed: (found: Stats) => boolean): readonly SecretKey[] {
  const read = readOwnFile(path, fileBytesMax);
  if (read.kind === 'none') return [];
  if (read.kind === 'refused')
    refuseSecrets('unsafe', `The key of secrets ${path} is not used: ${read.why}.`, ownerStep(path));
  const found = lstatSync(path);
  if (!isClosed(found))
    refuseSecrets(
      'unsafe',
      `The key of secrets ${path} is not used: other users may read or change it (mode ${modeText(found)}).`,
      `\`chmod 600 ${path}\`; if others may have read it, \`candor secret rotate-key\` after that, and change the secrets.`,
    );
  const lines = read.text.split('\n').filter((line) => line.trim() !== '');
  const keys = lines.map((line) => parseKey(line.trim()));
  if (keys.length === 0 || keys.includes(null))
    refuseSecrets(
      'key',
      `${path} has no key: each line must be 32 random bytes in base64 or hexadecimal digits.`,
      `Put the key back from where it was kept. \`openssl rand -base64 32\` makes a new one, which reads no earlier secret.`,
    );
  return keys as SecretKey[];
}

/** As `openssl rand -base64 32` and `openssl rand -hex 32` print it too. */
function parseKey(text: string): SecretKey | null {
  if (/^[\da-f]{64}$/i.test(text)) return keyOf(Buffer.from(text, 'hex'));
  return /^[\w+/-]{43}=?$/.test(text) ? keyOf(Buffer.from(text, 'base64')) : null;
}

function modeText({ mode }: Stats): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}

function ownerStep(path: string): string {
  return `\`ls -l ${path}\` shows it; it must be a file of the user who runs Candor, mode 0600, in ${dirname(path)}.`;
}
