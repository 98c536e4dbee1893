import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { localAuthorityName, localAuthorityState } from '../core/managed-tls.ts';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { readOwnFile } from '../deploy/read-own-file.ts';
import { writeWhole } from '../deploy/write-whole.ts';
import { parseJson } from './acme-documents.ts';
import { readCertificate } from './certificate-facts.ts';
import { createLocalAuthority, extendLocalAuthority, isUsable, type LocalAuthority } from './local-authority.ts';

/** Where the certificate lies that clients are told to trust: for people and programs; the key is in a file of its own. */
export function localAuthorityFile(folder: string): string {
  return join(folder, localAuthorityName);
}

const fileBytesMax = 256 * 1024;

/**
 * The CA of the folder; where it is not for all of these hosts or ends soon, one with the same key; a new one where there is none. `before`: the
 * hosts that the earlier certificate is for; null: there is none. A sentence if it cannot be kept.
 */
export function localAuthorityFor(
  folder: string,
  hosts: readonly string[],
  wallTime: number,
):
  | { readonly authority: LocalAuthority; readonly isNew: boolean; readonly before: readonly string[] | null }
  | { readonly why: string } {
  const path = join(folder, localAuthorityState);
  const stored = readAuthority(path);
  if (stored !== null && isUsable(stored, hosts, wallTime)) {
    if (!hasText(localAuthorityFile(folder), stored.certificate))
      keep(() => writeWhole(localAuthorityFile(folder), stored.certificate));
    return { authority: stored, isNew: false, before: stored.hosts };
  }
  const authority =
    stored === null ? createLocalAuthority(hosts, hostname(), wallTime) : extendLocalAuthority(stored, hosts, wallTime);
  const problem = keep(() => {
    const untrusted = makePrivateFolder(folder);
    if (untrusted !== null) return untrusted;
    writeWhole(path, `${JSON.stringify(authority)}\n`);
    writeWhole(localAuthorityFile(folder), authority.certificate);
    return null;
  });
  if (problem !== null) return { why: problem };
  // Another process may have made one at the same time: the last one stays.
  return { authority: readAuthority(path) ?? authority, isNew: true, before: stored?.hosts ?? null };
}

function keep(write: () => string | null | void): string | null {
  try {
    return write() ?? null;
  } catch {
    return 'cannot be written';
  }
}

function hasText(path: string, text: string): boolean {
  try {
    return existsSync(path) && readFileSync(path, 'utf8') === text;
  } catch {
    return false;
  }
}

function readAuthority(path: string): LocalAuthority | null {
  const read = readOwnFile(path, fileBytesMax);
  const value = read.kind === 'text' ? parseJson(read.text) : null;
  if (typeof value !== 'object' || value === null) return null;
  const { certificate, key, hosts } = value as Readonly<Record<string, unknown>>;
  if (typeof certificate !== 'string' || typeof key !== 'string' || !Array.isArray(hosts)) return null;
  if (!hosts.every((host) => typeof host === 'string') || readCertificate(certificate, key) === null) return null;
  return { certificate, key, hosts };
}
