import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import { certificatesFolder, localAuthorityName } from '../core/managed-tls.ts';
import { printJson } from './ask-commands.ts';
import { CommandFailure } from './command-failure.ts';
import type { ProcessContext } from './process-context.ts';
import { mistakesIn } from './configuration-read.ts';
import { readConfiguration } from './read-configuration.ts';
import { styleFor } from './style.ts';

export interface TrustFlags {
  readonly config: string;
  readonly json: boolean;
}

/** Says where the certificate of the local CA is, and how clients are made to trust it. */
export async function trust(flags: TrustFlags, context: ProcessContext): Promise<void> {
  const { configuration, errors } = await readConfiguration(flags.config, context);
  if (configuration === null) throw mistakesIn(flags.config, errors);
  const { hosts, port, stateFolder } = localTls(configuration, flags.config);
  const path = join(stateFolder, certificatesFolder, localAuthorityName);
  const certificate = readAuthority(path);
  const { validToDate, fingerprint256: fingerprint } = certificate;
  const notAfter = validToDate.toISOString();
  if (flags.json) return printJson({ path, hosts, not_after: notAfter, fingerprint }, context);
  const style = styleFor(context.stdout, context.env);
  const shown = /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
  const url = `https://${hosts[0] ?? 'localhost'}${port === 443 ? '' : `:${port}`}/`;
  const lines = [
    `The certificate of the local CA, valid until ${notAfter.slice(0, 10)}:`,
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
    'Firefox has certificates of its own: Settings, Certificates, Authorities, Import.',
    style.dim(`Clients accept it for ${hosts.join(', ')} alone.`),
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

function readAuthority(path: string): X509Certificate {
  try {
    return new X509Certificate(readFileSync(path));
  } catch {
    throw new CommandFailure(
      'not_found',
      `There is no local CA at ${path}: the gateway makes it when it starts (candor up).`,
    );
  }
}
