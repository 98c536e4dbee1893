import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventOfJson } from '../../src/core/event-json.ts';
import { freePort } from '../free-port.ts';
import { until } from './start-from-yaml.ts';
import { packedProgram as program } from '../program.ts';

/** An event as the process prints it on standard error. */
export interface ReportedEvent {
  readonly kind: string;
  readonly to: string | null;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** What tests read of the status. */
interface GatewayStatusJson {
  readonly verdict: { readonly state: string; readonly reason: string };
  readonly problems: readonly { readonly kind: string; readonly reason: string; readonly next_step: string }[];
  readonly incidents: readonly unknown[];
  readonly workers: readonly { readonly exchanges_active: number }[];
}

/** Runs `candor up` in its own process, for tests that measure the process: memory, descriptors. */
export class OwnProcess {
  readonly port: number;
  readonly events: ReportedEvent[] = [];
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, port: number, folder: string) {
    this.#child = child;
    this.port = port;
    this.#folder = folder;
    let rest = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines)
        if (line.startsWith('{')) this.events.push(eventOfJson(JSON.parse(line)) as unknown as ReportedEvent);
    });
  }

  /**
   * Resolves when the gateway serves. `files`: how many files it may open. With `tls`, the settings of TLS of its listener,
   * that listener is called `https`; paths in it are absolute. `http2`: the listener speaks HTTP/2 too. `probe`: a module that each thread
   * loads first. `hasAdmin`: `status` may be asked.
   */
  static async start(
    yaml: string,
    files = 4096,
    tls: string | null = null,
    http2 = false,
    probe: string | null = null,
    hasAdmin = false,
  ): Promise<OwnProcess> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'candor-own-'));
    const bind = `"127.0.0.1:${port}"`;
    const name = tls === null ? 'http' : 'https';
    const listener = `${name}: { bind: ${bind}, http2: ${http2}${tls === null ? '' : `, tls: { ${tls} }`} }`;
    const admin = hasAdmin ? `admin: { socket: "${join(folder, 'admin.sock')}" }` : 'admin: { socket: none }';
    const usual = `listeners: { ${listener} }\n${admin}\nlog: { path: none }\nstate: none\n`;
    writeFileSync(join(folder, 'candor.yaml'), usual + yaml);
    const command = `ulimit -n ${files} && exec "$0" "$@"`;
    const flags = probe === null ? [] : ['--import', probe];
    const args = [...flags, program, 'up', '-c', join(folder, 'candor.yaml')];
    const child = spawn('sh', ['-c', command, process.execPath, ...args], {
      stdio: ['ignore', 'ignore', 'pipe', ...(probe === null ? [] : (['ipc'] as const))],
    });
    const own = new OwnProcess(child, port, folder);
    await until('it serves', () => own.events.some(({ kind }) => kind === 'configuration_applied'), 30_000);
    return own;
  }

  /** Sends `order` to the probe. Resolves with the first `count` messages that come from it. */
  ask(order: string, count: number): Promise<readonly unknown[]> {
    const { promise, resolve } = Promise.withResolvers<readonly unknown[]>();
    const answers: unknown[] = [];
    const note = (message: unknown): void => {
      if (answers.push(message) < count) return;
      this.#child.off('message', note);
      resolve(answers);
    };
    if (count === 0) resolve([]);
    else this.#child.on('message', note);
    this.#child.send(order);
    return promise;
  }

  /** The status by the admin API. */
  async status(): Promise<GatewayStatusJson> {
    const request = get({ socketPath: join(this.#folder, 'admin.sock'), path: '/v1/status', agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part as string;
    return JSON.parse(text) as GatewayStatusJson;
  }

  /** Open descriptors. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.#child.pid}/fd`).length;
  }

  /** Bytes of memory in use. */
  get residentBytes(): number {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.#child.pid}/status`, 'utf8'))?.[1];
    return Number(kib) * 1024;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
