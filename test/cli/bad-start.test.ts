// Starts processes: how a start fails is seen by its exit code, its output and its rights.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { exitCodes, type ExitName } from '../../src/cli/command-failure.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { freePort } from '../free-port.ts';
import { candorProgram as program } from '../program.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';

/** Faults of the machine or of a file when `candor up` starts. Each leads to one message with what to do, and an exit code. */

/** Opening the ports below requires a privilege, which containers often lack. */
function reservedPorts(): number {
  return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'latin1'));
}

const isRoot = process.getuid?.() === 0;
const user = 65_533;
/** An idle machine takes half a second. The limit is for a process that hangs. */
const endsWithinMs = 30_000;

let folder: string;
let port: number;
let taken: Server;
let takenPort: number;

before(async () => {
  taken = createServer();
  await new Promise<void>((resolve) => taken.listen({ port: 0, host: '127.0.0.1' }, resolve));
  takenPort = (taken.address() as { port: number }).port;
});
after(() => new Promise((resolve) => taken.close(resolve)));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-bad-start-'));
  chmodSync(folder, 0o755);
  port = await freePort();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (): string => join(folder, 'candor.yaml');
const write = (more = '', listen = `127.0.0.1:${port}`, socket = 'none'): void =>
  writeFileSync(
    file(),
    `listeners: { http: "${listen}" }\nroutes:\n  - respond: { body: here }\nadmin: { socket: ${socket} }\n${more}`,
  );

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function candor(command: string, { asUser = false, files = 0 } = {}): Promise<Ended> {
  const drop = asUser && isRoot ? ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'] : [];
  const limit = files === 0 ? [] : ['sh', '-c', `ulimit -n ${files}; exec "$@"`, 'sh'];
  const argv = [...drop, ...limit, process.execPath, program, command];
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const env = { PATH, NODE_COMPILE_CACHE, TMPDIR: folder };
  const child = spawn('env', argv, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const late = setTimeout(() => child.kill('SIGKILL'), endsWithinMs);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(late);
  return { code, stdout, stderr };
}

/** `candor check` starts nothing, so that it needs no process of its own. */
async function check(): Promise<Ended> {
  const context = new FakeProcessContext(folder);
  const code = await context.candor('check');
  return { code, stdout: context.stdout.text, stderr: context.stderr.text };
}

interface Case {
  readonly what: string;
  readonly make: () => void;
  readonly exit: ExitName;
  /** The expected message, with what to do. */
  readonly says: RegExp;
  /** Run as a user without rights: another user if these tests run as root. */
  readonly asUser?: boolean;
  /** Why this machine cannot set up the case. */
  readonly skip?: string | false;
  /** The descriptor limit of the process. */
  readonly files?: number;
  /** Whether `candor check` reports it too. */
  readonly checked?: boolean;
}

const ofFile = { exit: 'validation_failed', checked: true } as const;
const ofMachine = { exit: 'failure' } as const;

const cases: readonly Case[] = [
  { what: 'no configuration', ...ofFile, make: () => {}, says: /there is no file "candor\.yaml" in/ },
  {
    what: 'a configuration of another name',
    ...ofFile,
    make: () => writeFileSync(join(folder, 'candor.yml'), ''),
    says: /there is no file "candor\.yaml" in .*candor\.yml/s,
  },
  {
    what: 'a configuration that this user may not read',
    ...ofFile,
    make: () => (write(), chmodSync(file(), 0)),
    says: /"candor\.yaml" may not be read by this user.*let this user read it/s,
    asUser: true,
  },
  {
    what: 'a folder in place of the configuration',
    ...ofFile,
    make: () => mkdirSync(file()),
    says: /is a folder, not a file.*name the file in it/s,
  },
  {
    what: 'a named pipe in place of the configuration',
    ...ofFile,
    make: () => void spawnSync('mkfifo', [file()]),
    says: /is a named pipe, not a file.*-c -/s,
  },
  {
    what: 'a link to a named pipe in place of the configuration',
    ...ofFile,
    make: () => (spawnSync('mkfifo', [join(folder, 'pipe')]), symlinkSync('pipe', file())),
    says: /is a named pipe, not a file/,
  },
  {
    what: 'a link that leads back to itself',
    ...ofFile,
    make: () => symlinkSync('candor.yaml', file()),
    says: /leads back to itself/,
  },
  {
    what: 'a program in place of the configuration',
    ...ofFile,
    make: () => writeFileSync(file(), Buffer.from(Array.from({ length: 4096 }, (_, n) => (n * 37) & 0xff))),
    says: /is not UTF-8 text.*save it as UTF-8/s,
  },
  {
    what: '100 MB in place of the configuration',
    ...ofFile,
    make: () => (writeFileSync(file(), 'routes: []\n'), truncateSync(file(), 100_000_000)),
    says: /is larger than a configuration may be, \d+ KiB/,
  },
  {
    what: 'an empty configuration',
    ...ofFile,
    make: () => writeFileSync(file(), ''),
    says: /the file is empty.*begin with: upstreams: \{/s,
  },
  {
    what: 'a port that is taken',
    ...ofMachine,
    make: () => write('', `127.0.0.1:${takenPort}`),
    says: /127\.0\.0\.1:\d+ is taken: .*\(pid \d+\) listens there/s,
  },
  {
    what: 'an address that is none of this machine',
    ...ofMachine,
    make: () => write('', '192.0.2.1:8080'),
    says: /192\.0\.2\.1:8080 cannot be opened: this machine has no such address\. Use an address/,
  },
  {
    what: 'a port that is for root alone',
    ...ofMachine,
    make: () => write('', '127.0.0.1:81'),
    says: /127\.0\.0\.1:81 needs a privilege: .* Listen on a higher port, or .*CAP_NET_BIND_SERVICE/s,
    asUser: true,
    skip: reservedPorts() <= 81 && 'every user may listen on port 81 here',
  },
  {
    what: 'a log in a folder that cannot be made',
    ...ofMachine,
    make: () => write('log: { path: candor.yaml/exchange.log }\n'),
    says: /a part of \S+candor\.yaml is a file, not a directory/,
  },
  {
    what: 'a folder in place of the log',
    ...ofMachine,
    make: () => write('log: { path: . }\n'),
    says: /is a directory; the log is a file/,
  },
  {
    what: 'a log that is a pipe without a reader',
    ...ofMachine,
    make: () => (spawnSync('mkfifo', [join(folder, 'pipe')]), write('log: { path: pipe }\n')),
    says: /no program reads from the pipe \S+; start its reader first/,
  },
  {
    what: 'a folder in place of the admin socket',
    ...ofMachine,
    make: () => (mkdirSync(join(folder, 'a.sock')), write('', undefined, 'a.sock')),
    says: /cannot be created: a file that is not a socket has that name/,
  },
  {
    what: 'too few descriptors',
    ...ofMachine,
    make: () => write('workers: 2\nlog: { path: none }\n'),
    says: /(?:may have 28 files open, and a start with workers: 2 takes about 42\.|too many open files) .*LimitNOFILE=4096 in the unit of the gateway \(`ulimit -n 4096` in the shell/,
    files: 28,
  },
  {
    what: 'too few descriptors for the thread of the log',
    ...ofMachine,
    make: () => write('workers: 2\n'),
    says: /may have 24 files open, and a start with workers: 2 takes about 42\. Set LimitNOFILE=4096 in the unit of/,
    files: 24,
  },
];

describe('a start that fails', () => {
  for (const { what, make, exit, says, asUser = false, skip = false, files = 0, checked: isChecked = false } of sampled(
    cases,
    5,
  )) {
    test(`${what}: one message with what to do, and exit code ${exitCodes[exit]}`, { skip }, async () => {
      make();
      const { code, stderr } = await candor('up', { asUser, files });
      assert.equal(code, exitCodes[exit], stderr);
      assert.doesNotMatch(stderr, /^\s+at |Candor made a mistake|listener_opened/m, stderr);
      const lines = stderr.trimEnd().split('\n');
      const told = lines.map((line) => JSON.parse(line) as { kind: string; reason: string });
      assert.match(told.map(({ reason }) => reason).join('\n'), says);
      assert.equal(told.filter(({ kind }) => kind === 'command_failed').length, 1);
      if (!isChecked) return;
      const checked = asUser ? await candor('check', { asUser }) : await check();
      assert.equal(checked.code, exitCodes[exit], checked.stderr);
      assert.match((checked.stdout + checked.stderr).replaceAll(/\s+/g, ' '), says);
    });
  }

  const doubtful: readonly (readonly [path: string, checkSays: RegExp, startSays: RegExp])[] = [
    [
      'missing/logs/a.log',
      /the folder \S+missing does not exist.*mkdir -p \S+missing,/,
      /log\.path: the directory \S+missing\/logs does not exist; make it/,
    ],
    ['candor.yaml/a.log', /candor\.yaml is a file, and a folder would have to be there/, /is a file, not a directory/],
    ['.', /is a folder, and the log is a file/, /is a directory; the log is a file/],
  ];
  for (const [path, checkSays, startSays] of sampled(doubtful, 3))
    test(`a log at ${path} is doubtful to candor check, before a start fails`, async () => {
      write(`log: { path: ${path} }\n`);
      const checked = await check();
      assert.equal(checked.code, 0, checked.stderr);
      assert.match(checked.stdout, /is valid, and this machine has a problem with it\.$/m);
      assert.match(checked.stderr.replaceAll(/\s+/g, ' '), checkSays);
      const started = await candor('up');
      assert.equal(started.code, exitCodes.failure);
      assert.match(started.stderr, startSays);
    });

  test('a log whose last folder is missing is no problem to candor check: a start makes the folder', async () => {
    write('log: { path: logs/a.log }\n');
    const checked = await check();
    assert.deepEqual([checked.code, checked.stderr.includes('log.path')], [0, false], checked.stderr);
    // Fails for want of descriptors, after the folder has been made.
    write('workers: 4\nlog: { path: logs/a.log }\n');
    assert.equal((await candor('up', { files: 40 })).code, exitCodes.failure);
    assert.ok(existsSync(join(folder, 'logs')));
  });

  test('a full disk does not stop a gateway from serving, and lost log lines are counted', async () => {
    write('log: { path: /dev/full }\n');
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    const options = {
      cwd: folder,
      env: { PATH, NODE_COMPILE_CACHE, TMPDIR: folder },
      stdio: ['ignore', 'ignore', 'pipe'] as const,
    };
    const child = spawn(process.execPath, [program, 'up'], { ...options, stdio: [...options.stdio] });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const heard = async (text: string): Promise<void> => {
      for (const last = Date.now() + endsWithinMs; !stderr.includes(text); ) {
        assert.ok(Date.now() < last && child.exitCode === null, stderr);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    try {
      await heard('"kind":"configuration_applied"');
      assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
      await heard('"errno":"ENOSPC"');
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      assert.equal((await exited)[0], 0);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('a pipe that the shell names as a file is read: `candor check -c <(…)`', async () => {
    write();
    const pipe = spawnSync('bash', ['-c', `"$0" "$1" check -c <(cat "$2")`, process.execPath, program, file()], {
      encoding: 'utf8',
      timeout: endsWithinMs,
    });
    assert.equal(pipe.status, 0, pipe.stdout + pipe.stderr);
  });
});
