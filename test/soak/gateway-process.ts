import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as passTime } from 'node:timers/promises';
import type { ExchangeRecord } from '../../src/core/schemas/record.ts';
import { parseRecord } from '../../src/record/parse-record.ts';
import { freePort } from '../free-port.ts';
import { packedProgram as ownProgram } from '../program.ts';

/** A gateway as it is installed: its own process, with the defaults, a log, and one upstream. */
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

  /** Resolves when it listens. `origin`: host and port. `program`: `bin/candor` of another installation. */
  static async start(origin: string, program: string = ownProgram): Promise<GatewayProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'candor-soak-'));
    const port = await freePort();
    writeFileSync(join(folder, 'candor.yaml'), configurationOf(port, origin));
    const child = spawn(process.execPath, [resolve(program), 'up', '-c', 'candor.yaml'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (said = (said + text).slice(-2000)));
    for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt++) {
      if (await answers(port)) return new GatewayProcess(child, port, folder);
      await passTime(50);
    }
    child.kill('SIGKILL');
    throw new Error(`the gateway does not listen: ${said}`);
  }

  /** Resident bytes of the process with all its threads. */
  residentBytes(): number {
    return this.#status('VmRSS');
  }

  /** Resets the peak: from here on `peakBytes` is the largest resident size. Linux records it, and misses no peak. */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.pid}/clear_refs`, '5');
  }

  /** The largest resident size since `forgetPeak`. */
  peakBytes(): number {
    return this.#status('VmHWM');
  }

  #status(header: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const kib = new RegExp(`^${header}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    if (kib === undefined) throw new Error(`/proc/${this.pid}/status has no ${header}`);
    return Number(kib) * 1024;
  }

  /** The records of its log so far. */
  records(): readonly ExchangeRecord[] {
    const lines = readFileSync(join(this.#folder, 'candor.log'), 'utf8').split('\n');
    return lines.flatMap((line) => {
      const parsed = parseRecord(line);
      return parsed.ok ? [parsed.record] : [];
    });
  }

  /** Ends the process; its log stays readable until `remove`. */
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

function configurationOf(port: number, origin: string): string {
  return [
    `listeners: { http: "127.0.0.1:${port}" }`,
    `upstreams: { origin: { endpoints: ["${origin}"], check: none } }`,
    'routes:',
    '  - path: /',
    '    to: origin',
    'admin: { socket: none }',
    'log: { path: candor.log }',
    '',
  ].join('\n');
}

/**
 * Whether the gateway answers. An accepted connection would not prove it: the gateway tries its ports before its
 * workers open them. The gateway answers a request without Host itself.
 */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write('GET / HTTP/1.1\r\nConnection: close\r\n\r\n');
    const [bytes] = (await once(socket, 'data', { signal: AbortSignal.timeout(2000) })) as [Buffer];
    return bytes.toString('latin1').startsWith('HTTP/1.1 400');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
