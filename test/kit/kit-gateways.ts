import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findPeer, preparePeer } from '../../scripts/peers.ts';
import { freePort } from '../free-port.ts';
import { candorMain } from '../program.ts';

/** A gateway in front of two addresses, as its documentation asks for with two instances. */
export interface KitGateway {
  readonly port: number;
  stop(): Promise<void>;
}

interface Recipe {
  readonly file: string;
  readonly text: (port: number, endpoints: readonly number[]) => string;
  readonly command: () => { readonly path: string; readonly args: readonly string[]; readonly env?: NodeJS.ProcessEnv };
}

/** Of all gateways that check at all. */
export const checkMs = 250;

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `  ${of}_temp_path tmp;`);

const recipes: Readonly<Record<string, Recipe>> = {
  candor: {
    file: 'candor.yaml',
    text: (port, endpoints) => `listeners: { http: "127.0.0.1:${port}" }
admin: { socket: ./admin.sock }
log: { path: none }
workers: 1
upstreams:
  app:
    endpoints: [${endpoints.map((one) => `"127.0.0.1:${one}"`).join(', ')}]
    check: { path: /readyz, interval: ${checkMs}ms }
    drain_signal: true
routes: [{ to: app }]
`,
    command: () => ({ path: process.execPath, args: [candorMain, 'up'] }),
  },
  // Without checks, which nginx does not have: a refused connection leads to the other endpoint.
  nginx: {
    file: 'nginx.conf',
    text: (port, endpoints) => `daemon off;
pid nginx.pid;
error_log error.log;
events { }
http {
  access_log off;
${temporary.join('\n')}
  upstream app {
${endpoints.map((one) => `    server 127.0.0.1:${one} fail_timeout=1s;`).join('\n')}
    keepalive 32;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Request-Id $request_id;
    }
  }
}
`,
    command: () => peerCommand('nginx', ['-p', '.', '-e', 'error.log', '-c', 'nginx.conf']),
  },
  haproxy: {
    file: 'haproxy.cfg',
    text: (port, endpoints) => `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout check 2s
  retries 3
  option redispatch
listen app
  bind 127.0.0.1:${port}
  option httpchk GET /readyz
  http-reuse safe
${endpoints.map((one, at) => `  server app${at} 127.0.0.1:${one} check inter ${checkMs}ms fall 2 rise 1`).join('\n')}
`,
    command: () => peerCommand('haproxy', ['-db', '-f', 'haproxy.cfg']),
  },
};

export const kitGatewayNames: readonly string[] = Object.keys(recipes);

function peerCommand(name: 'nginx' | 'haproxy', args: readonly string[]): ReturnType<Recipe['command']> {
  const found = findPeer(name);
  const peer = 'path' in found ? found : preparePeer(name, console.error);
  if (!('path' in peer)) throw new Error(peer.missing);
  return { path: peer.path, args, env: { ...process.env, ...peer.env } };
}

/** Resolves once it answers from an endpoint. */
export async function startKitGateway(name: string, endpoints: readonly number[]): Promise<KitGateway> {
  const { file, text, command } = recipes[name] as Recipe;
  const folder = mkdtempSync(join(tmpdir(), `candor-kit-${name}-`));
  mkdirSync(join(folder, 'tmp'));
  const port = await freePort();
  writeFileSync(join(folder, file), text(port, endpoints));
  const { path, args, env = process.env } = command();
  const child = watched(spawn(path, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] }));
  let errors = '';
  child.stderr.on('data', (bytes: Buffer) => (errors += bytes.toString()));
  const stop = async (): Promise<void> => {
    await endProcess(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await answers(port, '/', () => child.exitCode === null);
  } catch {
    await stop();
    throw new Error(`${name} does not answer: ${errors.slice(-2000)}`);
  }
  return { port, stop };
}

/** Resolves once the path is answered by 200. */
export async function answers(port: number, path: string, mayGoOn: () => boolean = () => true): Promise<void> {
  const asked = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(2000) }).then(
      async (response) => (await response.text()) !== '' && response.ok,
      () => false,
    );
  for (const giveUpAt = Date.now() + 120_000; !(await asked()); await sleep(20))
    if (Date.now() > giveUpAt || !mayGoOn()) throw new Error(`port ${port} does not answer ${path}`);
}

const running = new Set<ChildProcess>();

/** Where the program that started it is ended itself, nothing stays behind. */
export function watched<T extends ChildProcess>(child: T): T {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

export function killWatched(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Its exit code: null where it had to be killed. */
export async function endProcess(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await exited;
    clearTimeout(late);
  }
  return child.exitCode;
}
