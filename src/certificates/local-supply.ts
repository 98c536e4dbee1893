import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  type CertificateSupply,
  type CertificateSupplyPorts,
  hostsBeyond,
  type ManagedState,
  constraintOf,
  localAuthorityName,
  localAuthorityState,
} from '../core/managed-tls.ts';
import type { ListenerCertificate } from '../core/listener-spec.ts';
import { after, type Timer } from '../core/time.ts';
import { sequence, tagged, objectIdentifier } from './der.ts';
import {
  authorityExtensions,
  type CertificateKeys,
  type CertificateSubject,
  leafExtensions,
  sealCertificate,
  extension,
  pemOfKey,
} from './x509-certificate.ts';
import { makePrivateFolder } from '../deploy/private-folder.ts';
import { readOwnFile, writeWhole } from '../deploy/own-file.ts';
import { parseJson } from './acme-documents.ts';
import { readCertificate } from './certificate-facts.ts';

/** A CA of this gateway, in PEM. */
interface LocalAuthority {
  readonly certificate: string;
  /** A secret. */
  readonly key: string;
  /** The hosts that it may issue for: its certificate is constrained to them. */
  readonly hosts: readonly string[];
}

const dayMs = 86_400_000;
/** Each new one must be trusted by hand on each machine. Its constraints limit what a stolen key is good for. */
const authorityDays = 3 * 365;
/** It is renewed at two thirds. */
const leafDays = 30;
/** Clocks differ. */
const earlierMs = 3_600_000;

/**
 * Makes a CA that no client accepts for any other host or address than these (RFC 5280 §4.2.1.10), and those below `.localhost` and `.test`
 * where one of these is. `label` tells CAs apart.
 */
export function createLocalAuthority(hosts: readonly string[], label: string, wallTime: number): LocalAuthority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return sealAuthority({ name: nameOf(label), publicKey: keys.publicKey }, keys, hosts, wallTime);
}

/**
 * A new certificate with the key and the name of the earlier one, for further hosts. Clients that trust the earlier certificate go on
 * accepting what is issued for its hosts, and have to trust this one for the others.
 */
export function extendLocalAuthority(
  { certificate, key, hosts: earlier }: LocalAuthority,
  hosts: readonly string[],
  wallTime: number,
): LocalAuthority {
  const keys = { privateKey: createPrivateKey(key), publicKey: createPublicKey(key) };
  return sealAuthority(
    { name: subjectOf(certificate), publicKey: keys.publicKey },
    keys,
    [...new Set([...earlier, ...hosts])],
    wallTime,
  );
}

function sealAuthority(
  own: CertificateSubject,
  keys: CertificateKeys,
  hosts: readonly string[],
  wallTime: number,
): LocalAuthority {
  const certificate = sealCertificate(
    {
      subject: own,
      issuer: own,
      notBefore: wallTime - earlierMs,
      notAfter: wallTime + authorityDays * dayMs,
      extensions: [...authorityExtensions(own), serversAlone, nameConstraints(hosts)],
    },
    keys,
  );
  return { certificate, key: pemOfKey(keys.privateKey), hosts };
}

/** Issues a certificate for a host. `notAfter`: milliseconds since the Unix epoch. */
export function issueLocally(
  { certificate, key }: LocalAuthority,
  host: string,
  wallTime: number,
): { readonly certificate: string; readonly key: string; readonly notAfter: number; readonly renewAt: number } {
  const authority = new X509Certificate(certificate);
  const privateKey = createPrivateKey(key);
  const issuer: CertificateSubject = {
    name: subjectOf(certificate),
    publicKey: createPublicKey(key),
  };
  const keys: CertificateKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject: CertificateSubject = { name: host.slice(0, commonNameMax), publicKey: keys.publicKey };
  const notAfter = Math.min(wallTime + leafDays * dayMs, authority.validToDate.getTime());
  const extensions = leafExtensions({ names: [host] }, subject, issuer);
  const content = { subject, issuer, notBefore: wallTime - earlierMs, notAfter, extensions };
  const renewAt = wallTime + ((notAfter - wallTime) * 2) / 3;
  return { certificate: sealCertificate(content, { privateKey }), key: pemOfKey(keys.privateKey), notAfter, renewAt };
}

/** Whether it may issue for these hosts, and for as long as a certificate is valid. */
export function isUsable({ certificate, hosts }: LocalAuthority, wanted: readonly string[], wallTime: number): boolean {
  const { validToDate } = new X509Certificate(certificate);
  return hostsBeyond(hosts, wanted).length === 0 && validToDate.getTime() - wallTime > leafDays * dayMs;
}

const commonNameMax = 64;

function subjectOf(certificate: string): string {
  return /^CN=(.*)$/m.exec(new X509Certificate(certificate).subject)?.[1] ?? '';
}

function nameOf(label: string): string {
  return `Candor local CA of ${label}`.slice(0, commonNameMax);
}

/** extKeyUsage: a CA with it is none for mail, code or clients. */
const serversAlone = extension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.1')));

/** Only these hosts, and no address: kinds of names that are not mentioned would be permitted. */
function nameConstraints(hosts: readonly string[]): Buffer {
  const bases = [...new Set(hosts.map(constraintOf))];
  const permitted = bases.map((host) => sequence(tagged(0x82, Buffer.from(host, 'latin1'))));
  const excluded = [8, 32].map((bytes) => sequence(tagged(0x87, Buffer.alloc(bytes))));
  return extension('2.5.29.30', sequence(tagged(0xa0, ...permitted), tagged(0xa1, ...excluded)), true);
}

/** Where the certificate lies that clients are told to trust: for people and programs; the key is in a file of its own. */
function localAuthorityFile(folder: string): string {
  return join(folder, localAuthorityName);
}

const fileBytesMax = 256 * 1024;

/**
 * The CA of the folder; where it is not for all of these hosts or ends soon, one with the same key; a new one where there is none. `before`: the
 * hosts that the earlier certificate is for; null: there is none. A sentence if it cannot be kept.
 */
function localAuthorityFor(
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

interface IssuedLocally extends ListenerCertificate {
  readonly renewAt: number;
}

/** The wall clock may jump. */
const lookEveryMs = 3_600_000;
const retryMs = 60_000;

type Ports = Omit<CertificateSupplyPorts, 'random' | 'nameServers' | 'show' | 'hide'>;

/**
 * Certificates from a CA of this gateway. The CA is kept in the folder; certificates are made anew by each process, since that takes
 * a millisecond.
 */
export class LocalSupply implements CertificateSupply {
  readonly onDemand = null;
  readonly #ports: Ports;
  #hosts: readonly string[] = [];
  #issued = new Map<string, IssuedLocally>();
  #issuer: LocalAuthority | null = null;
  #problem: ManagedState['failure'] = null;
  #timer: Timer | null = null;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  setHosts(hosts: readonly string[]): void {
    this.#hosts = hosts;
    this.#supply();
  }

  states(): readonly ManagedState[] {
    return this.#hosts.map((host) => {
      const { notAfter = null, renewAt = null } = this.#issued.get(host) ?? {};
      return { names: [host], notAfter, renewAt, failure: this.#problem, progress: null };
    });
  }

  close(): Promise<void> {
    this.#timer?.cancel();
    return Promise.resolve();
  }

  #supply(): void {
    const { clock, folder, events, publish } = this.#ports;
    const wallTime = clock.wallTime();
    const found = localAuthorityFor(folder, this.#hosts, wallTime);
    if ('why' in found) this.#fail(found.why);
    else {
      this.#problem = null;
      const { authority } = found;
      const isSame = authority.certificate === this.#issuer?.certificate;
      this.#issuer = authority;
      this.#issued = new Map(
        this.#hosts.map((host) => {
          const known = isSame ? this.#issued.get(host) : undefined;
          if (known !== undefined && wallTime < known.renewAt) return [host, known];
          return [host, { names: [host], ...issueLocally(authority, host, wallTime) }];
        }),
      );
      void publish([...this.#issued.values()]);
      if (found.isNew)
        events.emit({
          kind: 'certificate_issued',
          subject: 'certificate:local-ca',
          reason: newAuthorityText(found.before, this.#hosts, localAuthorityFile(folder)),
          evidence: {
            names: this.#hosts,
            authority: 'internal',
            notAfter: this.#notAfter(),
            isRenewal: found.before !== null,
          },
        });
    }
    this.#timer?.cancel();
    const pauseMs = this.#problem === null ? lookEveryMs : retryMs;
    this.#timer = clock.schedule(after(clock.now(), pauseMs), () => this.#supply(), undefined);
  }

  #notAfter(): string {
    return new Date(Math.max(0, ...[...this.#issued.values()].map(({ notAfter }) => notAfter))).toISOString();
  }

  #fail(why: string): void {
    const { clock, folder, events } = this.#ports;
    const at = clock.wallTime();
    const reason = `the local CA cannot be kept: ${folder} ${why}`;
    if (this.#problem === null)
      events.emit({
        kind: 'state_unusable',
        subject: 'gateway',
        reason,
        evidence: { folder, file: null, errno: null },
      });
    const fix = 'let the gateway write there, and only its user';
    this.#problem = { reason, fix, at, retryAt: at + retryMs };
  }
}

/** `before`: the hosts that the certificate of before is for; null: there was none. */
function newAuthorityText(before: readonly string[] | null, hosts: readonly string[], path: string): string {
  if (before === null)
    return `made a new local CA for ${hosts.join(', ')}: clients have to trust ${path} (see candor trust)`;
  const further = hostsBeyond(before, hosts);
  if (further.length === 0)
    return `renewed the certificate of the local CA, which ends soon: clients have to trust ${path} anew (see candor trust)`;
  return `made a certificate of the local CA for ${further.join(', ')} too, with the same key: clients have to trust ${path} anew for that (see candor trust); for ${before.join(', ')} the earlier one is enough`;
}
