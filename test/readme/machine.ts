import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

/** Folders that a machine may write to; what it writes is gone with it. */
const writable = ['etc', 'srv', 'var', 'run'];

const mounts = [
  'mount -t tmpfs candor /mnt',
  ...writable.map(
    (name) =>
      `mkdir -p /mnt/${name}/upper /mnt/${name}/work && ` +
      `mount -t overlay candor -o lowerdir=/${name},upperdir=/mnt/${name}/upper,workdir=/mnt/${name}/work /${name}`,
  ),
  'ip link set lo up',
].join(' && ');

/** Why no machines can be made here, one sentence; null: they can. */
export function whyNoMachines(): string | null {
  if (process.platform !== 'linux') return 'namespaces are of Linux';
  const tried = `${mounts} && ip link add v0 type veth peer name v1`;
  const { status, stderr, error } = spawnSync('unshare', ['--mount', '--net', 'sh', '-c', tried], { encoding: 'utf8' });
  if (status === 0) return null;
  const said = error?.message ?? stderr.trim().split('\n')[0] ?? '';
  return `no namespaces for network and mounts can be made here (this needs root, unshare, ip and overlay mounts): ${said}`;
}

export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** A machine of its own, as far as programs see it: its network, and its files below /etc, /srv, /var and /run. */
export class Machine {
  readonly #holder: ChildProcess;
  readonly #started: ChildProcess[] = [];
  environment: Readonly<Record<string, string>> = {};

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async start(context: TestContext): Promise<Machine> {
    const command = `${mounts} && echo ready && exec sleep 300`;
    const holder = spawn('unshare', ['--mount', '--net', 'sh', '-c', command], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const machine = new Machine(holder);
    context.after(() => machine.#end());
    await once(holder.stdout, 'data');
    return machine;
  }

  /** A cable between both, and an address each (with the length of its prefix). */
  async connect(own: string, other: Machine, others: string): Promise<void> {
    const made = await this.run(
      `ip link add wire type veth peer name wire netns ${other.#holder.pid} && ip addr add ${own} dev wire && ip link set wire up`,
    );
    const there = await other.run(`ip addr add ${others} dev wire && ip link set wire up`);
    if (made.code !== 0 || there.code !== 0) throw new Error(made.output + there.output);
  }

  /** A program that runs until the test is over. */
  spawn(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
    const child = spawn('nsenter', [...this.#entering, program, ...args], {
      cwd: '/',
      env: { ...process.env, ...this.environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#started.push(child);
    return child;
  }

  /** Runs a line of a shell to its end. What it starts in the background must not keep its output open. */
  async run(line: string): Promise<Ran> {
    const child = this.spawn('sh', ['-c', line]);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (bytes: Buffer) => void (output += bytes.toString()));
    const late = setTimeout(() => child.kill('SIGKILL'), 30_000);
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(late);
    return { code, output };
  }

  get #entering(): readonly string[] {
    return ['--target', String(this.#holder.pid), '--net', '--mount', '--'];
  }

  #end(): void {
    for (const child of [...this.#started, this.#holder]) if (child.exitCode === null) child.kill('SIGKILL');
  }
}
