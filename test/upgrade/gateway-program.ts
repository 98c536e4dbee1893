import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordsIn } from '../records.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import { candorMain } from '../program.ts';

/** A gateway as a program that can be replaced: the tests overwrite the file that it runs as. */

/** Starts `main` as `bin/candor` does. */
export const programOf = (main: string): string => `await import(${JSON.stringify(main)});\n`;

/** Where a test needs no more: each further worker takes a tenth of a second of processor time in each process. */
const oneWorker = 'workers: 1\n';

/** The program without changes. */
export const goodProgram = programOf(candorMain);

const application = `
const { createServer } = require('node:http');
const { createHash } = require('node:crypto');
console.log('application', process.pid, 'begins');
createServer((request, response) => {
  if (request.url === '/download') {
    let left = 40;
    const more = () => (left-- > 0 ? (response.write('x'.repeat(1000)), setTimeout(more, 50)) : response.end());
    return more();
  }
  if (request.url === '/endless') return setInterval(() => response.write('x'.repeat(1000)), 50);
  let bytes = 0;
  request.on('data', (chunk) => (bytes += chunk.length));
  request.on('end', () => response.end(JSON.stringify({ pid: process.pid, bytes })));
})
  .on('upgrade', (request, socket) => {
    const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11');
    socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: '
      + accept.digest('base64') + '\\r\\n\\r\\n');
    socket.on('data', (bytes) => socket.write(bytes));
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
  })
  .listen(process.env.PORT, '127.0.0.1');
`;

/** How long a gateway or a program may take to reach a state: far more than either needs on a busy machine. */
const timeoutMs = 60_000;

export interface Line {
  readonly step?: string;
  readonly pid?: number;
  readonly outcome?: 'done' | 'failed';
  readonly kind?: string;
  readonly reason?: string;
  readonly errors?: readonly string[];
}

export class GatewayProgram {
  readonly folder: string;
  port = 0;
  /** Written by every process of the gateway. */
  stderr = '';
  readonly exited: Promise<number | null>;
  readonly child: ChildProcess;
  readonly #pids = new Set<number>();
  readonly #heldPort: number;

  /**
   * `settings` are lines of the configuration besides the listener, the application and its paths, in which `{folder}` is its folder. With `listeners:` among
   * them these are the listeners, and the first one must be in clear text. `heldPort`:
   * systemd-socket-activate opens a socket there, and then becomes the gateway; 0: the gateway opens it.
   * `onTerminal`: the gateway runs on a terminal of its own, whose keys are the standard input of `child`. `text`: what it runs.
   */
  constructor(settings = '', heldPort = 0, onTerminal = false, text = goodProgram) {
    this.#heldPort = heldPort;
    this.folder = mkdtempSync(join(tmpdir(), 'candor-upgrade-'));
    writeFileSync(join(this.folder, 'application.cjs'), application);
    this.install(text);
    this.configure(settings);
    const { PATH, NODE_COMPILE_CACHE = '' } = process.env;
    const env = { PATH, NODE_COMPILE_CACHE, HOME: this.folder, TMPDIR: this.folder, XDG_RUNTIME_DIR: this.folder };
    const candor = [process.execPath, join(this.folder, 'candor.mjs'), 'up'];
    const passed = Object.entries(env).flatMap(([name, value]) => ['-E', `${name}=${value}`]);
    const held = ['systemd-socket-activate', '-l', `127.0.0.1:${heldPort}`, '--fdname=http', ...passed, ...candor];
    const typed = ['script', '-qefc', `exec ${candor.join(' ')}`, '/dev/null'];
    const [program = '', ...words] = onTerminal ? typed : heldPort === 0 ? candor : held;
    this.child = spawn(program, words, {
      cwd: this.folder,
      env,
      stdio: onTerminal ? ['pipe', 'pipe', 'pipe'] : ['ignore', 'ignore', 'pipe'],
    });
    this.#pids.add(this.pid);
    (onTerminal ? this.child.stdout : this.child.stderr)?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    // The pipe stays open as long as a successor writes to it.
    this.exited = once(this.child, 'exit').then(([code]) => code as number | null);
  }

  get pid(): number {
    return this.child.pid as number;
  }

  install(program: string): void {
    writeFileSync(join(this.folder, 'candor.mjs'), program);
  }

  /** Overwrites the configuration only. */
  moveListener(port: number): void {
    const file = join(this.folder, 'candor.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/'127\.0\.0\.1:\d+'/, `'127.0.0.1:${port}'`));
  }

  configure(settings: string, applicationSettings = ''): void {
    const listeners = `listeners: { http: '127.0.0.1:${this.#heldPort}' }\n`;
    const admin = `admin: { socket: ${join(this.folder, 'admin.sock')} }\n`;
    const text =
      `${settings.includes('listeners:') ? '' : listeners}${settings.includes('admin:') ? '' : admin}` +
      `${settings.includes('workers:') ? '' : oneWorker}state: ${join(this.folder, 'state')}\nlog: { path: ${join(this.folder, 'exchanges.log')} }\n` +
      `applications:\n  web:\n    command: ['${process.execPath}', application.cjs]\n    directory: ${this.folder}\n` +
      `    readiness: { interval: 100ms, passes: 1 }\n${applicationSettings}` +
      // No service manager waits for the readiness, so the gateway need not announce it.
      `${settings.includes('drain:') ? '' : 'drain: { lame_duck: 1ms }\n'}${settings.replaceAll('{folder}', this.folder)}`;
    writeFileSync(join(this.folder, 'candor.yaml'), text);
  }

  /** Resolves when the application answers through the gateway. */
  async serves(): Promise<void> {
    await this.until(async () => existsSync(join(this.folder, 'admin.sock')));
    const { listeners } = (await this.ask('GET', '/v1/status')) as { listeners: { address: string }[] };
    this.port = Number(/\d+$/.exec(listeners[0]?.address ?? '')?.[0]);
    await this.until(async () => (await this.get('/')).status === 200);
  }

  async ask(method: string, path: string, body: object | null = null): Promise<unknown> {
    const headers = body === null ? {} : { 'Content-Type': 'application/json' };
    const options = { socketPath: join(this.folder, 'admin.sock'), method, path, headers };
    return JSON.parse((await this.#request(options, body === null ? null : JSON.stringify(body))).text);
  }

  async metrics(): Promise<string> {
    const socketPath = join(this.folder, 'admin.sock');
    return (await this.#request({ socketPath, method: 'GET', path: '/metrics' })).text;
  }

  get(path: string, body: string | null = null): Promise<{ status: number; text: string }> {
    const method = body === null ? 'GET' : 'POST';
    return this.#request({ host: '127.0.0.1', port: this.port, method, path, agent: false }, body);
  }

  /** The pid of the application. */
  async applicationPid(): Promise<number> {
    return (JSON.parse((await this.get('/')).text) as { pid: number }).pid;
  }

  async status(): Promise<{ pid: number; state: string; generation: number }> {
    return (await this.ask('GET', '/v1/status')) as { pid: number; state: string; generation: number };
  }

  /** Each line of the answer as it comes. */
  async upgrade(timeoutS = 50, onLine: (line: Line) => void = () => {}): Promise<{ status: number; lines: Line[] }> {
    const lines: Line[] = [];
    let rest = '';
    const { status, text } = await this.#request(
      { socketPath: join(this.folder, 'admin.sock'), method: 'POST', path: `/v1/upgrade?timeout=${timeoutS}` },
      null,
      (chunk) => {
        const parts = (rest + chunk).split('\n');
        rest = parts.pop() ?? '';
        for (const part of parts) {
          const line = JSON.parse(part) as Line;
          if (line.pid !== undefined) this.#pids.add(line.pid);
          lines.push(line);
          onLine(line);
        }
      },
    );
    return { status, lines: status === 200 ? lines : [JSON.parse(text) as Line] };
  }

  async until(holds: () => Promise<boolean>): Promise<void> {
    const giveUpAt = Date.now() + timeoutMs;
    // Each look is a request to the processes under test: the longer it takes, the less often.
    for (let pauseMs = 40; ; pauseMs = Math.min(250, 1.3 * pauseMs)) {
      if (await holds().catch(() => false)) return;
      const hopeless = this.port === 0 && this.child.exitCode !== null;
      if (hopeless || Date.now() > giveUpAt) throw new Error(`waited in vain:\n${this.stderr.slice(-4000)}`);
      await sleep(pauseMs);
    }
  }

  /** Every event so far, of all processes. */
  events(): {
    kind: string;
    to: string | null;
    epoch: string;
    reason: string;
    actor: string;
    evidence: Record<string, unknown>;
  }[] {
    return this.stderr
      .split('\n')
      .filter((line) => line.includes('"epoch"'))
      .map((line) => JSON.parse(line));
  }

  records(): ExchangeRecord[] {
    return recordsIn(readFileSync(join(this.folder, 'exchanges.log'), 'utf8'));
  }

  /** Ends the remaining processes of the gateway, and removes its files. */
  async end(): Promise<void> {
    const living = await this.status().catch(() => null);
    if (living !== null) process.kill(living.pid, 'SIGTERM');
    for (const pid of this.#pids) {
      const late = Date.now() + 10_000;
      while (isAlive(pid) && Date.now() < late) await sleep(20);
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #request(
    options: object,
    body: string | null = null,
    onChunk: (chunk: string) => void = () => {},
  ): Promise<{ status: number; text: string }> {
    // A kept connection would lead to the old process.
    const sent = request({ agent: false, ...options });
    sent.end(body ?? undefined);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.setEncoding('utf8');
    let text = '';
    for await (const chunk of response) {
      text += chunk;
      onChunk(chunk as string);
    }
    return { status: response.statusCode ?? 0, text };
  }
}

/** A zombie, which has ended but has not been reaped, is not alive. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
