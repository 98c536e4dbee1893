import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { eventOfJson } from '../../src/core/event-json.ts';
import type { Event, EventKind } from '../../src/core/event.ts';
import { until } from './start-from-yaml.ts';
import { candorProgram } from '../program.ts';

/** A certificate in the status of the admin API. */
interface CertificateLine {
  readonly name: string;
  readonly state: string;
  readonly not_after: string | null;
  readonly renew_at: string | null;
  readonly failure: { readonly reason: string; readonly next_step: string } | null;
}

/** The folder of a gateway, with its configuration and its state: they outlive its processes. */
export class GatewayFolder {
  readonly path: string;
  readonly #started: RunningGateway[] = [];
  readonly #program: string;

  /** `files`: by name. */
  constructor(context: TestContext, files: Readonly<Record<string, string>> = {}, program: string = candorProgram) {
    this.#program = program;
    this.path = mkdtempSync(join(tmpdir(), 'candor-folder-'));
    context.after(async () => {
      await Promise.all(this.#started.map((gateway) => gateway.stop()));
      rmSync(this.path, { recursive: true, force: true });
    });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.path, name), text);
  }

  /** Runs `candor up` with this configuration, in a process of its own. Resolves when it serves. */
  async start(yaml: string, environment: Readonly<Record<string, string>> = {}): Promise<RunningGateway> {
    const name = `candor-${performance.now()}`;
    const socket = join(this.path, `${name}.sock`);
    const workers = yaml.includes('workers:') ? '' : 'workers: 1\n';
    const own = `admin: { socket: ${socket} }\nlog: { path: none }\n${workers}`;
    const state = yaml.includes('state:') ? '' : `state: ${join(this.path, 'state')}\n`;
    const configuration = join(this.path, `${name}.yaml`);
    writeFileSync(configuration, own + state + yaml);
    const command = [this.#program, 'up', '-c', configuration];
    const child = spawn(process.execPath, command, {
      env: { ...process.env, XDG_RUNTIME_DIR: this.path, ...environment },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const gateway = new RunningGateway(child, socket, (text) => writeFileSync(configuration, own + state + text));
    this.#started.push(gateway);
    // The admin API opens after the listeners.
    const served = (): boolean => existsSync(socket) || child.exitCode !== null;
    await until('the gateway serves', served, 30_000);
    if (child.exitCode !== null) throw new Error(`candor up ended with ${child.exitCode}:\n${gateway.stderr}`);
    return gateway;
  }
}

export class RunningGateway {
  stderr = '';
  readonly #child: ChildProcess;
  readonly socket: string;
  readonly #exited: Promise<unknown>;
  readonly #configure: (yaml: string) => void;

  constructor(child: ChildProcess, socket: string, configure: (yaml: string) => void) {
    this.#configure = configure;
    this.#child = child;
    this.socket = socket;
    this.#exited = once(child, 'exit');
    child.stderr?.setEncoding('utf8').on('data', (text: string) => void (this.stderr += text));
  }

  eventsOf<K extends EventKind>(kind: K): Extract<Event, { kind: K }>[] {
    const lines = this.stderr.split('\n').slice(0, -1);
    const events = lines.filter((line) => line.includes(`"${kind}"`)).map((line) => eventOfJson(JSON.parse(line)));
    return events.filter((event): event is Extract<Event, { kind: K }> => event.kind === kind);
  }

  /** The certificates that the gateway obtains by itself, as its admin API lists them. */
  async certificates(): Promise<readonly CertificateLine[]> {
    return ((await this.ask('/v1/status')) as { certificates: CertificateLine[] }).certificates;
  }

  /** What its admin API answers. `body`: of a change; absent: it is only asked. */
  async ask(path: string, body?: object): Promise<unknown> {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const method = body === undefined ? 'GET' : 'POST';
    const sent = request({ socketPath: this.socket, path, method, headers });
    sent.end(body === undefined ? '' : JSON.stringify(body));
    const [response] = (await once(sent, 'response')) as [AsyncIterable<Buffer>];
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part);
    return JSON.parse(Buffer.concat(parts).toString()) as unknown;
  }

  /** Overwrites the configuration and lets the gateway read it. */
  async reload(yaml: string): Promise<void> {
    const count = this.eventsOf('configuration_applied').length;
    this.#configure(yaml);
    this.#child.kill('SIGHUP');
    await until('the configuration is reloaded', () => this.eventsOf('configuration_applied').length > count);
  }

  /** Ends it as the kernel does where memory is short. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** Ends it as an operator does. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await this.#exited;
    clearTimeout(late);
  }
}
