import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
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
  // Programs see their own processes alone.
  'mount -t proc proc /proc',
  'ip link set lo up',
].join(' && ');

/** The last one: its first process takes all others with it when it ends. */
const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child=SIGKILL'];

/** Why no machines can be made here, one sentence; null: they can. */
export function whyNoMachines(): string | null {
  if (process.platform !== 'linux') return 'namespaces are of Linux';
  const tried = `${mounts} && ip link add v0 type veth peer name v1`;
  const { status, stderr, error } = spawnSync('unshare', [...namespaces, 'sh', '-c', tried], { encoding: 'utf8' });
  if (status === 0) return null;
  const said = error?.message ?? stderr.trim().split('\n')[0] ?? '';
  return `no namespaces for network and mounts can be made here (this needs root, unshare, ip and overlay mounts): ${said}`;
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/**
 * A machine of its own, as far as programs see it: its network, its processes, and its files below /etc, /srv, /var and /run. All its
 * programs end with it.
 */
export class Machine {
  readonly #holder: ChildProcess;
  /** Its first process, as this machine numbers it. */
  #firstPid = 0;
  environment: Readonly<Record<string, string>> = {};

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async start(context: TestContext): Promise<Machine> {
    // A shell that waits for its children, and for those that have lost their parent: what has ended is then gone.
    const command = `${mounts} && echo ready && for _ in $(seq 1500); do sleep 0.2; done`;
    const holder = spawn('unshare', [...namespaces, 'sh', '-c', command], {
      stdio: ['ignore', 'pipe', 'ignore'], // It complains about its own end.
    });
    const machine = new Machine(holder);
    context.after(() => machine.#end());
    await once(holder.stdout, 'data');
    machine.#firstPid = Number(readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8'));
    return machine;
  }

  /** A cable between both, and an address each (with the length of its prefix). */
  async connect(own: string, other: Machine, others: string): Promise<void> {
    // Outside of its processes, since it numbers those of the other machine.
    const cable = [
      'ip',
      'link',
      'add',
      'wire',
      'type',
      'veth',
      'peer',
      'name',
      'wire',
      'netns',
      String(other.#firstPid),
    ];
    spawnSync('nsenter', ['--target', String(this.#firstPid), '--net', '--', ...cable]);
    const made = await this.run(`ip addr add ${own} dev wire && ip link set wire up`);
    const there = await other.run(`ip addr add ${others} dev wire && ip link set wire up`);
    if (made.code !== 0 || there.code !== 0) throw new Error(made.output + there.output);
  }

  /** A program that runs until the machine ends, or until a command of the machine ends it. */
  spawn(program: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
    return spawn('nsenter', ['--target', String(this.#firstPid), '--net', '--mount', '--pid', '--', program, ...args], {
      cwd: '/',
      env: { ...process.env, ...this.environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Runs a line of a shell to its end. What it starts in the background must not keep its output open. */
  async run(line: string): Promise<Ran> {
    const child = this.spawn('sh', ['-c', line]);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (bytes: Buffer) => void (output += bytes.toString()));
    const late = setTimeout(() => {
      output += '\n(it did not end within 30 s)';
      child.kill('SIGKILL');
      // What it has started may keep them open.
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, 30_000);
    const [code] = (await once(child, 'close')) as [number | null];
    clearTimeout(late);
    return { code, output };
  }

  #end(): void {
    // Unshare may have ended without it.
    if (this.#firstPid > 0) process.kill(this.#firstPid, 'SIGKILL');
    else this.#holder.kill('SIGKILL');
  }
}
