import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passTime } from 'node:timers/promises';
import { repositoryRoot } from '../../scripts/repository.ts';
import type { ExchangeRecord } from '../../src/core/record.ts';
import { parseRecord } from '../../src/record/parse-record.ts';
import { freePort } from '../readme/free-port.ts';

/** A gateway as it is installed: a process of its own, with the defaults, a log, and one upstream. */
export class GatewayProcess {
  readonly port: number;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, port: number, folder: string) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.port = port;
    this.#folder = folder;
  }

  /** Resolves when it listens. `origin`: host and port. */
  static async start(origin: string, timeouts: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'candor-soak-'));
    const port = await freePort();
    writeFileSync(join(folder, 'candor.yaml'), configurationOf(port, origin, timeouts));
    const child = spawn(process.execPath, [join(repositoryRoot, 'bin', 'candor'), 'up', '-c', 'candor.yaml'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (said = (said + text).slice(-2000)));
    for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt++) {
      if (await accepts(port)) return new GatewayProcess(child, port, folder);
      await passTime(50);
    }
    child.kill('SIGKILL');
    throw new Error(`the gateway does not listen: ${said}`);
  }

  /** Resident octets of the process, all its threads included. */
  residentOctets(): number {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1];
    return Number(kib ?? 0) * 1024;
  }

  /** What its log tells so far. */
  records(): readonly ExchangeRecord[] {
    const lines = readFileSync(join(this.#folder, 'candor.log'), 'utf8').split('\n');
    return lines.flatMap((line) => {
      const parsed = parseRecord(line);
      return parsed.ok ? [parsed.record] : [];
    });
  }

  /** Ends it; its log stays readable until `remove`. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await Promise.race([exited, passTime(15_000, null, { ref: false })]);
    this.#child.kill('SIGKILL');
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function configurationOf(port: number, origin: string, timeouts: Readonly<Record<string, string>>): string {
  const limits = Object.entries(timeouts).map(([name, value]) => `      ${name}: ${value}`);
  return [
    `listeners: { http: "127.0.0.1:${port}" }`,
    `upstreams: { origin: { endpoints: ["${origin}"], check: none } }`,
    'routes:',
    '  - path: /',
    '    to: origin',
    ...(limits.length === 0 ? [] : ['    timeouts:', ...limits]),
    'admin: { socket: none }',
    'log: { path: candor.log }',
    '',
  ].join('\n');
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
