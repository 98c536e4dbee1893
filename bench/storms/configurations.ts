import { benchPort } from '../ports.ts';

export const stormGateways = ['candor', 'nginx', 'haproxy', 'caddy'] as const;
export type StormGateway = (typeof stormGateways)[number];

/** What a storm asks of the configuration. Everything else is the same in all storms. */
export interface StormSetting {
  readonly endpoints: number;
  /** How many requests an origin handles at a time, where the gateway is told; null where it is not. */
  readonly concurrency: number | null;
  /** Whether a 500 of an origin is tried at another one. */
  readonly retriesStatus500: boolean;
  /** How long an attempt may take until the response head, before the next one is made; null: 2 s, without a next one where that can be said. */
  readonly attemptTimeoutMs: number | null;
  /** Whether the gateway finds out by itself how many requests an origin bears. Of these gateways only Candor can. */
  readonly adaptive: boolean;
  /** Whether a slow GET is sent to a second origin too. Of these gateways only Candor can. */
  readonly hedge: boolean;
}

export const usualSetting: StormSetting = {
  endpoints: 3,
  concurrency: null,
  retriesStatus500: false,
  attemptTimeoutMs: null,
  adaptive: false,
  hedge: false,
};

/** How many requests wait at a gateway that is told how many an origin handles: the default of Candor. */
const queueMax = 64;

export const gatewayPort = benchPort(2);

export function originPorts({ endpoints }: StormSetting): readonly number[] {
  return Array.from({ length: endpoints }, (_, index) => benchPort(15 + index));
}

interface Configuration {
  readonly file: string;
  readonly text: (setting: StormSetting) => string;
}

/**
 * Each gateway with the same limits of time, a health check each second where it has checks, retries of what may be repeated, a wait for an
 * origin that restarts where it can wait, and what it has against origins that fail. The others have round robin, because an origin that fails
 * at once has the fewest requests in flight.
 */
export const configurations: Readonly<Record<StormGateway, Configuration>> = {
  candor: { file: 'candor.yaml', text: candorText },
  nginx: { file: 'nginx.conf', text: nginxText },
  haproxy: { file: 'haproxy.cfg', text: haproxyText },
  caddy: { file: 'Caddyfile', text: caddyText },
};

/** Leaves out lines that are null. */
function lines(all: readonly (string | null)[]): string {
  return `${all.filter((line) => line !== null).join('\n')}\n`;
}

function candorText(setting: StormSetting): string {
  const { concurrency, retriesStatus500, attemptTimeoutMs, adaptive, hedge } = setting;
  const retry = attemptTimeoutMs === null ? [] : [`attempt_timeout: ${attemptTimeoutMs}ms`];
  if (retriesStatus500) retry.push('statuses: [500]');
  if (hedge) retry.push('hedge: true');
  return lines([
    'deployment: storms',
    'workers: 1',
    'listeners:',
    `  http: 127.0.0.1:${gatewayPort}`,
    'client:',
    '  connections_max: 12000',
    '  connections_per_address_max: none',
    'timeouts: { connect: 1s, response_head: 2s }',
    'upstreams:',
    '  origin:',
    '    endpoints:',
    ...originPorts(setting).map((port) => `      - 127.0.0.1:${port}`),
    '    check: { path: /healthz, interval: 1s }',
    concurrency === null ? null : `    connections: { max: ${concurrency} }`,
    adaptive ? '    concurrency: { adaptive: true }' : null,
    retriesStatus500 ? '    outlier_detection: { server_errors: true }' : null,
    retry.length === 0 ? null : `retry: { ${retry.join(', ')} }`,
    'admin: { socket: none }',
    'log: { path: candor.log }',
  ]);
}

/** nginx has no health checks, and does not wait for an origin. Its limit has no queue: what it lets through waits in the origin. */
function nginxText(setting: StormSetting): string {
  const { concurrency, retriesStatus500, attemptTimeoutMs } = setting;
  return lines([
    'daemon off;',
    'worker_processes 1;',
    'worker_rlimit_nofile 20000;',
    'pid nginx.pid;',
    'error_log error.log;',
    'events { worker_connections 12000; }',
    'http {',
    '  access_log access.log;',
    ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `  ${of}_temp_path tmp;`),
    concurrency === null ? null : '  limit_conn_zone $server_name zone=all:1m;',
    '  upstream origin {',
    ...originPorts(setting).map((port) => `    server 127.0.0.1:${port} max_fails=3 fail_timeout=2s;`),
    '    keepalive 64;',
    '  }',
    '  proxy_http_version 1.1;',
    '  proxy_set_header Connection "";',
    '  proxy_connect_timeout 1s;',
    `  proxy_read_timeout ${attemptTimeoutMs ?? 2000}ms;`,
    '  proxy_send_timeout 2s;',
    `  proxy_next_upstream error timeout invalid_header${retriesStatus500 ? ' http_500' : ''};`,
    '  proxy_next_upstream_tries 3;',
    '  server {',
    `    listen 127.0.0.1:${gatewayPort};`,
    '    error_page 503 @refused;',
    '    location @refused { internal; add_header Retry-After 1 always; return 503; }',
    '    location / {',
    concurrency === null ? null : `      limit_conn all ${concurrency + queueMax};`,
    '      proxy_pass http://origin;',
    '    }',
    '  }',
    '}',
  ]);
}

/** HAProxy waits between retries at the same server, for as long as `timeout connect`: that is how it waits for a single one that restarts. */
function haproxyText(setting: StormSetting): string {
  const { concurrency, endpoints, retriesStatus500, attemptTimeoutMs } = setting;
  const isSingle = endpoints === 1;
  const check = 'check inter 1s fastinter 250ms downinter 250ms fall 3 rise 2';
  const observe = 'observe layer7 error-limit 10 on-error mark-down';
  return lines([
    'global',
    '  nbthread 1',
    '  maxconn 9000',
    '  log stdout format raw local0',
    'defaults',
    '  mode http',
    '  log global',
    '  option httplog',
    '  option http-buffer-request',
    '  timeout http-request 60s',
    '  timeout connect 1s',
    '  timeout client 60s',
    `  timeout server ${attemptTimeoutMs ?? 2000}ms`,
    '  timeout queue 2s',
    '  timeout check 2s',
    `  retries ${isSingle ? 5 : 2}`,
    '  option redispatch 1',
    isSingle
      ? '  retry-on conn-failure empty-response'
      : `  retry-on conn-failure empty-response junk-response response-timeout${retriesStatus500 ? ' 500' : ''}`,
    'frontend web',
    `  bind 127.0.0.1:${gatewayPort}`,
    '  http-after-response set-header Retry-After 1 if { status 503 }',
    '  default_backend origin',
    'backend origin',
    '  http-reuse always',
    '  http-request disable-l7-retry if METH_POST',
    isSingle ? null : '  option httpchk GET /healthz',
    isSingle ? null : `  default-server ${check} ${observe}`,
    concurrency === null ? null : `  default-server maxconn ${concurrency} maxqueue ${queueMax}`,
    ...originPorts(setting).map((port, index) => `  server s${index} 127.0.0.1:${port}`),
  ]);
}

/** Caddy has no queue: beyond the limit of an origin it looks again each `lb_try_interval`, for as long as `lb_try_duration`. */
function caddyText(setting: StormSetting): string {
  const { concurrency, retriesStatus500, attemptTimeoutMs } = setting;
  return lines([
    '{',
    '\tadmin off',
    '\tauto_https off',
    '}',
    `http://:${gatewayPort} {`,
    '\tbind 127.0.0.1',
    '\tlog {',
    '\t\toutput file access.log',
    '\t}',
    '\thandle_errors {',
    '\t\t@refused expression `{err.status_code} == 503`',
    '\t\theader @refused Retry-After 1',
    '\t\trespond {err.status_code}',
    '\t}',
    `\treverse_proxy ${originPorts(setting)
      .map((port) => `127.0.0.1:${port}`)
      .join(' ')} {`,
    '\t\tlb_policy round_robin',
    `\t\tlb_try_duration ${concurrency === null ? '5s' : '500ms'}`,
    `\t\tlb_try_interval ${concurrency === null ? '100ms' : '25ms'}`,
    '\t\thealth_uri /healthz',
    '\t\thealth_interval 1s',
    '\t\thealth_timeout 2s',
    '\t\tfail_duration 2s',
    '\t\tmax_fails 3',
    concurrency === null ? null : `\t\tunhealthy_request_count ${concurrency}`,
    retriesStatus500 ? '\t\tunhealthy_status 500' : null,
    '\t\tbuffer_requests',
    '\t\tbuffer_responses',
    '\t\tmax_buffer_size 256KB',
    '\t\ttransport http {',
    '\t\t\tdial_timeout 1s',
    `\t\t\tresponse_header_timeout ${attemptTimeoutMs ?? 2000}ms`,
    '\t\t}',
    '\t}',
    '}',
  ]);
}
