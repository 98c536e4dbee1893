import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import type { Pebble } from '../certificates/pebble-server.test-support.ts';
import { startFromYaml, type YamlGateway } from './start-from-yaml.ts';

export const issueMs = 30_000;

interface AutomaticSettings {
  /** Further keys of `auto`. */
  readonly auto: string;
  readonly routes: string;
  readonly http?: number;
  readonly files?: Readonly<Record<string, string>>;
  /** Further keys of the configuration. */
  readonly more?: string;
  /** The state folder; absent: a new one. */
  readonly state?: string;
}

export function stateFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'candor-state-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function startAutomatic(
  context: TestContext,
  pebble: Pebble,
  settings: AutomaticSettings,
): Promise<YamlGateway> {
  const { auto, routes, http = pebble.httpPort, files, more = '' } = settings;
  const { state = stateFolder(context) } = settings;
  const yaml = `
workers: 2
state: ${state}
listeners:
  http: "127.0.0.1:${http}"
  https:
    bind: "127.0.0.1:${pebble.tlsPort}"
    tls:
      auto: { directory: "${pebble.directoryUrl}", ca_file: ca.pem, ${auto} }
routes:
${routes}
${more}
`;
  const edge = await startFromYaml(yaml, { files: { 'ca.pem': pebble.root, ...files } });
  context.after(() => edge.stop());
  return edge;
}

/** The names of the certificate that a client is shown, or why it is shown none. */
export function shownTo(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, servername: host, rejectUnauthorized: false });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().subjectaltname ?? '');
      socket.destroy();
    });
  });
}

export const refused = 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME';
export const shop = '  - { host: shop.example.org, respond: { status: 200, body: "served" } }';
