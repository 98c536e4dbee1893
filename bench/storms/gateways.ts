import { dirname, join } from 'node:path';
import { needPeer, type Program } from '../tools.ts';
import type { Gateway } from '../gateways.ts';
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
  /** How long an attempt may take until the response head. */
  readonly attemptTimeoutMs: number;
}

export const gatewayPort = benchPort(2);

export function originPorts({ endpoints }: StormSetting): readonly number[] {
  return Array.from({ length: endpoints }, (_, index) => benchPort(15 + index));
}

/**
 * Each gateway with the same limits of time, health checks where it has them, two attempts, and what it has against origins that fail.
 * `candor` is the folder of the program.
 */
export function stormGateway(name: StormGateway, setting: StormSetting, candor: string): Gateway {
  if (name === 'candor') return candorGateway(candor, setting);
  const peer = needPeer(name);
  return { nginx: nginxGateway, haproxy: haproxyGateway, caddy: caddyGateway }[name](peer, setting);
}

function candorGateway(program: string, setting: StormSetting): Gateway {
  const { concurrency, retriesStatus500, attemptTimeoutMs } = setting;
  const endpoints = originPorts(setting).map((port) => `127.0.0.1:${port}`);
  const text = `deployment: storms
workers: 1
listeners:
  http: 127.0.0.1:${gatewayPort}
client:
  connections_max: 12000
  connections_per_address_max: none
timeouts: { connect: 1s, response_head: 2s }
upstreams:
  origin:
    endpoints: ${JSON.stringify(endpoints)}
    check: { path: /healthz, interval: 1s }
${concurrency === null ? '' : `    connections: { max: ${concurrency} }\n`}${retriesStatus500 ? '    outlier_detection: { server_errors: true }\n' : ''}retry: { attempt_timeout: ${attemptTimeoutMs}ms${retriesStatus500 ? ', statuses: [500]' : ''} }
admin:
  socket: none
log:
  path: candor.log
`;
  return {
    name: 'candor',
    port: gatewayPort,
    command: [join(program, 'bin', 'candor'), 'up', '-c', 'candor.yaml'],
    env: { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
    files: { 'candor.yaml': text },
  };
}

function nginxGateway({ path, env }: Program, setting: StormSetting): Gateway {
  const limit = setting.concurrency === null ? '' : ` max_conns=${setting.concurrency}`;
  const text = `daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log error.log;
events { worker_connections 12000; }
http {
  access_log access.log;
${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `  ${of}_temp_path tmp;`).join('\n')}
  upstream origin {
${originPorts(setting)
  .map((port) => `    server 127.0.0.1:${port} max_fails=3 fail_timeout=2s${limit};`)
  .join('\n')}
    keepalive 64;
  }
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_connect_timeout 1s;
  proxy_read_timeout ${setting.attemptTimeoutMs}ms;
  proxy_send_timeout 2s;
  proxy_next_upstream error timeout${setting.retriesStatus500 ? ' http_500' : ''};
  proxy_next_upstream_tries 2;
  server {
    listen 127.0.0.1:${gatewayPort};
    location / { proxy_pass http://origin; }
  }
}
`;
  const command = [path, '-p', '.', '-e', 'error.log', '-c', 'nginx.conf'];
  return { name: 'nginx', port: gatewayPort, command, env, files: { 'nginx.conf': text } };
}

function haproxyGateway({ path, env }: Program, setting: StormSetting): Gateway {
  const limit = setting.concurrency === null ? '' : ` maxconn ${setting.concurrency} maxqueue 64`;
  const text = `global
  nbthread 1
  maxconn 9000
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  option http-buffer-request
  timeout http-request 60s
  timeout connect 1s
  timeout client 60s
  timeout server ${setting.attemptTimeoutMs}ms
  timeout queue 2s
  retries 1
  option redispatch 1
  retry-on conn-failure empty-response junk-response response-timeout${setting.retriesStatus500 ? ' 500' : ''}
frontend web
  bind 127.0.0.1:${gatewayPort}
  default_backend origin
backend origin
  http-reuse always
  http-request disable-l7-retry if METH_POST
  option httpchk GET /healthz
  default-server check inter 1s fall 3 rise 2 observe layer7 error-limit 10 on-error mark-down${limit}
${originPorts(setting)
  .map((port, index) => `  server s${index} 127.0.0.1:${port}`)
  .join('\n')}
`;
  return {
    name: 'haproxy',
    port: gatewayPort,
    command: [path, '-f', 'haproxy.cfg'],
    env,
    files: { 'haproxy.cfg': text },
  };
}

function caddyGateway({ path, env }: Program, setting: StormSetting): Gateway {
  const to = originPorts(setting).map((port) => `127.0.0.1:${port}`);
  const limit = setting.concurrency === null ? '' : `\n\t\tunhealthy_request_count ${setting.concurrency}`;
  const status = setting.retriesStatus500 ? '\n\t\tunhealthy_status 500' : '';
  const text = `{
	admin off
	auto_https off
}
http://:${gatewayPort} {
	bind 127.0.0.1
	log {
		output file access.log
	}
	reverse_proxy ${to.join(' ')} {
		lb_policy least_conn
		lb_try_duration 5s
		health_uri /healthz
		health_interval 1s
		fail_duration 2s
		max_fails 3${limit}${status}
		transport http {
			dial_timeout 1s
			response_header_timeout ${setting.attemptTimeoutMs}ms
		}
	}
}
`;
  return {
    name: 'caddy',
    port: gatewayPort,
    command: [path, 'run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
    env: { ...env, XDG_DATA_HOME: '.' },
    files: { Caddyfile: text },
  };
}
