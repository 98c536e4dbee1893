import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { freePort } from '../../free-port.ts';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findPeer, type PeerName } from '../../../scripts/peers.ts';
import { StrictOrigin } from '../strict-origin.ts';

/** A request as an origin counted it. */
export interface SeenRequest {
  /** The id that the gateway added; '' if the origin did not read so far. */
  readonly id: string;
  readonly method: string;
  readonly target: string;
  /** The status that the origin answered; 0 if it does not report it. */
  readonly status: number;
  /** The port that the request came from, which identifies a request without an id; 0 if the origin does not report it. */
  readonly port: number;
}

/** An origin behind the gateway that counts the requests that reach it. */
interface AttackOrigin {
  readonly port: number;
  /** The requests that it has seen, in any order; read after it has stopped. */
  seen(): readonly SeenRequest[];
  /** Bytes that it could not take for exactly one request. */
  violations(): readonly string[];
  stop(): Promise<void>;
}

export interface AttackOriginKind {
  readonly name: string;
  /** Why this origin is not available here; null if it is. */
  readonly missing: string | null;
  start(): Promise<AttackOrigin>;
}

/** Each is configured as leniently as possible: an attack needs a lenient origin. */
export const originKinds: readonly AttackOriginKind[] = [
  { name: 'the strict origin', missing: null, start: startStrict },
  { name: 'node:http', missing: null, start: startNode },
  peer('nginx', 'nginx', nginxFiles, ['-p', '.', '-c', 'nginx.conf', '-e', 'error.log'], 'SIGQUIT'),
  peer('haproxy', 'HAProxy', haproxyFiles, ['-db', '-f', 'haproxy.cfg'], 'SIGUSR1'),
  peer('apache2', 'Apache', apacheFiles, ['-DFOREGROUND', '-f', 'FOLDER/apache.conf'], 'SIGWINCH'),
];

async function startStrict(): Promise<AttackOrigin> {
  const origin = await StrictOrigin.start();
  const seen = (): SeenRequest[] =>
    origin.requests.map(({ line, headers }) => {
      const [method = '', target = ''] = line.split(' ');
      return { method, target, status: 0, port: 0, id: headers.find(([name]) => name === 'x-request-id')?.[1] ?? '' };
    });
  return { port: origin.port, seen, violations: () => origin.violations, stop: () => origin.close() };
}

async function startNode(): Promise<AttackOrigin> {
  const seen: SeenRequest[] = [];
  const violations: string[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { method = '', url: target = '' } = request;
    const id = String(request.headers['x-request-id'] ?? '');
    seen.push({ id, method, target, status: 0, port: request.socket.remotePort ?? 0 });
    response.statusCode = Number(/^\/status\/(\d{3})$/.exec(target)?.[1] ?? 200);
    response.setHeader('X-Echo', id);
    request.on('end', () => response.end(`you asked ${method} ${target}\n`));
    request.on('error', () => {});
    request.resume();
  };
  const server = createHttpServer({ insecureHTTPParser: true, requireHostHeader: false, keepAliveTimeout: 0 }, answer);
  server.on('upgrade', (request: IncomingMessage, socket) => {
    const { method = '', url: target = '' } = request;
    const port = request.socket.remotePort ?? 0;
    seen.push({ id: String(request.headers['x-request-id'] ?? ''), method, target, status: 400, port });
    socket.end('HTTP/1.1 400 Not Here\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const { code = '' } = error;
    const raw = 'rawPacket' in error && Buffer.isBuffer(error.rawPacket) ? error.rawPacket.toString('latin1') : '';
    const id = /^x-request-id: (\S+)/im.exec(raw)?.[1] ?? '';
    const [method = '', target = ''] = raw.split(' ');
    if (code === 'HPE_INVALID_METHOD' && id !== '') seen.push({ id, method, target, status: 400, port: 0 });
    // A request that the gateway truncated could not be misread.
    else if (code.startsWith('HPE_') && code !== 'HPE_INVALID_EOF_STATE') violations.push(`${code}: ${raw}`);
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, seen: () => seen, violations: () => violations, stop };
}

interface PeerFiles {
  readonly files: Readonly<Record<string, string>>;
  /** Where its log is: a file of the folder, or its output. */
  readonly account: string;
}

function peer(
  program: PeerName,
  name: string,
  filesFor: (port: number, folder: string, programPath: string) => PeerFiles,
  args: readonly string[],
  /** It ends when its connections have: each writes its log line then. */
  gracefulStop: NodeJS.Signals,
): AttackOriginKind {
  const found = findPeer(program);
  const missing = 'missing' in found ? found.missing : null;
  const start = async (): Promise<AttackOrigin> => {
    if ('missing' in found) throw new Error(found.missing);
    const folder = mkdtempSync(join(tmpdir(), 'candor-origin-'));
    chmodSync(folder, 0o755);
    const port = await freePort();
    const { files, account } = filesFor(port, folder, found.path);
    mkdirSync(join(folder, 'www'));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    const child = spawn(
      found.path,
      args.map((text) => text.replace('FOLDER', folder)),
      { cwd: folder, env: { ...process.env, ...found.env }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let printed = '';
    let complained = '';
    child.stdout.on('data', (bytes: Buffer) => (printed += bytes.toString('latin1')));
    child.stderr.on('data', (bytes: Buffer) => (complained += bytes.toString('latin1')));
    await listening(port, child, () => complained);
    let text = '';
    const stop = async (): Promise<void> => {
      if (child.exitCode === null) {
        child.kill(gracefulStop);
        await once(child, 'close'); // What it printed may come behind its exit.
      }
      text = account === '' ? printed : readFileSync(join(folder, account), 'latin1');
      rmSync(folder, { recursive: true, force: true });
    };
    return { port, seen: () => accountOf(text), violations: () => [], stop };
  };
  return { name, missing, start };
}

/**
 * Lines of: id, port, status and request line, separated by tabs. HAProxy writes `<BADREQ>` as the request line of a
 * request that it refuses before it has read all of it: method and target are then unknown.
 */
function accountOf(text: string): SeenRequest[] {
  const lines = text.split('\n').filter((line) => line.includes('\t'));
  return lines.map((line) => {
    const [id = '', port = '', status = '', request = ''] = line.split('\t');
    const [method = '', target = ''] = request === '<BADREQ>' ? [] : request.split(' ');
    return { id: id === '-' ? '' : id, method, target, status: Number(status), port: Number(port) };
  });
}

function nginxFiles(port: number): PeerFiles {
  const conf = `
daemon off; master_process off; pid nginx.pid; error_log error.log;
events { worker_connections 512; }
http {
  log_format account escape=none '$http_x_request_id\t$remote_port\t$status\t$request';
  access_log access.log account;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  ignore_invalid_headers off; underscores_in_headers on; merge_slashes off;
  large_client_header_buffers 8 64k; keepalive_requests 100000;
  server {
    listen 127.0.0.1:${port};
    default_type text/plain;
    add_header X-Echo $http_x_request_id always;
    location / { return 200 "you asked $request\\n"; }
    location = /status/204 { return 204; }
    location = /status/304 { return 304; }
    location = /status/404 { return 404; }
    location = /status/426 { return 426; }
  }
}
`;
  return { files: { 'nginx.conf': conf }, account: 'access.log' };
}

function haproxyFiles(port: number): PeerFiles {
  const conf = `
global
  log stdout format raw daemon
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 1s
frontend origin
  bind 127.0.0.1:${port}
  log global
  option accept-invalid-http-request
  option http-buffer-request
  option dontlognull
  log-format "%[capture.req.hdr(0)]\t%cp\t%ST\t%r"
  http-request capture req.hdr(x-request-id) len 64
  http-after-response set-header X-Echo %[capture.req.hdr(0)]
  http-request return status 204 if { path /status/204 }
  http-request return status 304 if { path /status/304 }
  http-request return status 404 if { path /status/404 }
  http-request return status 426 if { path /status/426 }
  http-request return status 200 content-type text/plain lf-string "you asked %[method] %[path]"
`;
  return { files: { 'haproxy.cfg': conf }, account: '' };
}

function apacheFiles(port: number, folder: string, programPath: string): PeerFiles {
  const modules = join(dirname(dirname(programPath)), 'lib/apache2/modules');
  const wanted = ['mpm_event', 'authz_core', 'rewrite', 'headers', 'log_config', 'unixd'];
  // Debian's package has some of these modules built in, and no files for those.
  const load = wanted.map((name) => `LoadModule ${name}_module ${join(modules, `mod_${name}.so`)}`);
  const isRoot = process.getuid?.() === 0;
  const conf = `
ServerRoot ${folder}
ServerName origin.test
Listen 127.0.0.1:${port}
PidFile ${folder}/apache.pid
ErrorLog ${folder}/error.log
Mutex file:${folder}
${load.filter((line) => !line.includes('log_config') && !line.includes('unixd')).join('\n')}
${isRoot ? 'User nobody\nGroup nogroup' : ''}
StartServers 1
ServerLimit 1
ThreadLimit 32
ThreadsPerChild 32
MaxRequestWorkers 32
HttpProtocolOptions Unsafe
KeepAlive On
KeepAliveTimeout 30
MaxKeepAliveRequests 0
LimitRequestFields 200
LogFormat "%{X-Request-Id}i\\t%{remote}p\\t%>s\\t%r" account
CustomLog ${folder}/access.log account
DocumentRoot ${folder}/www
Header always set X-Echo "expr=%{req:X-Request-Id}"
RewriteEngine on
RewriteRule ^/status/204$ - [R=204,L]
RewriteRule ^/status/304$ - [R=304,L]
RewriteRule ^/status/404$ - [R=404,L]
RewriteRule ^/status/426$ - [R=426,L]
RewriteRule ^ /index.txt [L]
`;
  return { files: { 'apache.conf': conf, 'www/index.txt': 'you asked\n' }, account: 'access.log' };
}

/** Resolves when a process listens at the port; fails with the output of the program if it does not. */
export async function listening(port: number, child: ChildProcess, complained: () => string): Promise<void> {
  for (let look = 0; look < 500; look++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended: ${complained()}`);
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.on('connect', () => resolve(true));
      socket.on('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await sleep(20);
  }
  throw new Error(`${child.spawnfile} does not listen: ${complained()}`);
}
