import { createHash } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LockUnusable, OwnerLock } from '../deploy/owner-lock.ts';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { readOwnFile, writeWhole } from '../deploy/own-file.ts';
import type { ShownChallenge } from '../core/managed-tls.ts';
import { type AcmeAccount, type IssuedChain, AcmeClient, type AcmeSettings } from './acme-client.ts';
import { parseJson } from './acme-documents.ts';
import { readCertificate } from './certificate-facts.ts';
import { generateAccountKey, isAccountKey } from './jws.ts';
import type { AcmePorts } from './acme-session.ts';

/** A certificate on the disk. */
export interface StoredCertificate extends IssuedChain {
  /** As they were ordered, in lowercase, sorted. */
  readonly names: readonly string[];
  /** The directory of the CA that issued it. */
  readonly directoryUrl: string;
}

/** Why something could not be written: the end of a sentence that begins with the folder. */
export interface StoreProblem {
  readonly errno: string | null;
  readonly why: string;
}

/** Ten times what a chain and its key need. */
const fileBytesMax = 256 * 1024;

/**
 * Account keys and certificates in a folder of the state folder, files 0600, each replaced whole. Every process may read; only the
 * one that owns the folder writes and asks CAs, and a process that has ended owns nothing, however it ended.
 *
 * - `lock.<generation>`: the owner (see `OwnerLock`);
 * - `account-<digest of the directory's URL, and of the external account's key id>.json`;
 * - `certificate-<digest of the names>.json`: chain and key together, so that they always fit;
 * - `challenge-<digest>.json`: what CAs look for at the moment.
 */
export class CertificateStore {
  readonly path: string;
  #lock: OwnerLock | null = null;

  constructor(path: string) {
    this.path = path;
  }

  get isOwner(): boolean {
    try {
      return this.#lock?.isHeld ?? false;
    } catch {
      return false; // the folder has gone
    }
  }

  /** Whether this process is the owner now. `since`: now, in RFC 3339. A problem with the folder is no owner's. Never throws. */
  tryToOwn(since: string): boolean | StoreProblem {
    if (this.isOwner) return true;
    try {
      const problem = makePrivateFolder(this.path);
      if (problem !== null) return { errno: null, why: problem };
      const taken = OwnerLock.acquire(this.path, since);
      this.#lock = taken.ok ? taken.value : null;
      return taken.ok;
    } catch (error) {
      return problemFrom(error);
    }
  }

  /** Lets another process follow. */
  release(): void {
    try {
      if (this.isOwner) this.#lock?.release();
    } catch {
      // The lock goes with the process.
    }
    this.#lock = null;
  }

  /** What is damaged, or no longer fits its key, is left out. */
  readCertificate(names: readonly string[]): StoredCertificate | null {
    const path = this.#certificateFile(names);
    const stored = certificateFrom(this.#read(path));
    return stored !== null && sameNames(stored.names, names) ? stored : null;
  }

  /** All certificates that lie there, for names that are not wanted any more as well. */
  readAll(): readonly StoredCertificate[] {
    const files = this.#filesLike(/^certificate-[\da-f]+\.json$/);
    return files.flatMap((path) => certificateFrom(this.#read(path)) ?? []);
  }

  /** One that is not used any more. Never throws: what stays has expired, and does no harm. */
  removeCertificate(names: readonly string[]): void {
    try {
      if (this.isOwner) rmSync(this.#certificateFile(names), { force: true });
    } catch {
      // The folder may be read-only now.
    }
  }

  writeCertificate(certificate: StoredCertificate): StoreProblem | null {
    const names = sortedNames(certificate.names);
    const { chain, key, directoryUrl } = certificate;
    return this.#write(this.#certificateFile(names), { names, directory: directoryUrl, chain, key });
  }

  /**
   * The account at a CA; `externalKeyId`: of the external account that it is bound to, or null. A binding is made with an account and stays:
   * another one has another account. A new key is on the disk before the CA knows it: otherwise the account could be lost.
   */
  account(directoryUrl: string, externalKeyId: string | null = null): AcmeAccount | StoreProblem {
    const path = this.#accountFile(directoryUrl, externalKeyId);
    const stored = accountFrom(this.#read(path), directoryUrl);
    if (stored !== null) return stored;
    const account: AcmeAccount = { key: generateAccountKey(), url: null };
    return this.writeAccount(directoryUrl, account, externalKeyId) ?? account;
  }

  writeAccount(
    directoryUrl: string,
    { key, url }: AcmeAccount,
    externalKeyId: string | null = null,
  ): StoreProblem | null {
    return this.#write(this.#accountFile(directoryUrl, externalKeyId), { directory: directoryUrl, url, key });
  }

  /** What CAs look for, of the process that orders. What is damaged is left out. */
  readChallenges(): readonly ShownChallenge[] {
    return this.#filesLike(/^challenge-[\da-f]+\.json$/).flatMap((path) => challengeFrom(this.#read(path)) ?? []);
  }

  writeChallenge(challenge: ShownChallenge): StoreProblem | null {
    return this.#write(this.#challengeFile(challenge), challenge);
  }

  removeChallenge(challenge: ShownChallenge): void {
    try {
      if (this.isOwner) rmSync(this.#challengeFile(challenge), { force: true });
    } catch {
      // The next owner removes it.
    }
  }

  #write(path: string, content: unknown): StoreProblem | null {
    if (!this.isOwner) return { errno: null, why: 'belongs to another process now' };
    try {
      writeWhole(path, `${JSON.stringify(content, null, 2)}\n`);
      return null;
    } catch (error) {
      return problemFrom(error);
    }
  }

  #read(path: string): Fields | null {
    const read = readOwnFile(path, fileBytesMax);
    const value = read.kind === 'text' ? parseJson(read.text) : null;
    return typeof value === 'object' && value !== null ? { ...value } : null;
  }

  #filesLike(pattern: RegExp): readonly string[] {
    try {
      return readdirSync(this.path)
        .filter((name) => pattern.test(name))
        .map((name) => join(this.path, name));
    } catch {
      return [];
    }
  }

  #challengeFile(challenge: ShownChallenge): string {
    const { kind, domain } = challenge;
    const what = kind === 'http-01' ? challenge.token : challenge.certificate;
    return join(this.path, `challenge-${digestOf([kind, domain, what].join('\n'))}.json`);
  }

  #certificateFile(names: readonly string[]): string {
    return join(this.path, `certificate-${digestOf(sortedNames(names).join('\n'))}.json`);
  }

  #accountFile(directoryUrl: string, externalKeyId: string | null): string {
    const account = externalKeyId === null ? directoryUrl : `${directoryUrl}\n${externalKeyId}`;
    return join(this.path, `account-${digestOf(account)}.json`);
  }
}

/** In lowercase, sorted, each once: by them a certificate is known. */
export function sortedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => name.toLowerCase()))].toSorted();
}

type Fields = Readonly<Record<string, unknown>>;

function certificateFrom(fields: Fields | null): StoredCertificate | null {
  if (fields === null) return null;
  const { names, directory, chain, key } = fields;
  if (typeof directory !== 'string' || typeof chain !== 'string' || typeof key !== 'string') return null;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) return null;
  return readCertificate(chain, key) === null ? null : { names, directoryUrl: directory, chain, key };
}

function accountFrom(fields: Fields | null, directoryUrl: string): AcmeAccount | null {
  const { key, url, directory } = fields ?? {};
  if (typeof key !== 'string' || directory !== directoryUrl) return null;
  return isAccountKey(key) ? { key, url: typeof url === 'string' ? url : null } : null;
}

function challengeFrom(fields: Fields | null): ShownChallenge | null {
  const { kind, domain, token, keyAuthorization, certificate, key } = fields ?? {};
  if (typeof domain !== 'string') return null;
  if (kind === 'http-01' && typeof token === 'string' && typeof keyAuthorization === 'string')
    return { kind, domain, token, keyAuthorization };
  if (kind !== 'tls-alpn-01' || typeof certificate !== 'string' || typeof key !== 'string') return null;
  return readCertificate(certificate, key) === null ? null : { kind, domain, certificate, key };
}

function sameNames(stored: readonly string[], wanted: readonly string[]): boolean {
  return sortedNames(stored).join('\n') === sortedNames(wanted).join('\n');
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function problemFrom(error: unknown): StoreProblem {
  if (error instanceof LockUnusable) return { errno: null, why: error.message };
  const errno = (error as NodeJS.ErrnoException).code ?? 'EIO';
  return { errno, why: `cannot be written (${errno})` };
}

/** A client of each CA, with the account that the store has for it. */
export class AuthorityClients {
  readonly #ports: AcmePorts & { readonly store: CertificateStore };
  readonly #clients = new Map<string, AcmeClient>();

  constructor(ports: AcmePorts & { readonly store: CertificateStore }) {
    this.#ports = ports;
  }

  of(authority: AcmeSettings): AcmeClient | StoreProblem {
    const known = this.#clients.get(authority.directoryUrl);
    if (known !== undefined) return known;
    const account = this.#ports.store.account(authority.directoryUrl, authority.externalAccount?.keyId);
    if ('why' in account) return account;
    const client = new AcmeClient(this.#ports, authority, account);
    this.#clients.set(authority.directoryUrl, client);
    return client;
  }

  /** Writes the URL that the CA has given the account, if it is another one. Null: it is kept. */
  keepAccount({ directoryUrl, externalAccount }: AcmeSettings, url: string): StoreProblem | null {
    const { store } = this.#ports;
    const account = store.account(directoryUrl, externalAccount?.keyId);
    if ('why' in account) return account;
    return account.url === url ? null : store.writeAccount(directoryUrl, { ...account, url }, externalAccount?.keyId);
  }
}
