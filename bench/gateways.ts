import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Peer } from '../scripts/peers.ts';
import { repositoryRoot } from '../scripts/repository.ts';
import { benchPort } from './ports.ts';
import { systemClock } from '../src/system/system.ts';
import { certificateAuthority } from '../src/testing/certificates.ts';
import type { Setting } from './works.ts';

/** A gateway in front of the origin, ready to be started in its own folder. */
export interface Gateway {
  readonly name: GatewayName | 'origin';
  readonly port: number;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Files that are first written into the folder: name and text. */
  readonly files: Readonly<Record<string, string>>;
}

export const gatewayNames = [
  'candor',
  'candor-no-rotation',
  'candor-no-log',
  'nginx',
  'nginx-buffered',
  'haproxy',
  'caddy',
  'apache',
  'http-proxy',
  'fastify',
  'relay',
] as const;
export type GatewayName = (typeof gatewayNames)[number];

type Program = Extract<Peer, { path: string }>;

export const originPort = benchPort(1);
/** nginx cannot echo WebSocket messages, so another program does. */
export const echoPort = benchPort(10);
/** nginx cannot read a call before it answers it by itself, so another program answers gRPC. */
export const grpcPort = benchPort(18);
/** nginx speaks FastCGI as a client alone. */
export const fastCgiPort = benchPort(0);
/** A receiver of OTLP, for configurations that export. */
export const collectorPort = benchPort(19);
const benchFolder = join(repositoryRoot, 'bench');

/** 127.0.1.1 and the following addresses all reach the same nginx. */
function originAddresses({ endpoints, grpc, fastcgi }: Setting): readonly string[] {
  if (fastcgi !== undefined) return [`127.0.0.1:${fastCgiPort}`];
  if (grpc === true) return [`127.0.0.1:${grpcPort}`];
  if (endpoints === 1) return [`127.0.0.1:${originPort}`];
  return Array.from({ length: endpoints }, (_, index) => `127.0.1.${index + 1}:${originPort}`);
}

/** The certificate of every gateway that is measured with TLS: ECDSA, P-256. */
const certificate = certificateAuthority(systemClock.wallTime())
  .intermediate('Candor Bench')
  .issue({ names: ['bench.test'] });

export function certificateFiles({ tls }: Setting): Readonly<Record<string, string>> {
  if (!tls) return {};
  const { certificate: chain, key } = certificate;
  return { 'bench.pem': chain, 'bench.key': key, 'both.pem': `${chain}${key}` };
}

/** The first path segments that are routed to the origin. */
function prefixes({ routes }: Setting): readonly string[] {
  return routes === 1 ? [''] : Array.from({ length: routes }, (_, index) => `/r${index}`);
}

export function nginxOrigin(nginx: Program): Gateway {
  const listens = [
    `127.0.0.1:${originPort}`,
    ...originAddresses({ routes: 1, endpoints: 200, tls: false, http2: false }),
  ].map((at) => `    listen ${at};`);
  const text = `# What stands behind every gateway that is measured: pages and files from memory, without a log.
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log error.log;
events { worker_connections 12000; }
http {
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 3600s;
  sendfile on;
  open_file_cache max=10;
  client_max_body_size 10m;
  client_body_buffer_size 64k;
${temporary}
  server {
${listens.join('\n')}
    default_type text/html;
    root .;
    location / {
${page('6f1ed002ab5595859014ebf0951522d9')}
    }
    location /files/ { }
    location /fresh/ {
${page('$request_id')}
    }
  }
}
`;
  const files = {
    'nginx.conf': text,
    'files/10k': 'candor. '.repeat(10 * 128),
    'files/1m': 'candor. '.repeat(1024 * 128),
    // Text that people have written: what repeats itself compresses faster than pages do.
    'files/50k': readFileSync(join(repositoryRoot, 'docs', 'configuration.md')).toString('latin1', 0, 50 * 1024),
  };
  return { name: 'origin', port: originPort, command: nginxCommand(nginx), env: nginx.env, files };
}

/** A message of gRPC: whether it is compressed, its length in four bytes, and a protobuf with one text of 40 bytes. */
export const grpcMessage = '\0\0\0\0\x2a\x0a\x28Order 1742: two boxes of tea, one coffee';

/** A page of a shop, of a few hundred bytes. */
function page(session: string): string {
  return `      add_header Cache-Control "private, max-age=0";
      add_header Set-Cookie "session=${session}; Path=/; HttpOnly";
      return 200 "<!doctype html><title>Order 1742</title><h1>Order 1742</h1><p>Two boxes of tea, one of coffee. Sent on Tuesday, expected on Thursday.</p><p><a href=/orders>All orders</a></p>";`;
}

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `  ${of}_temp_path tmp;`).join('\n');

function nginxCommand({ path }: Program): readonly string[] {
  return [path, '-p', '.', '-e', 'error.log', '-c', 'nginx.conf'];
}

/** nginx that answers by itself, without a log. */
export function nginxPage(nginx: Program, port: number, setting: Setting): Gateway {
  const text = `daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events { worker_connections 12000; }
http {
  access_log off;
  keepalive_requests 100000000;
${temporary}
  server {
    listen 127.0.0.1:${port}${setting.tls ? ' ssl' : ''};
${setting.tls ? nginxTls : ''}    default_type text/html;
    location / {
${page('6f1ed002ab5595859014ebf0951522d9')}
    }
  }
}
`;
  const files = { 'nginx.conf': text, ...certificateFiles(setting) };
  return { name: 'origin', port, command: nginxCommand(nginx), env: nginx.env, files };
}

/** Files that nginx, Caddy and Candor serve by themselves, or look for. */
function staticFiles({ files, fastcgi }: Setting): Readonly<Record<string, string>> {
  const text = (kilobytes: number): string => 'candor. '.repeat(kilobytes * 128);
  if (fastcgi !== undefined) return { 'site/hello.php': '<?php' };
  if (files !== true) return {};
  return { 'site/static/1k.txt': text(1), 'site/static/100k.txt': text(100), 'site/static/10m.txt': text(10 * 1024) };
}

/** With its default log; 'buffered': with a log in 64 KB writes, 64 KB buffers for large responses, and files without sendfile. */
export function nginxGateway(nginx: Program, setting: Setting, buffered: boolean): Gateway {
  const port = buffered ? benchPort(4) : benchPort(2);
  const pass = nginxPass(setting);
  const locations = prefixes(setting).map((prefix) => `    location ${prefix}/ { ${pass} }`);
  const text = `${nginxModules(nginx, setting)}daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log error.log;
events { worker_connections 12000; }
http {
${nginxCompression[setting.compress ?? 'none']}  access_log access.log combined${buffered ? ' buffer=64k flush=1s' : ''};
  sendfile ${setting.files === true && buffered ? 'off' : 'on'};
  tcp_nopush on;
  keepalive_requests 100000000;
  keepalive_timeout 3600s;
  ${buffered ? 'proxy_buffer_size 64k; proxy_buffers 16 64k; proxy_busy_buffers_size 128k;' : ''}
${temporary}
  upstream origin {
${originAddresses(setting)
  .map((at) => `    server ${at};`)
  .join('\n')}
    keepalive ${Math.max(64, setting.endpoints * 2)};
    keepalive_requests 100000000;
  }
  upstream echo { server 127.0.0.1:${echoPort}; }
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Request-Id $request_id;
  grpc_set_header Host $host;
  grpc_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  grpc_set_header X-Forwarded-Proto $scheme;
  grpc_set_header X-Request-Id $request_id;
  server {
    listen 127.0.0.1:${port}${setting.tls ? ' ssl' : ''}${setting.http2 ? ' http2' : ''};
${setting.tls ? nginxTls : ''}${setting.files === true ? '    location /static/ { root site; }\n' : ''}    location /echo {
      proxy_pass http://echo;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }
${locations.join('\n')}
  }
}
`;
  const name = buffered ? 'nginx-buffered' : 'nginx';
  return {
    name,
    port,
    command: nginxCommand(nginx),
    env: nginx.env,
    files: { 'nginx.conf': text, ...certificateFiles(setting), ...staticFiles(setting) },
  };
}

/** With all of its `fastcgi_params`; connections are kept only where asked for, as by default. */
function nginxPass({ grpc, fastcgi }: Setting): string {
  if (grpc === true) return 'grpc_pass grpc://origin;';
  if (fastcgi === undefined) return 'proxy_pass http://origin;';
  const variables = [
    ...[
      'SCRIPT_FILENAME $document_root$fastcgi_script_name',
      'QUERY_STRING $query_string',
      'REQUEST_METHOD $request_method',
    ],
    ...['CONTENT_TYPE $content_type', 'CONTENT_LENGTH $content_length', 'SCRIPT_NAME $fastcgi_script_name'],
    ...['REQUEST_URI $request_uri', 'DOCUMENT_URI $document_uri', 'DOCUMENT_ROOT $document_root'],
    ...['SERVER_PROTOCOL $server_protocol', 'REQUEST_SCHEME $scheme', 'GATEWAY_INTERFACE CGI/1.1'],
    ...['SERVER_SOFTWARE nginx', 'REMOTE_ADDR $remote_addr', 'REMOTE_PORT $remote_port', 'SERVER_ADDR $server_addr'],
    ...['SERVER_PORT $server_port', 'SERVER_NAME $server_name', 'REDIRECT_STATUS 200'],
  ].map((one) => `fastcgi_param ${one};`);
  const pass =
    fastcgi === 'kept' ? 'fastcgi_keep_conn on; fastcgi_pass origin' : `fastcgi_pass 127.0.0.1:${fastCgiPort}`;
  return `root site; ${variables.join(' ')} ${pass};`;
}

const nginxCompression = {
  none: '',
  gzip: '  gzip on;\n  gzip_comp_level 1;\n  gzip_proxied any;\n',
  br: '  brotli on;\n  brotli_comp_level 4;\n',
} as const;

/** Of Debian's package libnginx-mod-http-brotli-filter. */
function nginxModules({ path }: Program, { compress }: Setting): string {
  const folder = join(dirname(path), '..', 'lib', 'nginx', 'modules');
  return compress === 'br' ? `load_module ${folder}/ngx_http_brotli_filter_module.so;\n` : '';
}

/** Sessions are resumed by tickets, as Candor does it; OpenSSL's default ciphers. */
const nginxTls = `    ssl_certificate bench.pem;
    ssl_certificate_key bench.key;
    ssl_protocols TLSv1.2 TLSv1.3;
`;

export function haproxyGateway({ path, env }: Program, setting: Setting): Gateway {
  const port = benchPort(5);
  const many = setting.routes > 1;
  const text = `global
  nbthread 1
  maxconn 9000
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option forwardfor
  timeout connect 5s
  timeout client 1h
  timeout server 60s
  timeout tunnel 1h
frontend web
  bind 127.0.0.1:${port}${haproxyProtocol(setting)}
  http-request set-header X-Request-Id %[uuid()]
  use_backend echo if { path /echo }
${many ? '  use_backend %[path,map_beg(routes.map,origin)]' : '  default_backend origin'}
backend origin
  http-reuse always
${originAddresses(setting)
  .map((at, index) => `  server s${index} ${at}${setting.grpc === true ? ' proto h2' : ''}`)
  .join('\n')}
backend echo
  server e 127.0.0.1:${echoPort}
`;
  const map = prefixes(setting).map((prefix) => `${prefix}/ origin`);
  const files = {
    'haproxy.cfg': text,
    ...certificateFiles(setting),
    ...(many ? { 'routes.map': `${map.join('\n')}\n` } : {}),
  };
  return { name: 'haproxy', port, command: [path, '-f', 'haproxy.cfg'], env, files };
}

function haproxyProtocol({ tls, http2 }: Setting): string {
  if (tls) return ` ssl crt both.pem alpn ${http2 ? 'h2' : 'http/1.1'}`;
  return http2 ? ' proto h2' : '';
}

export function caddyGateway({ path, env }: Program, setting: Setting): Gateway {
  const port = benchPort(6);
  const scheme = setting.grpc === true ? 'h2c://' : '';
  const to = originAddresses(setting)
    .map((at) => scheme + at)
    .join(' ');
  const proxies = prefixes(setting).map(
    (prefix) =>
      `\thandle ${prefix}/* {\n\t\t${setting.fastcgi !== undefined ? `root * site\n\t\tphp_fastcgi ${to}` : `reverse_proxy ${to}`}\n\t}`,
  );
  const text = `{
	admin off
	auto_https off${setting.http2 ? '\n\tservers {\n\t\tprotocols h1 h2 h2c\n\t}' : ''}
}
${setting.tls ? 'https' : 'http'}://:${port} {
	bind 127.0.0.1${setting.tls ? '\n\ttls bench.pem bench.key' : ''}
	log {
		output file access.log
	}
${setting.compress === 'gzip' ? '\tencode {\n\t\tgzip 1\n\t}\n' : ''}	handle /echo {
		reverse_proxy 127.0.0.1:${echoPort}
	}
${setting.files === true ? '\thandle /static/* {\n\t\troot * site\n\t\tfile_server\n\t}\n' : ''}${proxies.join('\n')}
}
`;
  const command = [path, 'run', '--config', 'Caddyfile', '--adapter', 'caddyfile'];
  return {
    name: 'caddy',
    port,
    command,
    env: { ...env, XDG_DATA_HOME: '.' },
    files: { Caddyfile: text, ...certificateFiles(setting), ...staticFiles(setting) },
  };
}

export function apacheGateway({ path, env }: Program, setting: Setting): Gateway {
  const port = benchPort(7);
  const modules = join(path, '..', '..', 'lib', 'apache2', 'modules');
  const names = [
    'mpm_event',
    'authz_core',

    'slotmem_shm',
    'lbmethod_byrequests',
    'proxy',
    'proxy_balancer',
    'proxy_http',
  ];
  const passes = prefixes(setting).map((prefix) => `ProxyPass "${prefix}/" "balancer://origin/"`);
  const text = `${names.map((name) => `LoadModule ${name}_module ${join(modules, `mod_${name}.so`)}`).join('\n')}
DefaultRuntimeDir .
PidFile httpd.pid
ErrorLog error.log
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-agent}i\\"" combined
CustomLog access.log combined
User #65534
Group #65534
ServerName localhost
Listen 127.0.0.1:${port}
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 3600
ServerLimit 250
ThreadsPerChild 25
MaxRequestWorkers 6250
StartServers 4
<Proxy "balancer://origin">
${originAddresses(setting)
  .map((at) => `  BalancerMember "http://${at}"`)
  .join('\n')}
</Proxy>
ProxyPass "/echo" "http://127.0.0.1:${echoPort}/echo" upgrade=websocket
${passes.join('\n')}
`;
  return {
    name: 'apache',
    port,
    command: [path, '-d', '.', '-f', 'httpd.conf', '-DFOREGROUND'],
    env,
    files: { 'httpd.conf': text },
  };
}

/** `folder` contains the npm packages that `npm-proxy.mjs` loads. They route nothing and log nothing. */
export function npmGateway(name: 'http-proxy' | 'fastify', folder: string): Gateway {
  const port = name === 'fastify' ? benchPort(9) : benchPort(8);
  const command = [
    process.execPath,
    join(benchFolder, 'npm-proxy.mjs'),
    name,
    folder,
    String(port),
    String(originPort),
    String(echoPort),
  ];
  return { name, port, command, env: { NODE_ENV: 'production' }, files: {} };
}

/**
 * The log of a Candor that is measured. 'amortized' rotates far more often than the default, so that each run of some seconds has its
 * share of rotations and none has all of one.
 */
export type LogVariant = 'default' | 'amortized' | 'unrotated' | 'none';

/** A default log of 100 MiB is rotated after some 143,000 exchanges, which is every third run of 3 s. */
export const amortizedRotateMiB = 8;

const logLines: Readonly<Record<LogVariant, string>> = {
  default: '  path: candor.log',
  amortized: `  path: candor.log\n  rotate_at: ${amortizedRotateMiB}MiB`,
  unrotated: '  path: candor.log\n  rotate_at: none',
  none: '  path: none',
};

export interface CandorOptions {
  readonly workers?: number;
  readonly nodeFlags?: readonly string[];
  readonly log?: LogVariant;
  readonly name?: Extract<GatewayName, 'candor' | 'candor-no-rotation' | 'candor-no-log'>;
  readonly port?: number;
  /** Further lines of the configuration. */
  readonly configuration?: string;
  /** The folder of the Node that PATH names first: that of this process unless given. */
  readonly nodeFolder?: string;
}

function candorListener(port: number, { tls, http2 }: Setting): string {
  if (!tls && !http2) return `  http: 127.0.0.1:${port}`;
  const certificates = 'tls: { certificates: [{ certificate_file: bench.pem, key_file: bench.key }] }';
  return `  web:\n    bind: 127.0.0.1:${port}\n    http2: ${http2}\n${tls ? `    ${certificates}` : ''}`;
}

const candorCompression = {
  none: '',
  gzip: 'compress: { codings: gzip, levels: { gzip: 1 } }\n',
  br: 'compress: { codings: br, levels: { br: 4 } }\n',
} as const;

/** More than the load has connections. */
const kept = '\n    connections: { reuse: always, max: 100 }';

function protocolLine({ grpc, fastcgi }: Setting): string {
  return grpc === true
    ? '\n    http2: true'
    : fastcgi !== undefined
      ? `\n    protocol: fastcgi${fastcgi === 'kept' ? kept : ''}`
      : '';
}

/** `program` is the folder of an installed package, or the repository for unbuilt source. */
export function candorGateway(program: string, setting: Setting, options: CandorOptions = {}): Gateway {
  const { workers = 1, nodeFlags = [], log = 'default', name = 'candor', port = benchPort(3) } = options;
  const { configuration = '', nodeFolder = dirname(process.execPath) } = options;
  const routes = prefixes(setting).map(
    (prefix) =>
      `  - { path: "${prefix === '' ? '/' : prefix}", to: origin${setting.fastcgi !== undefined ? ', php: { root: ./site }' : ''} }`,
  );
  const text = `# As a newcomer would have it: the defaults, and the log into a file.
deployment: bench
workers: ${workers}
listeners:
${candorListener(port, setting)}
client:
  connections_max: 12000
  connections_per_address_max: none
${setting.tls ? '  tls_handshake_rate_max: none\n' : ''}upstreams:
  origin:
    endpoints: ${JSON.stringify(originAddresses(setting))}${protocolLine(setting)}
  echo:
    endpoints: ["127.0.0.1:${echoPort}"]
routes:
  - { path: /echo, to: echo }
${setting.files === true ? '  - { path: /static, files: ./site }\n' : ''}${routes.join('\n')}
admin:
  socket: none
log:
${logLines[log]}
${candorCompression[setting.compress ?? 'none']}${configuration}
`;
  const bin = join(program, 'bin', 'candor');
  // As a shell starts it: it chooses its flags itself, unless they are given.
  const node = nodeFlags.length === 0 ? [] : [process.execPath, '--disable-sigusr1', ...nodeFlags];
  const env = { PATH: `${nodeFolder}:${process.env['PATH'] ?? ''}` };
  return {
    name,
    port,
    command: [...node, bin, 'up', '-c', 'candor.yaml'],
    env,
    files: { 'candor.yaml': text, ...certificateFiles(setting), ...staticFiles(setting) },
  };
}

/** The cost of reading and writing alone, with the flags of a gateway on one core: bytes are forwarded without being parsed. */
export function relay(): Gateway {
  return {
    name: 'relay',
    port: benchPort(11),
    command: [process.execPath, '--single-threaded-gc', '--v8-pool-size=1', join(benchFolder, 'relay.ts')],
    env: {},
    files: {},
  };
}
