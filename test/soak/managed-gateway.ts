import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passTime } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { statusOfJson } from '../../src/cli/gateway-lookup.ts';
import { askAdmin } from '../../src/cli/admin-client.ts';
import type { LostRecord } from '../../src/core/record.ts';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import type { GatewayStatus } from '../../src/core/schemas/status.ts';
import { systemClock } from '../../src/system/system.ts';
import { parseRecord } from '../../src/record/parse-record.ts';
import type { ThreadSnapshot, InspectionRequest } from './inspector-server.ts';
import { packedProgram as ownProgram } from '../program.ts';

/** How a worker ends: it throws, it exits, or it loops for ever. */
const deaths = {
  throws: 'setTimeout(() => { throw new RangeError("on purpose") }, 0)',
  exits: 'setTimeout(() => process.exit(3), 0)',
  hangs: 'setTimeout(() => { for (;;); }, 0)',
} as const;

export type Death = keyof typeof deaths;

/** Longer than any step takes on a busy machine. */
const timeoutMs = 60_000;

/**
 * A gateway as it is installed, in its own folder. It can get another configuration, lose workers, and be upgraded:
 * whichever process serves is the gateway.
 */
export class ManagedGateway {
  readonly folder: string;
  /** Every process that has served, in order. */
  readonly pids: number[] = [];
  readonly #program: string;
  readonly #adminSocket: string;

  private constructor(folder: string, program: string) {
    this.folder = folder;
    this.#program = program;
    this.#adminSocket = join(folder, 'candor.sock');
  }

  /**
   * Resolves when the gateway serves. `configuration` needs neither `admin`, `state` nor `log`: they are in its folder,
   * with `files`, texts by name.
   */
  static async start(
    configuration: string,
    program: string = ownProgram,
    files: Readonly<Record<string, string>> = {},
  ): Promise<ManagedGateway> {
    const gateway = new ManagedGateway(mkdtempSync(join(tmpdir(), 'candor-soak-')), program);
    gateway.configure(configuration);
    const { folder } = gateway;
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const errors = openSync(join(folder, 'stderr'), 'a');
    // Its own process group: Ctrl-C in this terminal does not reach it, and the group identifies its remaining
    // processes.
    const child = spawn(process.execPath, [program, 'up', '-c', 'candor.yaml'], {
      cwd: folder,
      stdio: ['ignore', errors, errors],
      env: { ...process.env, NODE_OPTIONS: `--import=${inspector}`, CANDOR_SOAK_INSPECTOR: join(folder, 'door') },
      detached: true,
    });
    closeSync(errors);
    child.unref();
    gateway.pids.push(child.pid ?? 0);
    process.once('exit', () => gateway.#breakOff());
    try {
      await gateway.#until('it serves', async () => {
        if (!isRunning(gateway.pid)) throw new Error(`the gateway has ended: ${gateway.said()}`);
        return (await gateway.status())?.state === 'serving';
      });
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  get pid(): number {
    return this.pids.at(-1) ?? 0;
  }

  configure(configuration: string): void {
    const own = ['admin: { socket: ./candor.sock }', 'log: { path: ./candor.log, rotate_at: none }', 'state: ./state'];
    writeFileSync(join(this.folder, 'candor.yaml'), `${configuration}\n${own.join('\n')}\n`);
  }

  /** Null if the gateway does not answer. */
  async status(): Promise<GatewayStatus | null> {
    const answer = await askAdmin({ kind: 'socket', path: this.#adminSocket }, 'GET', '/v1/status', systemClock);
    return answer.ok && answer.status === 200 ? statusOfJson(answer.body) : null;
  }

  /** Null if the gateway does not answer with 200 or 202. */
  async admin<T>(method: 'GET' | 'POST', path: string, body: object | null = null): Promise<T | null> {
    const answer = await askAdmin({ kind: 'socket', path: this.#adminSocket }, method, path, systemClock, null, body);
    return answer.ok && (answer.status === 200 || answer.status === 202) ? (answer.body as T) : null;
  }

  /** The pid of each ready instance that Candor has started. */
  async applications(): Promise<readonly number[]> {
    const instances = (await this.status())?.applications.flatMap((application) => application.instances) ?? [];
    return instances.flatMap(({ phase, pid }) => (phase === 'ready' && pid !== null ? [pid] : []));
  }

  /** Resolves when so many instances are ready. */
  async applicationsReady(count: number): Promise<void> {
    await this.#until('applications are ready', async () => (await this.applications()).length === count);
  }

  /** Null if the configuration was applied, otherwise the reason. */
  async reload(): Promise<string | null> {
    const answer = await askAdmin({ kind: 'socket', path: this.#adminSocket }, 'POST', '/v1/reload', systemClock);
    if (!answer.ok) return `no answer: ${answer.why}`;
    return answer.status === 200 ? null : JSON.stringify(answer.body);
  }

  /** Ends one worker, and resolves when it has been replaced: null, or the reason if it was not. */
  async endWorker(which: number, death: Death): Promise<string | null> {
    const before = await this.status();
    // A retiring worker is not replaced when it ends.
    const wanted = before?.workers.filter(({ state }) => state === 'serving').length ?? 0;
    const lostBefore = this.#workersLost();
    const answer = (await this.#ask({ do: 'run', which, expression: deaths[death] })) as { failed?: string };
    if (answer.failed !== undefined) return answer.failed;
    const replaced = await this.#eventually(async () => {
      if (this.#workersLost() <= lostBefore) return false;
      const workers = (await this.status())?.workers ?? [];
      return workers.filter(({ state }) => state === 'serving').length >= wanted;
    });
    return replaced ? null : 'the worker was not replaced';
  }

  /** `candor upgrade`: null if the successor serves and the predecessor has ended, otherwise the output. */
  async upgrade(): Promise<string | null> {
    const before = this.pid;
    const { code, said } = await this.#run('upgrade', '-c', 'candor.yaml');
    if (code !== 0) return `candor upgrade ended with ${code}: ${said}`;
    const moved = await this.#eventually(async () => {
      const status = await this.status();
      return status !== null && status.pid !== before && status.state === 'serving';
    });
    const pid = (await this.status())?.pid ?? 0;
    if (pid !== 0 && pid !== before) this.pids.push(pid);
    if (!moved) return `process ${before} has no successor: ${said}`;
    const gone = await this.#eventually(() => Promise.resolve(!isRunning(before)));
    return gone ? null : `process ${before} has not ended`;
  }

  /** How many of these events it has reported. */
  #workersLost(): number {
    return readFileSync(join(this.folder, 'stderr'), 'utf8').split('"kind":"worker_lost"').length - 1;
  }

  /** The handles that keep its threads alive, the main thread first. */
  async look(): Promise<readonly ThreadSnapshot[]> {
    const looks = (await this.#ask({ do: 'look' })) as readonly ThreadSnapshot[] | { failed: string };
    if ('failed' in looks) throw new Error(looks.failed);
    return looks;
  }

  /** Open descriptors of the process. */
  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Resident bytes of the process with all its threads. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  }

  async metrics(): Promise<string> {
    // The answer is in Prometheus' text format, which `askAdmin` does not read.
    const { request } = await import('node:http');
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: this.#adminSocket, path: '/metrics', agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => void (text += part));
        response.on('end', () => resolve(text)).on('error', reject);
      });
      sent.on('error', reject).end();
    });
  }

  /** The log so far: exchanges, and lost workers. */
  log(): { readonly exchanges: readonly ExchangeRecord[]; readonly lost: readonly LostRecord[] } {
    const exchanges: ExchangeRecord[] = [];
    const lost: LostRecord[] = [];
    for (const line of readFileSync(join(this.folder, 'candor.log'), 'utf8').split('\n')) {
      const parsed = parseRecord(line);
      if (parsed.ok) exchanges.push(parsed.record);
      else if (parsed.reason === 'other_kind' && line.includes('"kind":"lost"'))
        lost.push(JSON.parse(line) as LostRecord);
    }
    return { exchanges, lost };
  }

  /** The end of its standard error. */
  said(): string {
    return readFileSync(join(this.folder, 'stderr'), 'utf8').slice(-3000);
  }

  /** Ends the gateway gracefully; its log stays readable until `remove`. */
  async stop(): Promise<void> {
    signal(this.pid, 'SIGTERM');
    await this.#eventually(() => Promise.resolve(!isRunning(this.pid)), 30_000);
    this.#breakOff();
  }

  /** Kills all of its processes at once, including a successor that has not reported anything yet. */
  #breakOff(): void {
    for (const name of readdirSync('/proc')) {
      if (/^\d+$/.test(name) && isOurs(Number(name), this.folder)) signal(Number(name), 'SIGKILL');
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #ask(request: InspectionRequest): Promise<unknown> {
    const socket = connect(`${join(this.folder, 'door')}-${this.pid}`).setEncoding('utf8');
    let text = '';
    socket.on('data', (part: string) => void (text += part));
    socket.write(`${JSON.stringify(request)}\n`);
    await once(socket, 'close');
    return JSON.parse(text);
  }

  #run(...words: readonly string[]): Promise<{ code: number | null; said: string }> {
    const child = spawn(process.execPath, [this.#program, ...words], {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part: string) => void (said += part));
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, said: said.trim().slice(-2000) })));
  }

  async #until(what: string, met: () => Promise<boolean>): Promise<void> {
    if (!(await this.#eventually(met))) throw new Error(`not within ${timeoutMs / 1000} s: ${what}; ${this.said()}`);
  }

  async #eventually(met: () => Promise<boolean>, limitMs: number = timeoutMs): Promise<boolean> {
    const limit = performance.now() + limitMs;
    while (!(await met())) {
      if (performance.now() > limit) return false;
      await passTime(25);
    }
    return true;
  }
}

const inspector = pathToFileURL(join(import.meta.dirname, 'inspector-server.ts')).href;

/** A zombie has ended; its parent may not have reaped it. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** Whether `pid` is the gateway of this folder, or a process that it has started. */
function isOurs(pid: number, folder: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`CANDOR_SOAK_INSPECTOR=${join(folder, 'door')}\0`);
  } catch {
    return false;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // The process has ended.
  }
}
