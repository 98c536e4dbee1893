import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { sequence, tagged } from './der.ts';
import {
  authorityExtensions,
  type CertificateKeys,
  type CertificateSubject,
  leafExtensions,
  sealCertificate,
} from './x509-certificate.ts';
import { extension, pemOfKey } from './x509-parts.ts';
import { objectIdentifier } from './der.ts';
import { constraintOf, hostsBeyond } from '../core/managed-tls.ts';

/** A CA of this gateway, in PEM. */
export interface LocalAuthority {
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
