import type { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { automaticHosts, automaticSettings } from './automatic-tls.ts';
import type { ErrorCollector } from './error-collector.ts';
import { type Draft, isMap } from './draft.ts';
import { quoted } from '../schema/error-detail.ts';
import {
  hasAddresses,
  hasAlternativeNames,
  hostNamesOf,
  identityError,
  keyTypeOf,
  periodWarning,
  readCertificates,
  readPrivateKey,
} from './judge-pem.ts';
import type { Path } from '../schema/findings.ts';
import type { ListenerTlsRead } from './listener-schema.ts';
import { featuresOfFile } from '../features/keys.ts';
import { type FileReading, itemPath, tlsOfListener, type WantedFile } from './wanted-files.ts';
import { reviewAutomatic, reviewAuthorities } from './review-automatic-tls.ts';
import { hostsBeyond, hostsOfAuthority } from '../core/managed-tls.ts';

/** What is written about TLS, to endpoints and at listeners, and the files that it names. */

interface Reviewing {
  readonly directory: string;
  readonly readings: ReadonlyMap<string, FileReading>;
  /** Null where nobody knows what time it is; periods of validity are not judged then. */
  readonly wallTime: number | null;
  readonly collector: ErrorCollector;
}

export function reviewTls(draft: Draft, reviewing: Reviewing): void {
  for (const [name, upstream] of draft.upstreams) {
    if (Array.isArray(upstream) || !isMap(upstream.tls)) continue;
    const { verify, ca_file, certificate_file, key_file } = upstream.tls;
    const at = (key: string): Path => ['upstreams', name, 'tls', key];
    if (verify === false) warnOfUnverifiedTls(at('verify'), reviewing.collector);
    for (const [index, path] of (ca_file ?? []).entries()) {
      reviewCertificates(path, itemPath(draft, at('ca_file'), index), reviewing);
    }
    reviewIdentity(certificate_file, key_file, at, reviewing);
  }
  const { otlp } = draft.plain;
  if (isMap(otlp)) {
    for (const [index, path] of (otlp.ca_file ?? []).entries())
      reviewCertificates(path, itemPath(draft, ['otlp', 'ca_file'], index), reviewing);
    reviewIdentity(otlp.certificate_file, otlp.key_file, (key) => ['otlp', key], reviewing);
  }
  const adminTls = draft.plain.admin?.tls;
  if (adminTls !== undefined) {
    const at: Path = ['admin', 'tls'];
    reviewVersions(adminTls, at, reviewing.collector);
    reviewIdentity(adminTls.certificate_file, adminTls.key_file, (key) => [...at, key], reviewing);
  }
  const shown: ListenerNames[] = [];
  for (const [name, listener] of draft.listeners) {
    const tls = tlsOfListener(listener);
    if (tls === null) continue;
    const named = reviewListener(tls, ['listeners', name, 'tls'], draft, reviewing);
    shown.push({
      listener: name,
      names: [...named, ...automaticHosts(tls, draft, named)],
      hasOwnHosts: automaticSettings(tls)?.hosts !== undefined,
      servesOthers: tls.unknown_names === 'first' || automaticSettings(tls)?.on_demand !== undefined,
    });
  }
  // A file that cannot be used is an error, which says more.
  if (!reviewing.collector.errors.some(({ severity }) => severity === 'error'))
    reviewHostCertificates(shown, draft, reviewing.collector);
  reviewAuthorities(draft, reviewing.collector);
}

function reviewVersions(
  { profile, version_min }: Pick<ListenerTlsRead, 'profile' | 'version_min'>,
  at: Path,
  collector: ErrorCollector,
): void {
  if (profile === 'modern' && version_min === '1.2')
    collector.errorAtValue([...at, 'version_min'], 'the profile "modern" has no TLS 1.2', 'remove one of the two');
}

/** Returns the names of the certificates from files. */
function reviewListener(tls: ListenerTlsRead, at: Path, draft: Draft, reviewing: Reviewing): readonly string[] {
  const { collector } = reviewing;
  const { certificates, client_certificates } = tls;
  reviewVersions(tls, at, collector);
  const named = new Set<string>();
  const firstWith = new Map<string, number>();
  for (const [index, { certificate_file, key_file }] of (certificates ?? []).entries()) {
    const entry = [...at, 'certificates', index];
    const read = reviewIdentity(certificate_file, key_file, (key) => [...entry, key], reviewing);
    if (read === null) continue;
    const names = hostNamesOf(read[0]);
    const file = [...entry, 'certificate_file'];
    if (names.length === 0)
      collector.warnAtValue(
        file,
        hasAddresses(read[0])
          ? 'the certificate is for addresses alone: clients that use a host name do not accept it'
          : 'the certificate has no host name: no client accepts it',
        hasAddresses(read[0]) ? 'for names, request one with an alternative name' : 'name another file',
      );
    else if (!hasAlternativeNames(read[0]))
      collector.warnAtValue(
        file,
        `the certificate has ${quoted(names[0])} only as its common name (CN), which browsers and curl do not accept`,
        /^[\w*-]+(?:\.[\w-]+)*$/.test(names[0] ?? '')
          ? `request one with an alternative name: openssl req … -addext "subjectAltName=DNS:${names[0]}"`
          : 'request one with the host names as alternative names: openssl req … -addext "subjectAltName=DNS:shop.example.org"',
      );
    const keyType = keyTypeOf(read[0] as X509Certificate);
    for (const name of names) {
      named.add(name);
      // A name may have one of each kind: clients get the one that they can check.
      const earlier = firstWith.get(`${keyType} ${name}`);
      if (earlier === undefined) firstWith.set(`${keyType} ${name}`, index);
      else
        collector.warnAtValue(
          file,
          `certificate ${earlier + 1} has the name ${quoted(name)} and a key of the same kind (${keyType}) too, and is the one that clients get`,
          'remove one of them',
        );
    }
  }
  reviewAutomatic(tls, [...named], at, draft, reviewing);
  const authorities = [...at, 'client_certificates', 'ca_file'];
  const roots = automaticSettings(tls)?.ca_file ?? [];
  for (const [index, path] of roots.entries())
    reviewCertificates(path, itemPath(draft, [...at, 'auto', 'ca_file'], index), reviewing);
  for (const [index, path] of (client_certificates?.ca_file ?? []).entries())
    reviewCertificates(path, itemPath(draft, authorities, index), reviewing);
  return [...named];
}

function warnOfUnverifiedTls(at: Path, collector: ErrorCollector): void {
  collector.warnAtValue(
    at,
    'whoever answers at the address of this upstream is believed, and can read and change everything',
    'remove it, and name the authority that signed the certificate as "ca_file"',
  );
}

/** What the gateway shows of itself: a certificate and its key, or neither. Null where they cannot be used. */
function reviewIdentity(
  certificateFile: string | undefined,
  keyFile: string | undefined,
  at: (key: string) => Path,
  reviewing: Reviewing,
): readonly X509Certificate[] | null {
  const { collector } = reviewing;
  if (certificateFile === undefined && keyFile === undefined) return null;
  if (certificateFile === undefined || keyFile === undefined) {
    const [has, lacks] = keyFile === undefined ? ['certificate_file', 'key_file'] : ['key_file', 'certificate_file'];
    collector.errorAtKey(at(has), `"${has}" is of no use without "${lacks}"`, `add ${lacks}, or remove ${has}`);
    return null;
  }
  const certificates = reviewCertificates(certificateFile, at('certificate_file'), reviewing);
  const pem = textOf(keyFile, reviewing);
  if (pem === null) return null;
  const key = readPrivateKey(pem);
  const error =
    'message' in key
      ? key
      : certificates === null
        ? null
        : identityError(certificates, key, textOf(certificateFile, reviewing) ?? '');
  collector.addDetail(at('key_file'), error);
  return error === null ? certificates : null;
}

/** Null when there is nothing to go on with, and that has been said. */
function reviewCertificates(path: string, at: Path, reviewing: Reviewing): ReturnType<typeof certificatesOf> {
  const pem = textOf(path, reviewing);
  return pem === null ? null : certificatesOf(pem, at, reviewing);
}

function certificatesOf(
  pem: string,
  at: Path,
  { collector, wallTime }: Reviewing,
): Exclude<ReturnType<typeof readCertificates>, { message: string }> | null {
  const certificates = readCertificates(pem);
  if ('message' in certificates) {
    collector.addDetail(at, certificates);
    return null;
  }
  if (wallTime !== null) {
    for (const { message, suggestion } of periodWarning(certificates, wallTime))
      collector.warnAtValue(at, message, suggestion);
  }
  return certificates;
}

/** Null for a file that has not been read, or could not be: that is said where files are read. */
function textOf(path: string, { directory, readings }: Reviewing): string | null {
  const reading = readings.get(resolve(directory, path));
  return reading?.ok === true ? reading.text : null;
}

/** Whether clients of a TLS listener can reach the hosts of the routes. */

/** What a listener with TLS can show. */
interface ListenerNames {
  readonly listener: string;
  readonly names: readonly string[];
  /** Hosts are listed apart from the routes. */
  readonly hasOwnHosts: boolean;
  /** Clients that ask for another name are shown a certificate as well, or one is obtained for them. */
  readonly servesOthers: boolean;
}

/** A host may be for clear text alone: only one that no listener with TLS can show a certificate for is doubtful. */
function reviewHostCertificates(all: readonly ListenerNames[], draft: Draft, collector: ErrorCollector): void {
  const [first] = all;
  if (first === undefined || all.some(({ servesOthers }) => servesOthers)) return;
  const names = new Set(all.flatMap((one) => one.names));
  const checked = featuresOfFile.filter(({ answersChecks }) => answersChecks);
  for (const [at, route] of draft.routes) {
    if (checked.some(({ name }) => name in route)) continue;
    for (const [index, one] of (route.host ?? []).entries()) {
      if (isAddress(one) || isShown(one, names)) continue;
      collector.warnAtValue(
        itemPath(draft, ['routes', at, 'host'], index),
        `no listener with TLS has a certificate for ${quoted(one)}: its handshakes are refused`,
        suggestCertificate(all.find(({ hasOwnHosts }) => hasOwnHosts) ?? first),
      );
    }
  }
}

function suggestCertificate({ listener, hasOwnHosts }: ListenerNames): string {
  return hasOwnHosts
    ? `add it to "hosts" under "auto" of the listener ${quoted(listener)}, or add a certificate that has it`
    : `add one under "certificates" of the listener ${quoted(listener)}, or let it be obtained there ("auto" or "internal")`;
}

function isShown(host: string, names: ReadonlySet<string>): boolean {
  if (names.has(host)) return true;
  // Of a wildcard some names may be served.
  if (host.startsWith('*.')) return [...names].some((name) => name.endsWith(host.slice(1)));
  const dot = host.indexOf('.');
  return dot !== -1 && names.has(`*${host.slice(dot)}`);
}

function isAddress(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(':');
}

/** A host that the certificate of the local CA is not for yet: clients refuse it until they trust the next one. */
export function reviewLocalAuthority(
  draft: Draft,
  wanted: readonly WantedFile[],
  readings: ReadonlyMap<string, FileReading>,
  collector: ErrorCollector,
): void {
  const found = wanted.find(({ kind }) => kind === 'local_authority');
  const reading = found === undefined ? undefined : readings.get(found.path);
  const madeFor = reading?.ok === true ? hostsOfAuthority(reading.text) : null;
  if (found === undefined || madeFor === null) return;
  const hosts = [...draft.listeners.values()].flatMap((listener) => {
    const tls = tlsOfListener(listener);
    return tls?.internal === true ? automaticHosts(tls, draft, []) : [];
  });
  const further = hostsBeyond(madeFor, [...new Set(hosts)]);
  if (further.length > 0)
    collector.warnAtKey(
      found.at,
      `the certificate of the local CA is not for ${further.join(', ')}: clients that trust it refuse ${further.length === 1 ? 'that host' : 'those hosts'}, and go on accepting the others`,
      'after the reload let clients trust the new certificate too: candor trust says how',
    );
}
