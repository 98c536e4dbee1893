import type { X509Certificate } from 'node:crypto';
import type { AdminTls } from '../core/configuration.ts';
import type {
  AutomaticTls,
  FileCertificateFacts,
  ListenerCertificate,
  ListenerTls,
  TlsVersions,
} from '../core/listener-spec.ts';
import { automaticHosts, automaticSettings, challengesOf, onDemandOf } from './automatic-tls.ts';
import { type BuildContext, contentOf } from './build-context.ts';
import { defaults } from './defaults.ts';
import type { Draft } from './draft.ts';
import { msOrNone } from '../schema/fallback.ts';
import { knownDirectories } from './format/acme-directory.ts';
import { hostNamesOf, issuerOf, keyTypeOf, readCertificates } from './judge-pem.ts';
import type { AdminTlsRead, ListenerTlsRead } from './listener-schema.ts';
import { hmacKeyFrom, programPath } from './wanted-files.ts';

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
  const { client_certificates, redirect_http = true } = read;
  const certificates = (read.certificates ?? []).map((files) => buildCertificate(files, context));
  const hosts = automaticHosts(
    read,
    draft,
    certificates.flatMap(({ names }) => names),
  );
  return {
    ...versionsOf(read),
    certificates,
    automatic: buildAutomatic(read, hosts, draft, context),
    servesUnknownNames: read.unknown_names === 'first',
    redirectPort: redirect_http === true ? port : redirect_http === false ? null : redirect_http,
    hstsSeconds: read.hsts ?? null,
    clientCertificates:
      client_certificates === undefined
        ? null
        : {
            authorities: client_certificates.ca_file.map((path) => contentOf(path, context)).join('\n'),
            isRequired: client_certificates.required ?? true,
          },
  };
}

function buildAutomatic(
  read: ListenerTlsRead,
  hosts: readonly string[],
  draft: Draft,
  context: BuildContext,
): AutomaticTls | null {
  const settings = automaticSettings(read);
  if (settings === null) return read.internal === true ? { kind: 'internal', hosts } : null;
  const {
    contact = [],
    directory = knownDirectories.production,
    fallback = [],
    ca_file = [],
    dns_hook,
    external_account,
  } = settings;
  return {
    kind: 'acme',
    hosts,
    contacts: contact,
    directories: [...new Set([directory, ...fallback])],
    roots: ca_file.length === 0 ? null : ca_file.map((path) => contentOf(path, context)).join('\n'),
    challenges: challengesOf(settings, draft),
    dnsHook: dns_hook === undefined ? null : commandFrom(dns_hook, context),
    propagationMs: msOrNone(settings.propagation_timeout, defaults.automaticTls.propagationTimeout) ?? 0,
    onDemand: onDemandOf(settings, draft),
    externalAccount:
      external_account === undefined
        ? null
        : {
            keyId: external_account.key_id,
            hmacKey: hmacKeyFrom(contentOf(external_account.hmac_key_file, context)) ?? '',
          },
  };
}

function commandFrom([program = '', ...rest]: readonly string[], { directory }: BuildContext): readonly string[] {
  return [programPath(program, directory), ...rest];
}

/** TLS at the address of the admin API. */
export function buildAdminTls(read: AdminTlsRead, context: BuildContext): AdminTls {
  return { ...versionsOf(read), certificate: buildCertificate(read, context) };
}

function versionsOf({ profile, version_min }: AdminTlsRead | ListenerTlsRead): TlsVersions {
  const isModern = profile === 'modern' || version_min === '1.3';
  return {
    versionMin: isModern ? 'TLSv1.3' : 'TLSv1.2',
    ciphers: isModern ? suites13 : `${suites13}:${intermediateCiphers}`,
  };
}

function buildCertificate(
  { certificate_file, key_file }: Pick<AdminTlsRead, 'certificate_file' | 'key_file'>,
  context: BuildContext,
): ListenerCertificate {
  const certificate = contentOf(certificate_file, context);
  const certificates = readCertificates(certificate);
  const read = 'message' in certificates ? [] : certificates;
  const notAfter = Math.min(...read.map(({ validToDate }) => validToDate.getTime()));
  const facts = read[0] === undefined ? {} : { facts: factsOf(read[0], read) };
  return { names: hostNamesOf(read[0]), certificate, key: contentOf(key_file, context), notAfter, ...facts };
}

function factsOf(certificate: X509Certificate, chain: readonly X509Certificate[]): FileCertificateFacts {
  return {
    keyType: keyTypeOf(certificate),
    notBefore: Math.max(...chain.map(({ validFromDate }) => validFromDate.getTime())),
    issuer: issuerOf(certificate),
  };
}
