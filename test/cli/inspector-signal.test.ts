// Only `npm run test:complete` runs this file: it starts a gateway for each moment at which a signal may come. `npm test` has
// the signals of `serving.test.ts` and `stop.test.ts`.
// Starts processes: signals come to processes, some before any code has run.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { freePort } from '../free-port.ts';
import { recordsIn } from '../records.ts';
import { candorProgram as program } from '../program.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

/** SIGUSR1 opens the inspector of a Node program, unless the program listens for it. */

let folder: string;
let children: ChildProcess[];
/** Of the test that runs: a watch that is left by a failure would keep the file's process for ever. */
let watches: Watch[];
/** The port of its listener in the configuration. */
const listening = { port: 0 };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-usr1-'));
  children = [];
  watches = [];
});

afterEach(async () => {
  for (const watch of watches) watch.end();
  for (const child of children) await ended(child, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  // A child of the launcher must not outlive a failed test.
  if (signal === 'SIGKILL') process.kill(-(child.pid as number), signal);
  else child.kill(signal);
  await exited;
}

interface Started {
  readonly child: ChildProcess;
  output: string;
}

function run(argv: readonly string[], settings: NodeJS.ProcessEnv = {}): Started {
  return start(process.execPath, argv, settings);
}

function start(file: string, argv: readonly string[], settings: NodeJS.ProcessEnv): Started {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const env = { PATH, NODE_COMPILE_CACHE, HOME: folder, XDG_RUNTIME_DIR: folder, ...settings };
  const child = spawn(file, argv, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const started: Started = { child, output: '' };
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      started.output += text;
    });
  children.push(child);
  return started;
}

/** Started by the first line of bin/candor: by the shell, with the Node on PATH. */
function runAsProgram(...argv: readonly string[]): Started {
  const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` };
  return start(program, argv, env);
}

/** How long after its creation a socket may begin to listen: Node and Candor do both in one turn. */
const youngMs = 250;

interface Watch {
  /** Ends it. Returns what it has seen. */
  end(): readonly string[];
}

/** Polls for addresses that a process listens at and the configuration does not name. */
function watchFor(child: ChildProcess): Watch {
  const seen = new Set<string>();
  const firstSeenAt = new Map<string, number>();
  let over = false;
  const look = (): void => {
    if (over) return;
    const sockets = socketsOf(child.pid ?? 0);
    const now = performance.now();
    for (const socket of sockets) if (!firstSeenAt.has(socket)) firstSeenAt.set(socket, now);
    const hasYoung = [...sockets].some((socket) => now - (firstSeenAt.get(socket) ?? 0) < youngMs);
    if (hasYoung) for (const address of strangeListeners(sockets)) seen.add(address);
    setTimeout(look, 5);
  };
  look();
  const watch = {
    end: () => {
      over = true;
      return [...seen, ...strangeListeners(socketsOf(child.pid ?? 0))];
    },
  };
  watches.push(watch);
  return watch;
}

/** The inodes of the sockets of a process. */
function socketsOf(pid: number): ReadonlySet<string> {
  try {
    return new Set(
      readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
        try {
          return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
        } catch {
          return []; // closed meanwhile
        }
      }),
    );
  } catch {
    return new Set(); // the process has ended
  }
}

/** The TCP addresses at which these sockets listen, except the configured port; from /proc/net/tcp, in hexadecimal. */
function strangeListeners(sockets: ReadonlySet<string>): readonly string[] {
  if (sockets.size === 0) return [];
  const own = listening.port.toString(16).toUpperCase().padStart(4, '0');
  return listenerRows().flatMap(([, address = '', , state, , , , , , inode = '']) =>
    state === '0A' && sockets.has(inode) && !address.endsWith(`:${own}`) ? address : [],
  );
}

/** A row of /proc/net/tcp has 150 bytes. */
const rowsBytes = 150 * 100;

/**
 * The rows of listeners. Linux lists them first: each look would take longer the more connections other tests have left in TIME_WAIT.
 */
function listenerRows(): readonly string[][] {
  const file = openSync('/proc/net/tcp', 'r');
  try {
    const bytes = Buffer.alloc(rowsBytes);
    let text = '';
    for (;;) {
      const read = readSync(file, bytes);
      text += bytes.toString('latin1', 0, read);
      const rows = text
        .split('\n')
        .slice(1, -1)
        .map((row) => row.trim().split(/\s+/));
      if (read === 0 || rows.some(([, , , state]) => state !== '0A')) return rows;
    }
  } finally {
    closeSync(file);
  }
}

/** Whether a port accepts a connection: 1 or 0. */
function accepts(port: number): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(1);
    });
    socket.once('error', () => resolve(0));
  });
}

async function until(what: string, holds: () => boolean): Promise<void> {
  // A busy machine takes seconds to start Node, but no test here takes a minute.
  for (const end = Date.now() + 60_000; !holds(); await pause(5)) assert.ok(Date.now() < end, `not so: ${what}`);
}

/** Whether the program ignores SIGUSR1, or has a handler for it (proc_pid_status(5)). */
function survivesSignal({ pid }: ChildProcess): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const masks = [...status.matchAll(/^Sig(?:Ign|Cgt):\s*([0-9a-f]+)$/gm)].map(([, mask]) => BigInt(`0x${mask}`));
  return masks.some((mask) => (mask & (1n << BigInt(constants.signals.SIGUSR1 - 1))) !== 0n);
}

/** Fails with what the program said where it ended by itself, or does neither. */
async function startedOrKilled(started: Parameters<typeof hasStarted>[0]): Promise<void> {
  const { child } = started;
  const settled = (): boolean => hasStarted(started) || child.signalCode !== null || child.exitCode !== null;
  await until('it serves, or has ended', settled).catch((error: unknown) => {
    throw new Error(`it said: ${started.output}`, { cause: error });
  });
  assert.equal(child.exitCode, null, started.output);
}

function writeConfiguration(port: number): void {
  listening.port = port;
  const text = `listeners: { http: "127.0.0.1:${port}" }\nroutes:\n  - respond: { body: "here" }\n`;
  writeFileSync(
    join(folder, 'candor.yaml'),
    `workers: 1\n${text}log: { path: exchange.log }\nadmin: { socket: none }\nstate: none\n`,
  );
}

describe('SIGUSR1', () => {
  test('opens no inspector and does not end the program, from the start of Node on', async () => {
    writeConfiguration(await freePort());
    // More often while the shell and Node start, before any code of Candor has run.
    for (const ms of sampled([2, 6, 12, 18, 26, 40, 100, 250, 500], 4, 2)) {
      const started = runAsProgram('up');
      const watch = watchFor(started.child);
      await pause(ms);
      // Before the shell has read the first line, a signal ends it like any program.
      const isTooEarly = !survivesSignal(started.child);
      started.child.kill('SIGUSR1');
      await startedOrKilled(started);
      if (started.child.signalCode === 'SIGUSR1' && isTooEarly) continue;
      assert.equal(started.child.signalCode, null, `ended by the signal after ${ms} ms`);
      started.child.kill('SIGUSR1');
      await until('the log is reopened', () => started.output.includes('"actor":"signal:SIGUSR1"'));
      assert.deepEqual(watch.end(), [], `after a signal at ${ms} ms it listens where nothing says so`);
      await ended(started.child, 'SIGKILL');
    }
  });

  test('leaves no inspector open of `node bin/candor`, for which Node opens one for a few milliseconds', async () => {
    writeConfiguration(await freePort());
    for (const ms of sampled([5, 20, 40], 3, 1)) {
      const inspector = await freePort();
      const started = run([`--inspect-port=${inspector}`, program, 'up']);
      await pause(ms);
      started.child.kill('SIGUSR1');
      await startedOrKilled(started);
      if (started.child.signalCode === 'SIGUSR1') continue;
      assert.equal(await accepts(inspector), 0, `the inspector listens after a signal at ${ms} ms`);
      await ended(started.child, 'SIGKILL');
    }
  });

  test('opens no inspector of a gateway that serves, nor of a client command', async () => {
    writeConfiguration(await freePort());
    const inspector = await freePort();
    const serving = run([`--inspect-port=${inspector}`, program, 'up']);
    await until('it serves', () => hasStarted(serving));
    for (let n = 0; n < 3; n++) {
      serving.child.kill('SIGUSR1');
      await until('the log is reopened', () => serving.output.split('"actor":"signal:SIGUSR1"').length > n + 1);
      assert.equal(await accepts(inspector), 0);
    }
    const asking = run([`--inspect-port=${inspector}`, program, 'explain', '-']);
    await pause(300);
    asking.child.kill('SIGUSR1');
    await pause(100);
    assert.equal(await accepts(inspector), 0);
  });

  test('reopens a renamed log under load without losing a line', async () => {
    const port = await freePort();
    writeConfiguration(port);
    const started = run([program, 'up']);
    const { child } = started;
    await until('it serves', () => hasStarted(started));
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const [log, rotated] = [join(folder, 'exchange.log'), (n: number) => join(folder, `exchange.old-${n}`)];
    let asked = 0;
    for (let round = 1; round <= 3; round++) {
      const batch = Array.from({ length: 200 }, () => get(agent, port, `/${asked++}`));
      if (round > 1) await Promise.race(batch);
      renameSync(log, rotated(round));
      child.kill('SIGUSR1');
      await Promise.all(batch);
      await until('there is a new file', () => pathsIn(log) !== null);
    }
    agent.destroy();
    await ended(child, 'SIGTERM');
    const lines = [log, rotated(1), rotated(2), rotated(3)].flatMap((file) => pathsIn(file) ?? []);
    assert.equal(lines.length, asked, 'one line each');
    assert.equal(new Set(lines).size, asked, 'of each request');
  });
});

describe('a signal that comes before the program is loaded', () => {
  /** The process sends it to itself right after it has read `bin/candor`. */
  const sendsItself = (signal: NodeJS.Signals): string => {
    const file = join(folder, 'early.cjs');
    // Every thread loads the file, also the one that reads the configuration at each reload.
    const send = `process.nextTick(() => process.kill(process.pid, '${signal}'))`;
    writeFileSync(file, `if (require('node:worker_threads').isMainThread) ${send};\n`);
    return file;
  };

  for (const signal of sampled(['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const, 3, 1))
    test(`${signal} does not end a gateway, and is handled once when it serves`, async () => {
      writeConfiguration(await freePort());
      const started = run(['-r', sendsItself(signal), program, 'up']);
      const { child } = started;
      const isAct = (line: string): boolean =>
        line.includes('"kind":"admin_action"') && line.includes(`"actor":"signal:${signal}"`);
      const acts = (): number => started.output.split('\n').slice(0, -1).filter(isAct).length;
      await until('it is acted on, or has ended', () => acts() > 0 || child.signalCode !== null);
      assert.equal(child.signalCode, null, started.output);
      assert.equal(acts(), 1, started.output);
      child.kill(signal);
      await until('it is acted on again', () => acts() > 1);
      await ended(child, 'SIGTERM');
      assert.deepEqual([child.exitCode, acts()], [0, 2], started.output);
    });

  for (const signal of sampled(['SIGHUP', 'SIGUSR2'] as const, 2))
    test(`${signal} ends a command that does not serve`, async () => {
      const { child } = run(['-r', sendsItself(signal), program, 'status']);
      await until('it has ended', () => child.signalCode !== null || child.exitCode !== null);
      assert.equal(child.signalCode, signal);
    });
});

function hasStarted({ output }: Started): boolean {
  return output.includes('"kind":"configuration_applied"');
}

function pathsIn(file: string): string[] | null {
  try {
    return recordsIn(readFileSync(file, 'utf8')).map(({ path }) => path);
  } catch {
    return null;
  }
}

async function get(agent: Agent, port: number, path: string): Promise<void> {
  const sent = request({ agent, host: '127.0.0.1', port, path });
  sent.end();
  const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream];
  response.resume();
  await once(response, 'end');
}
