import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import {
  certificatesFolder,
  hostsBeyond,
  hostsOfAuthority,
  localAuthorityName,
  localAuthorityState,
} from '../core/managed-tls.ts';
import { errnoOf } from '../record/log-output.ts';
import { CommandFailure } from './command-failure.ts';
import type { ProcessContext } from './process-context.ts';
import { errorsIn } from './configuration-read.ts';
import { readConfiguration } from './read-configuration.ts';
import { wrapAfter, printJson } from './layout.ts';
import { statusMark, type Style, styleFor } from './style.ts';

export interface TrustFlags {
  readonly config: string;
  readonly json: boolean;
}

/** Says where the certificate of the local CA is, and how clients are made to trust it. */
export async function trust(flags: TrustFlags, context: ProcessContext): Promise<void> {
  const { configuration, errors } = await readConfiguration(flags.config, context);
  if (configuration === null) throw errorsIn(flags.config, errors);
  const { hosts, port, stateFolder } = localTls(configuration, flags.config);
  const folder = join(stateFolder, certificatesFolder);
  const path = join(folder, localAuthorityName);
  const certificate = readAuthority(path);
  const { validToDate, fingerprint256: fingerprint } = certificate;
  const notAfter = validToDate.toISOString();
  const madeFor = madeForIn(join(folder, localAuthorityState));
  const missing = madeFor === null ? [] : hostsBeyond(madeFor, hosts);
  if (flags.json) {
    const replaced = { made_for: madeFor, is_replaced: missing.length > 0 };
    return printJson({ path, hosts, not_after: notAfter, fingerprint, ...replaced }, context);
  }
  const style = styleFor(context.stdout, context.env);
  const shown = /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
  const first = hosts.find((host) => !missing.includes(host)) ?? hosts[0] ?? 'localhost';
  const url = `https://${first}${port === 443 ? '' : `:${port}`}/`;
  const lines = [
    ...(missing.length === 0 || madeFor === null ? [] : replacementLines(flags.config, missing, madeFor, style)),
    `The certificate of the local CA${missing.length === 0 ? '' : ' that is in use now'}, valid until ${notAfter.slice(0, 10)}:`,
    '',
    `  ${style.bold(path)}`,
    style.dim(`  SHA-256 ${fingerprint}`),
    '',
    'For one request, or one program of Node:',
    '',
    `  curl --cacert ${shown} ${url}`,
    `  NODE_EXTRA_CA_CERTS=${shown} node client.js`,
    '',
    'For this machine, as root (Debian and Ubuntu, Fedora, macOS):',
    '',
    `  cp ${shown} /usr/local/share/ca-certificates/candor-local-ca.crt && update-ca-certificates`,
    `  trust anchor ${shown}`,
    `  security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${shown}`,
    '',
    'For Chromium on Linux, and for Firefox, which have stores of their own',
    '(certutil is in libnss3-tools or nss-tools):',
    '',
    `  mkdir -p "$HOME/.pki/nssdb" && certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n candor-local-ca -i ${shown}`,
    `  for p in "$HOME"/.mozilla/firefox/*/cert9.db; do certutil -d "sql:\${p%/cert9.db}" -A -t C,, -n candor-local-ca -i ${shown}; done`,
    '',
    'Or in Firefox by hand: Settings, Certificates, Authorities, Import.',
    style.dim(`Clients accept it for ${(madeFor ?? hosts).join(', ')} alone.`),
  ];
  context.stdout.write(`${lines.join('\n')}\n`);
}

function localTls(
  { listeners, stateFolder }: Configuration,
  file: string,
): { readonly hosts: readonly string[]; readonly port: number; readonly stateFolder: string } {
  for (const { tls, port } of listeners) {
    if (tls?.automatic?.kind !== 'internal' || stateFolder === null) continue;
    return { hosts: tls.automatic.hosts, port, stateFolder };
  }
  throw new CommandFailure('usage', `No listener of ${file} has tls: internal, so that there is no local CA.`);
}

/** The configuration has been edited, and the gateway has not read it yet. */
function replacementLines(
  file: string,
  missing: readonly string[],
  madeFor: readonly string[],
  style: Style,
): readonly string[] {
  const text = `This CA is for ${madeFor.join(', ')} alone, and ${file} has ${missing.join(', ')} besides: with the next reload or start the gateway makes a certificate with the same key for all of them. Clients that trust this one go on accepting ${madeFor.join(', ')}, and refuse ${missing.join(', ')} until they trust the next one. Reload first (candor reload), and run candor trust again.`;
  return [...wrapAfter(statusMark('warn', style), text, 2), ''];
}

/** Null: it cannot be read, which is so for users other than the gateway's. */
function madeForIn(path: string): readonly string[] | null {
  try {
    return hostsOfAuthority(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

function readAuthority(path: string): X509Certificate {
  try {
    return new X509Certificate(readFileSync(path));
  } catch (error) {
    if (['EACCES', 'EPERM'].includes(errnoOf(error)))
      throw new CommandFailure(
        'failure',
        `${path} may not be read by this user: run candor trust as root or as the user of the gateway, and copy the certificate to where others may read it.`,
      );
    throw new CommandFailure(
      'not_found',
      `There is no local CA at ${path}: the gateway makes it when it starts (candor up).`,
    );
  }
}
