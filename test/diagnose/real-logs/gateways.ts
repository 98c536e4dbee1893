import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { findPeer, type PeerName } from '../../../scripts/peers.ts';
import type { OriginKind } from './failure-cases.ts';

/** The paths and ports for a gateway's configuration. */
export interface Surroundings {
  readonly port: number;
  readonly folder: string;
  /** The gateway's program. Its modules are beside it if it was unpacked and not installed. */
  readonly program: string;
  readonly addresses: Readonly<Record<OriginKind, string>>;
}

export interface GatewayLog {
  readonly name: string;
  /** The file, in the gateway's folder, that the log is written to. */
  readonly file: string;
  readonly logFormat?: string;
  /** Whether the log has failures only. */
  readonly hasFailuresOnly?: true;
}

export interface RealGateway {
  readonly name: 'nginx' | 'haproxy' | 'apache' | 'varnish' | 'caddy';
  readonly peer: PeerName;
  /** A program of the system that it runs. */
  readonly needs?: string;
  /** The targets that it can forward to. */
  readonly origins: readonly OriginKind[];
  readonly logs: readonly GatewayLog[];
  readonly file: string;
  configuration(surroundings: Surroundings): string;
  args(surroundings: Surroundings): readonly string[];
  /** Another program that writes a log; started when the gateway serves. */
  readonly readers?: {
    /** The peer whose installation has the programs. */
    readonly peer: PeerName;
    readonly programs: readonly { readonly name: string; readonly args: readonly string[]; readonly file: string }[];
  };
}

const plainOrigins: readonly OriginKind[] = ['plain', 'refused', 'unanswered'];
const allOrigins: readonly OriginKind[] = [...plainOrigins, 'tls-plain-http', 'tls-alert', 'certificate'];

/** The path of a target. Requests for no other target go to the plain origin, unchanged. */
export const pathOf = (origin: OriginKind): string => (origin === 'plain' ? '/' : `/${origin}/`);

/** The plain target comes last: in some configurations the first match counts. */
const lastPlain = (origins: readonly OriginKind[]): readonly OriginKind[] =>
  origins.toSorted((a, b) => Number(a === 'plain') - Number(b === 'plain'));

const isTls = (origin: OriginKind): boolean => !plainOrigins.includes(origin);
const urlOf = (origin: OriginKind, { addresses }: Surroundings): string =>
  `${isTls(origin) ? 'https' : 'http'}://${addresses[origin]}`;

const upstreamFormat =
  '$remote_addr [$time_iso8601] "$request" $status $body_bytes_sent $upstream_addr $upstream_status ' +
  '$upstream_connect_time $upstream_header_time $upstream_response_time $upstream_bytes_received';

const nginx: RealGateway = {
  name: 'nginx',
  peer: 'nginx',
  origins: allOrigins,
  logs: [
    { name: 'nginx error log', file: 'error.log', hasFailuresOnly: true },
    { name: 'nginx access log (combined)', file: 'combined.log' },
    { name: 'nginx access log (with upstream times)', file: 'upstream.log', logFormat: upstreamFormat },
  ],
  file: 'nginx.conf',
  configuration: (context) => `
worker_processes 1; daemon off; pid nginx.pid; error_log error.log info;
events { worker_connections 128; }
http {
  log_format upstream '${upstreamFormat}';
  access_log combined.log combined; access_log upstream.log upstream;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  proxy_connect_timeout 400ms; proxy_send_timeout 800ms; proxy_read_timeout 800ms; proxy_http_version 1.1;
  proxy_ssl_verify on; proxy_ssl_trusted_certificate authority.pem; proxy_ssl_name origin.test;
  server {
    listen 127.0.0.1:${context.port};
${allOrigins.map((origin) => `    location ${pathOf(origin)} { proxy_pass ${urlOf(origin, context)}; }`).join('\n')}
  }
}
`,
  args: () => ['-p', '.', '-c', 'nginx.conf', '-e', 'error.log'],
};

const haproxy: RealGateway = {
  name: 'haproxy',
  peer: 'haproxy',
  origins: allOrigins,
  logs: [{ name: 'HAProxy HTTP log', file: 'output' }],
  file: 'haproxy.cfg',
  configuration: (context) => `
global
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option abortonclose
  retries 0
  timeout connect 400ms
  timeout server 800ms
  timeout client 5s
frontend web
  bind 127.0.0.1:${context.port}
  default_backend plain
${allOrigins
  .filter((origin) => origin !== 'plain')
  .map((origin) => `  use_backend ${origin} if { path_beg ${pathOf(origin)} }`)
  .join('\n')}
${allOrigins.map((origin) => `backend ${origin}\n  server one ${context.addresses[origin]}${isTls(origin) ? ' ssl verify required ca-file authority.pem sni str(origin.test) verifyhost origin.test' : ''}`).join('\n')}
`,
  args: () => ['-db', '-f', 'haproxy.cfg'],
};

const apacheModules = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'socache_shmcb', 'ssl'];

const apache: RealGateway = {
  name: 'apache',
  peer: 'apache2',
  origins: allOrigins,
  logs: [
    { name: 'Apache error log', file: 'error.log', hasFailuresOnly: true },
    { name: 'Apache access log (combined)', file: 'access.log' },
  ],
  file: 'httpd.conf',
  configuration: (context) => `
${apacheModules.map((name) => `LoadModule ${name}_module ${modulesOf(context)}/mod_${name}.so`).join('\n')}
DefaultRuntimeDir .
PidFile httpd.pid
ErrorLog error.log
User #65534
Group #65534
ServerName localhost
Listen 127.0.0.1:${context.port}
Timeout 5
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
CustomLog access.log combined
SSLProxyEngine on
SSLProxyVerify require
SSLProxyCACertificateFile authority.pem
SSLProxyCheckPeerName off
${lastPlain(allOrigins)
  .map((origin) => `ProxyPass "${pathOf(origin)}" "${urlOf(origin, context)}/" connectiontimeout=1 timeout=1 retry=0`)
  .join('\n')}
`,
  args: () => ['-d', '.', '-f', 'httpd.conf', '-DFOREGROUND'],
};

function modulesOf({ program }: Surroundings): string {
  return join(dirname(program), '..', 'lib', 'apache2', 'modules');
}

const caddy: RealGateway = {
  name: 'caddy',
  peer: 'caddy',
  origins: allOrigins,
  logs: [{ name: 'Caddy log', file: 'output' }],
  file: 'Caddyfile',
  configuration: (context) => `
{
	admin off
	auto_https off
}
http://:${context.port} {
	bind 127.0.0.1
	log
${allOrigins.map((origin) => caddyRoute(origin, context)).join('\n')}
}
`,
  args: () => ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
};

function caddyRoute(origin: OriginKind, context: Surroundings): string {
  const tls = isTls(origin) ? '\n\t\t\t\ttls_trusted_ca_certs authority.pem\n\t\t\t\ttls_server_name origin.test' : '';
  return `	handle ${pathOf(origin)}* {
		reverse_proxy ${urlOf(origin, context)} {
			transport http {
				dial_timeout 400ms
				response_header_timeout 800ms
				read_timeout 800ms${tls}
			}
		}
	}`;
}

const varnish: RealGateway = {
  name: 'varnish',
  peer: 'varnishd',
  // Varnish compiles its configuration.
  needs: 'gcc',
  origins: plainOrigins,
  logs: [
    { name: 'varnishlog', file: 'varnishlog' },
    { name: 'varnishncsa', file: 'varnishncsa' },
  ],
  file: 'default.vcl',
  configuration: (context) => `
vcl 4.1;
${plainOrigins.map((origin) => varnishBackend(origin, context)).join('\n')}
sub vcl_recv {
${plainOrigins.map((origin) => `  if (req.url ~ "^${pathOf(origin)}") { set req.backend_hint = ${origin}; }`).join('\n')}
  return (pass);
}
`,
  args: ({ port, folder }) => [
    ...['-F', '-j', 'none', '-n', join(folder, 'varnish'), '-f', join(folder, 'default.vcl')],
    ...['-a', `127.0.0.1:${port}`, '-s', 'malloc,16m', '-T', 'none'],
  ],
  readers: {
    peer: 'varnishlog',
    programs: [
      { name: 'varnishlog', args: ['-g', 'vxid'], file: 'varnishlog' },
      { name: 'varnishncsa', args: [], file: 'varnishncsa' },
    ],
  },
};

function varnishBackend(origin: OriginKind, { addresses }: Surroundings): string {
  const [host, port] = addresses[origin].split(':');
  return `backend ${origin} { .host = "${host}"; .port = "${port}"; .connect_timeout = 0.4s; .first_byte_timeout = 0.8s; .between_bytes_timeout = 0.8s; }`;
}

export const realGateways: readonly RealGateway[] = [nginx, haproxy, apache, varnish, caddy];

/** Null if the gateway can be started here; otherwise the reason. */
export function missingOf({ peer, readers, needs }: RealGateway): string | null {
  const peers = [peer, ...(readers === undefined ? [] : [readers.peer])].map(findPeer);
  const missing = peers.find((found) => 'missing' in found);
  if (missing !== undefined && 'missing' in missing) return missing.missing;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  if (needs === undefined || folders.some((folder) => existsSync(join(folder, needs)))) return null;
  return `${needs}, which ${peer} runs, is not here`;
}
