import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { candorMain } from '../test/program.ts';
import { toolOptions } from '../test/tool-options.ts';

const usage = `usage: npm run bench:deploys [-- --language <node|python> --ends <gracefully|at_once> --deploys <n> --rate <n>]

Deploys an application again and again while clients ask it: GET and POST on connections that are kept, a WebSocket, and a
download that takes five seconds. Prints what failed, and how long a release took from ready to its first request.

  --language <text>  node (default) or python
  --ends <text>      what the program does at SIGTERM: gracefully (default) or at_once
  --deploys <n>      (20)
  --rate <n>         requests a second (300)

It ends with 0 where nothing failed.

example: npm run bench:deploys -- --language python --ends at_once --deploys 5
`;

const {
  language = 'node',
  ends = 'gracefully',
  deploys,
  rate,
} = toolOptions(usage, ['language', 'ends'], {
  deploys: 20,
  rate: 300,
});

const nodeProgram = (version: string): string => `
const { createServer } = require('node:http');
const { createHash } = require('node:crypto');
const server = createServer((request, response) => {
  response.setHeader('X-Version', '${version}');
  if (request.url === '/download') {
    let left = 50;
    const more = () => (left-- > 0 ? (response.write('x'.repeat(1000)), setTimeout(more, 100)) : response.end());
    return more();
  }
  request.resume().on('end', () => response.end('${version}'));
});
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept.digest('base64') + '\\r\\n\\r\\n');
  socket.on('data', (bytes) => socket.write(bytes)).on('error', () => {});
});
server.listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => ${ends === 'at_once' ? 'process.exit(0)' : '(server.close(() => process.exit(0)), server.closeIdleConnections())'});
`;

const pythonProgram = (version: string): string => `
import os, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *_): pass
    def answer(self):
        length = int(self.headers.get('Content-Length') or 0)
        if length: self.rfile.read(length)
        self.send_response(200)
        self.send_header('X-Version', '${version}')
        if self.path == '/download':
            self.send_header('Content-Length', '50000')
            self.end_headers()
            for _ in range(50):
                self.wfile.write(b'x' * 1000)
                time.sleep(0.1)
            return
        body = b'${version}'
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer
server = ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler)
server.daemon_threads = ${ends === 'at_once' ? 'True' : 'False'}
def stop(*_):
    ${ends === 'at_once' ? 'os._exit(0)' : 'threading.Thread(target=lambda: (server.shutdown(), server.server_close(), os._exit(0))).start()'}
signal.signal(signal.SIGTERM, stop)
server.serve_forever()
`;

const isPython = language === 'python';
const file = isPython ? 'server.py' : 'server.cjs';
const programOf = isPython ? pythonProgram : nodeProgram;
const folder = mkdtempSync(join(tmpdir(), 'candor-deploys-'));
const socketPath = join(folder, 'admin.sock');

const failures = new Map<string, number>();
let [sent, downloads, messages] = [0, 0, 0];
let isOver = false;
const fail = (what: string): void => void failures.set(what, (failures.get(what) ?? 0) + 1);

/** When each version answered first. */
const firstAnswers = new Map<string, number>();

function ask(options: object, body: string | null, wanted: number | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...options }, (response) => {
      let bytes = 0;
      let text = '';
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes < 1e6) text += chunk.toString();
      });
      response.on('end', () => {
        const version = String(response.headers['x-version'] ?? '');
        if (version !== '' && !firstAnswers.has(version)) firstAnswers.set(version, Date.now());
        if (response.statusCode !== 200 && response.statusCode !== 202)
          reject(new Error(`status ${response.statusCode}: ${text.slice(0, 300)}`));
        else if (wanted !== null && bytes !== wanted) reject(new Error(`${bytes} of ${wanted} bytes`));
        else resolve(text);
      });
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body ?? undefined);
  });
}

const admin = async (method: string, path: string, body: object | null = null): Promise<unknown> =>
  JSON.parse(
    await ask(
      { socketPath, method, path, agent: false, headers: { 'Content-Type': 'application/json' } },
      body === null ? null : JSON.stringify(body),
      null,
    ),
  ) as unknown;

interface Shown {
  readonly rollout: { readonly state: string } | null;
  readonly last: { readonly to: string; readonly state: string; readonly reason: string } | null;
}

async function run(): Promise<boolean> {
  for (const at of ['first', 'next']) mkdirSync(join(folder, at));
  writeFileSync(join(folder, 'first', file), programOf('v0'));
  const command = isPython ? ['python3', file] : [process.execPath, file];
  writeFileSync(
    join(folder, 'candor.yaml'),
    `state: ./state\nlisteners: { http: "127.0.0.1:0" }\nadmin: { socket: ${socketPath} }\nlog: { path: none }\ndrain: { timeout: 20s }\n` +
      `applications:\n  web:\n    command: ${JSON.stringify(command)}\n    directory: ./first\n    instances: 2\n    readiness: { path: /, interval: 50ms }\n` +
      `    releases: { bake: 2s, warm: none }\nroutes: [{ to: web }]\n`,
  );
  const gateway = spawn(process.execPath, [candorMain, 'up'], { cwd: folder, stdio: ['ignore', 'ignore', 'ignore'] });
  try {
    const port = await untilServing();
    const agent = new Agent({ keepAlive: true, maxSockets: 64 });
    const at = { host: '127.0.0.1', port, agent };
    const asking = askSteadily(at);
    const others = [download(at), ...(isPython ? [] : [socketOf(port)])];
    const readyToTraffic: number[] = [];
    for (let number = 1; number <= deploys; number++) readyToTraffic.push(await deploy(number));
    isOver = true;
    await Promise.all([asking, ...others]);
    const sorted = readyToTraffic.toSorted((a, b) => a - b);
    const count = [...failures.values()].reduce((sum, one) => sum + one, 0);
    console.log(
      `${language}, ${ends}: ${deploys} deploys, ${sent} requests at ${rate}/s, ${downloads} downloads, ${messages} messages of a WebSocket: ${count} failed`,
    );
    for (const [what, one] of failures) console.log(`  ${one} times: ${what}`);
    console.log(
      `  from ready to the first request: median ${sorted[Math.floor(sorted.length / 2)]} ms, most ${sorted.at(-1)} ms`,
    );
    return count === 0;
  } finally {
    gateway.kill('SIGTERM');
    await new Promise((resolve) => gateway.once('exit', resolve));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function untilServing(): Promise<number> {
  for (let looks = 0; looks < 600; looks++) {
    try {
      const { listeners } = (await admin('GET', '/v1/status')) as { listeners: { address: string }[] };
      const port = Number(/\d+$/.exec(listeners[0]?.address ?? '')?.[0]);
      await ask({ host: '127.0.0.1', port, path: '/', agent: false }, null, null);
      return port;
    } catch {
      await sleep(50);
    }
  }
  throw new Error('the gateway does not serve');
}

async function askSteadily(at: object): Promise<void> {
  const open = new Set<Promise<void>>();
  const began = performance.now();
  for (let count = 0; !isOver; count++) {
    const dueMs = (count * 1000) / rate - (performance.now() - began);
    if (dueMs > 1) await sleep(dueMs);
    const isPost = count % 5 === 0;
    const one: Promise<void> = ask({ ...at, method: isPost ? 'POST' : 'GET', path: '/' }, isPost ? 'order' : null, null)
      .catch((error: unknown) => fail(`${isPost ? 'POST' : 'GET'}: ${String(error)}`))
      .then(() => void open.delete(one));
    open.add(one);
    sent += 1;
  }
  await Promise.all(open);
}

async function download(at: object): Promise<void> {
  while (!isOver) {
    await ask({ ...at, method: 'GET', path: '/download' }, null, 50_000).catch((error: unknown) =>
      fail(`download: ${String(error)}`),
    );
    downloads += 1;
  }
}

/** A WebSocket ends with its release, by a close frame or the end of the connection; a message that was sent before is answered. */
async function socketOf(port: number): Promise<void> {
  while (!isOver) {
    const socket = connect(port, '127.0.0.1');
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => {});
    let isOpen = false;
    socket.on('data', (bytes) => {
      if (!isOpen && bytes.toString('latin1').startsWith('HTTP/1.1 101')) isOpen = true;
      else if (!isOpen) fail(`WebSocket: ${bytes.toString('latin1').slice(0, 40)}`);
      else messages += 1;
    });
    socket.write(
      'GET /socket HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    const sending = setInterval(() => {
      if (isOver) socket.destroy();
      else if (isOpen) socket.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    }, 50);
    await closed;
    clearInterval(sending);
  }
}

/** Returns the time from the moment at which the release was ready to its first response. */
async function deploy(number: number): Promise<number> {
  const version = `v${number}`;
  writeFileSync(join(folder, 'next', file), programOf(version));
  await admin('POST', '/v1/releases/deploy', {
    application: 'web',
    name: version,
    from: { kind: 'folder', path: join(folder, 'next') },
  });
  for (;;) {
    const { applications } = (await admin('GET', '/v1/releases')) as { applications: Shown[] };
    const { rollout, last } = applications[0] as Shown;
    if (rollout === null && last?.to === version) {
      if (last.state !== 'promoted') fail(`the release was ${last.state}: ${last.reason}`);
      break;
    }
    await sleep(50);
  }
  const { events } = (await admin('GET', '/v1/events?since=1h')) as {
    events: { kind: string; at: string; to: string | null; evidence: { release?: string } }[];
  };
  const firstAt = firstAnswers.get(version) ?? Infinity;
  const readyAt = Math.max(
    ...events.flatMap(({ kind, at }) =>
      kind === 'instance_ready' && Date.parse(at) <= firstAt + 1 ? [Date.parse(at)] : [],
    ),
  );
  process.stderr.write(`${version} is in force\n`);
  return Math.max(0, firstAt - readyAt);
}

process.exitCode = (await run()) ? 0 : 1;
