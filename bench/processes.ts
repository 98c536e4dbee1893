import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program, pinned to one core if one is given. */
export interface Pinned {
  readonly process: ChildProcess;
  readonly pid: number;
}

const running = new Set<ChildProcess>();
let refusesStarts = false;

/** From now on no program is started. For Ctrl-C: the measurement goes on while its programs end, and would start its next one. */
export function refuseStarts(): void {
  refusesStarts = true;
}

function needStarts(): void {
  if (refusesStarts) throw new Error('interrupted');
}

/** Its output goes to `said.log` in `cwd`. Without a core it may use all. */
export function startPinned(
  core: number | null,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Pinned {
  needStarts();
  const said = openSync(join(cwd, 'said.log'), 'a');
  const all = core === null ? command : ['taskset', '-c', String(core), ...command];
  const child = spawn(all[0] as string, all.slice(1), {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', said, said],
  });
  if (child.pid === undefined) throw new Error(`${command[0]} could not be started; is taskset (util-linux) here?`);
  running.add(child);
  return { process: child, pid: child.pid };
}

/**
 * The standard output of a program, run on the given core. Rejects if it does not end with 0. 'background': any other program
 * of that core runs first (SCHED_IDLE of sched(7), which needs no privilege).
 */
export async function ask(
  core: number,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  priority: 'usual' | 'background' = 'usual',
): Promise<string> {
  needStarts();
  // In a test of the measurement itself other tests keep both cores busy, and a program of the background would get none.
  const isBackground = priority === 'background' && process.env['CANDOR_BENCH_TRIAL'] === undefined;
  const prefix = isBackground ? ['chrt', '-i', '0'] : [];
  const child = spawn('taskset', ['-c', String(core), ...prefix, ...command], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const said = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said[0] += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said[1] += text));
  const [code] = (await once(child, 'close')) as [number | null];
  running.delete(child);
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${(said[1] || said[0])?.slice(-300)}`);
  return said[0] as string;
}

/**
 * Sends SIGTERM to every started process and waits for its end, since its port is taken until then. Sends SIGKILL after 5 s,
 * for a gateway that waits for connections in use.
 */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(end));
}

export async function stop({ process: child }: Pinned): Promise<void> {
  await end(child);
}

async function end(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await Promise.race([exited, sleep(5000, null, { ref: false })]);
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await exited;
}

/** Resolves when a program listens. Rejects after 30 s, or when the program has ended. */
export async function waitForPort(port: number, started: Pinned, name: string): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (started.process.exitCode !== null) break;
    if (await listensFor(port)) return;
    await sleep(50);
  }
  throw new Error(
    `${name} does not listen on port ${port}${started.process.exitCode === null ? '' : `: it ended with ${started.process.exitCode}, and its said.log in .cache/bench has why`}`,
  );
}

/** Candor listens for less than a millisecond before it starts, to learn whether the port is taken: a connection of that moment says nothing. */
async function listensFor(port: number): Promise<boolean> {
  if (!(await accepts(port))) return false;
  await sleep(20);
  return accepts(port);
}

export async function accepts(port: number): Promise<boolean> {
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

export const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** User and system time of a process, its threads and its children, in microseconds, with the resolution of a clock tick. */
export function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the command is in parentheses and may contain spaces, so fields are counted from behind it (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const own = ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? own : children.split(' ').reduce((sum, child) => sum + cpuMicroseconds(Number(child)), own);
}

/** Memory of a process and its children; shared pages count once for each. */
export function residentBytes(pid: number): number {
  const own = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? own : children.split(' ').reduce((sum, child) => sum + residentBytes(Number(child)), own);
}
