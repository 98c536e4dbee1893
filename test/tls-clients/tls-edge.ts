import type { ConnectionOptions } from 'node:tls';
import type { ListenerTls } from '../../src/core/listener-spec.ts';
import { systemClock } from '../../src/system/system.ts';
import { certificateAuthority } from '../../src/testing/testing.ts';
import { startFromYaml, type YamlGateway } from '../gateway/start-from-yaml.ts';
import { type Address, SecureClient } from './secure-client.ts';

/** The authority of all servers in these tests, and the one of the clients. */
export const authority = certificateAuthority(systemClock.wallTime());
export const clientAuthority = certificateAuthority(systemClock.wallTime(), 'Clients');

const edge = authority.issue({ names: ['edge.test', '*.wild.test'] });
const other = authority.issue({ names: ['other.test'] });

/** Files beside the configuration. */
export const edgeFiles: Readonly<Record<string, string>> = {
  'edge.pem': edge.certificate,
  'edge.key': edge.key,
  'other.pem': other.certificate,
  'other.key': other.key,
  'clients.pem': clientAuthority.certificate,
};

/** TLS for an `EngineListener`: edge.test alone, and no client is asked for a certificate. */
export const edgeTls: ListenerTls = {
  certificates: [{ names: ['edge.test'], notAfter: 0, ...edge }],
  automatic: null,
  servesUnknownNames: false,
  versionMin: 'TLSv1.2',
  ciphers: 'DEFAULT',
  clientCertificates: null,
  redirectPort: null,
  hstsSeconds: null,
};

/** `certificates:` of a listener that serves edge.test, *.wild.test and other.test; the files are in `folder`. */
export function certificatesIn(folder = ''): string {
  const entry = (name: string): string =>
    `{ certificate_file: "${folder}${name}.pem", key_file: "${folder}${name}.key" }`;
  return `certificates: [${entry('edge')}, ${entry('other')}]`;
}

/**
 * A listener in clear text called `http`, and listeners with TLS by their names. The values are further settings of `tls`,
 * such as `profile: modern`.
 */
export function listenersYaml(secured: Readonly<Record<string, string>>): string {
  const lines = Object.entries(secured).map(([name, settings]) => {
    const more = settings === '' ? '' : `, ${settings}`;
    return `  ${name}: { bind: "127.0.0.1:0", tls: { ${certificatesIn()}, redirect_http: false${more} } }\n`;
  });
  return `listeners:\n  http: "127.0.0.1:0"\n${lines.join('')}`;
}

/** A gateway with TLS before one upstream. */
export function startTlsEdge(
  endpoint: Address,
  secured: Readonly<Record<string, string>> = { https: '' },
  more = '',
): Promise<YamlGateway> {
  const upstream = `upstreams: { app: { endpoints: "${endpoint.host}:${endpoint.port}", check: none } }\n`;
  return startFromYaml(`${listenersYaml(secured)}${upstream}${more}`, { files: edgeFiles });
}

/** What a client needs to believe the gateway. */
export function trusting(options: ConnectionOptions = {}): ConnectionOptions {
  return { servername: 'edge.test', ca: authority.certificate, ...options };
}

export function secureClientOf(
  gateway: YamlGateway,
  options: ConnectionOptions = {},
  listener = 'https',
): SecureClient {
  return new SecureClient(gateway.address(listener), trusting(options));
}
