import { resolve } from 'node:path';
import type { AutomaticTls, ListenerTls } from '../core/configuration.ts';
import { automaticHosts, automaticSettings, challengesOf } from './automatic-tls.ts';
import type { BuildContext } from './build-context.ts';
import type { Draft } from './draft.ts';
import { knownDirectories } from './format/acme-directory.ts';
import { hostNamesOf, readCertificates } from './judge-pem.ts';
import type { ListenerTlsRead } from './schema.ts';

/**
 * Mozilla's recommendation, version 5.7, for TLS 1.2 (https://wiki.mozilla.org/Security/Server_Side_TLS), without the three suites that need
 * parameters of Diffie-Hellman: clients without elliptic curves are older than TLS 1.2 in every browser.
 */
const intermediateCiphers = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** The suites of TLS 1.3 (RFC 8446 §B.4) but the two for small devices, in Mozilla's order. */
const suites13 = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

/** `port`: the one that the listener is bound to. */
export function buildListenerTls(
  read: ListenerTlsRead,
  port: number,
  draft: Draft,
  context: BuildContext,
): ListenerTls {
  const textOf = (path: string): string => {
    const reading = context.readings.get(resolve(context.directory, path));
    return reading?.ok === true ? reading.text : '';
  };
  const isModern = read.profile === 'modern' || read.version_min === '1.3';
  const { client_certificates, redirect_http = true } = read;
  const certificates = (read.certificates ?? []).map(({ certificate_file, key_file }) => {
    const certificate = textOf(certificate_file);
    const parsed = readCertificates(certificate);
    const all = 'message' in parsed ? [] : parsed;
    const notAfter = Math.min(...all.map(({ validToDate }) => validToDate.getTime()));
    return { names: hostNamesOf(all[0]), certificate, key: textOf(key_file), notAfter };
  });
  const hosts = automaticHosts(
    read,
    draft,
    certificates.flatMap(({ names }) => names),
  );
  return {
    certificates,
    automatic: buildAutomatic(read, hosts, draft, textOf),
    servesUnknownNames: read.unknown_names === 'first',
    versionMin: isModern ? 'TLSv1.3' : 'TLSv1.2',
    ciphers: isModern ? suites13 : `${suites13}:${intermediateCiphers}`,
    redirectPort: redirect_http === true ? port : redirect_http === false ? null : redirect_http,
    hstsSeconds: read.hsts ?? null,
    clientCertificates:
      client_certificates === undefined
        ? null
        : {
            authorities: client_certificates.ca_file.map(textOf).join('\n'),
            isRequired: client_certificates.required ?? true,
          },
  };
}

function buildAutomatic(
  read: ListenerTlsRead,
  hosts: readonly string[],
  draft: Draft,
  textOf: (path: string) => string,
): AutomaticTls | null {
  const settings = automaticSettings(read);
  if (settings === null) return read.internal === true ? { kind: 'internal', hosts } : null;
  const { contact = [], directory = knownDirectories.production, fallback = [], ca_file = [], dns_hook } = settings;
  return {
    kind: 'acme',
    hosts,
    contacts: contact,
    directories: [...new Set([directory, ...fallback])],
    roots: ca_file.length === 0 ? null : ca_file.map(textOf).join('\n'),
    challenges: challengesOf(settings, draft),
    dnsHook: dns_hook ?? null,
  };
}
