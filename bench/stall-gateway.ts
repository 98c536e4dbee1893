import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadFigures, LoadPlan } from './stall-load.ts';
import type { StallRound, ThreadStall } from './stall-report.ts';

const workers = 2;
const hosts = 50;

/** What the configuration of a measured gateway has. */
export interface StallConfiguration {
  readonly routes: number;
  readonly endpoints: number;
  /** The port on which all endpoints listen. */
  readonly port: number;
  readonly check: string;
  /** The address of the name server that knows `pool.test`. */
  readonly dns: string;
  /** Changes a route and an upstream. */
  readonly version: number;
  /** The same for all routes. */
  readonly commitDelayMs: number;
}

export function endpointAddresses(endpoints: number): string[] {
  return Array.from({ length: endpoints }, (_, index) => `127.1.${index >> 7}.${(index & 127) + 1}`);
}

/** Ten endpoints to an upstream, and one upstream whose endpoints have a name. */
function configurationText(folder: string, wanted: StallConfiguration): string {
  const { routes, port, check, dns, version, commitDelayMs } = wanted;
  const addresses = endpointAddresses(wanted.endpoints);
  const upstreams = Math.max(1, Math.round(addresses.length / 10));
  const lines = [
    `log: { path: ${join(folder, 'candor.log')} }`,
    // When the machine is busy elsewhere, the load opens further connections.
    'client: { connections_per_address_max: none }',
    `admin: { socket: ${join(folder, 'admin.sock')} }`,
    `workers: ${workers}`,
    'state: none',
    'listeners: { http: "127.0.0.1:0" }',
    `commit_delay: ${commitDelayMs}ms`,
    `dns: { servers: ["${dns}"], allow: [127.0.0.0/8] }`,
    'upstreams:',
    `  named: { check: none, endpoints: ["pool.test:${port}"] }`,
  ];
  for (let upstream = 0; upstream < upstreams; upstream++) {
    const own = addresses.filter((_, index) => index % upstreams === upstream);
    const kept = upstream === 0 && version % 2 === 1 && own.length > 1 ? own.slice(1) : own;
    const endpoints = kept.map((host) => `"${host}:${port}"`).join(', ');
    lines.push(`  up${upstream}: { check: ${check}, endpoints: [${endpoints}] }`);
  }
  lines.push('routes:', `  - { path: /version, respond: { status: 200, body: "${version}" } }`);
  lines.push('  - { path: /named, to: named }');
  for (let route = 0; route < routes; route++)
    lines.push(`  - { host: h${route % hosts}.example.org, path: /p${route}, to: up${route % upstreams} }`);
  return `${lines.join('\n')}\n`;
}

interface AdminAnswer {
  readonly status: number;
  readonly bytes: number;
  readonly text: string;
}

/** A gateway of two workers with the probe in each of its threads. */
export class MeasuredGateway {
  readonly folder: string;
  #process: ChildProcess | null = null;
  #output = '';

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Resolves when the gateway serves. */
  static async start(configuration: StallConfiguration): Promise<MeasuredGateway> {
    const gateway = new MeasuredGateway(await mkdtemp(join(tmpdir(), 'candor-stalls-')));
    await gateway.write(configuration);
    gateway.#spawn();
    await gateway.#untilServing();
    return gateway;
  }

  #spawn(): void {
    const probe = join(import.meta.dirname, 'stall-probe.ts');
    const program = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');
    const file = join(this.folder, 'candor.yaml');
    const profile = process.env['STALLS_PROFILE'];
    const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    this.#process = spawn(process.execPath, [...flags, '--import', probe, program, 'up', '-c', file], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.on('data', (text: Buffer) => {
        this.#output = `${this.#output}${text.toString()}`.slice(-20_000);
      });
  }

  async #untilServing(): Promise<void> {
    for (let look = 0; look < 1200; look++) {
      const ready = await this.ask('GET', '/v1/ready').catch(() => null);
      if (ready?.status === 200) return;
      if (this.#process?.exitCode !== null) break;
      await sleep(50);
    }
    throw new Error(`the gateway does not serve:\n${this.#output.slice(-2000)}`);
  }

  async write(configuration: StallConfiguration): Promise<void> {
    await writeFile(join(this.folder, 'candor.yaml'), configurationText(this.folder, configuration));
  }

  /** Asks the admin API over its socket. Throws if the answer is no success, except that of readiness. */
  ask(method: 'GET' | 'POST', path: string, body: object | null = null): Promise<AdminAnswer> {
    return new Promise((resolve, reject) => {
      const headers = body === null ? {} : { 'Content-Type': 'application/json' };
      const sent = request({ socketPath: join(this.folder, 'admin.sock'), method, path, agent: false, headers });
      sent.on('error', reject);
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          resolve({ status: response.statusCode ?? 0, bytes: bytes.length, text: bytes.toString() });
        });
      });
      sent.end(body === null ? undefined : JSON.stringify(body));
    });
  }

  /** The port of its listener. */
  async port(): Promise<number> {
    const { text } = await this.ask('GET', '/v1/status');
    const { listeners } = JSON.parse(text) as { listeners: { address: string }[] };
    return Number(listeners[0]?.address.split(':').at(-1));
  }

  /** What the threads measure during `action` and a while after it. */
  async measure(action: () => Promise<number>, settleMs: number): Promise<StallRound> {
    const child = this.#process;
    if (child === null) throw new Error('the gateway has not been started');
    const threads: ThreadStall[] = [];
    const note = (one: unknown): void => void threads.push(one as ThreadStall);
    child.send('begin');
    await sleep(10);
    const bytes = await action();
    await sleep(settleMs);
    child.on('message', note);
    child.send('report');
    for (let look = 0; look < 500 && threads.length < workers + 1; look++) await sleep(10);
    child.off('message', note);
    if (threads.length < workers + 1) throw new Error('a thread of the gateway has not reported');
    return { threads, bytes };
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child?.exitCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(process.env['STALLS_PROFILE'] === undefined ? 'SIGKILL' : 'SIGTERM');
      await ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The process of `stall-load.ts`. */
export class Load {
  readonly #process: ChildProcess;

  constructor(addresses: readonly string[]) {
    const program = join(import.meta.dirname, 'stall-load.ts');
    this.#process = spawn(process.execPath, [program, JSON.stringify(addresses)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  /** Resolves with the port of the endpoints when all of them listen. */
  async endpointPort(): Promise<number> {
    return (await this.#answer<{ port: number }>()).port;
  }

  #answer<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error('the process with the endpoints has ended'));
      this.#process.once('exit', ended);
      this.#process.once('message', (message) => {
        this.#process.off('exit', ended);
        resolve(message as T);
      });
    });
  }

  run(plan: Omit<LoadPlan, 'hosts'>): void {
    this.#process.send({ ...plan, hosts } satisfies LoadPlan);
  }

  /** The figures since the last call. */
  async figures(): Promise<LoadFigures> {
    const answer = this.#answer<LoadFigures>();
    this.#process.send('report');
    return answer;
  }

  stop(): void {
    this.#process.removeAllListeners('exit');
    this.#process.kill('SIGKILL');
  }
}
