// Starts processes: another user runs the gateway, and one is process 1 of a container.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, before, beforeEach, describe, test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';
import { freePort } from '../free-port.ts';
import { candorProgram as program } from '../program.ts';
import { sampled } from '../../src/testing/sweep.test-support.ts';
import { thisMachine } from '../../src/cli/process-context.ts';

/** A configuration in a folder that its gateway cannot write: a ConfigMap, an image, a file of root's. */

const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root starts a program as another user' };
const user = 65_533;

let root: string;
let folder: string;
let temporary: string;
let children: ChildProcess[];
let port: number;

/** What the first process compiles, from run to run: this user may not write in the cache of the other tests. */
const compiled = join(repositoryRoot, 'node_modules', '.cache', 'compiled-for-tests-as-user');
before(() => {
  mkdirSync(compiled, { recursive: true });
  chmodSync(compiled, 0o1777);
});

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'candor-read-only-'));
  chmodSync(root, 0o755);
  [folder, temporary] = [join(root, 'etc'), join(root, 'tmp')];
  mkdirSync(folder);
  mkdirSync(temporary);
  chmodSync(temporary, 0o1777);
  children = [];
  port = await freePort();
});

afterEach(async () => {
  for (const child of children) await end(child, 'SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!isThere(child)) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

interface Started {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  stdout: string;
  stderr: string;
}

/** A user who owns no files and has no home, as in a container. */
function start(
  argv: readonly string[],
  { input = null as string | null, env = {}, before = [] as string[] } = {},
): Started {
  const { PATH } = process.env;
  const command = [...before, process.execPath, program, ...argv];
  const drop = before.length > 0 ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const [file = '', ...rest] = [...drop, ...command];
  const options = { cwd: folder, env: { PATH, TMPDIR: temporary, NODE_COMPILE_CACHE: compiled, ...env } };
  const child = spawn(file, rest, { ...options, stdio: [input === null ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  // The gateway need not read all of it.
  child.stdin?.on('error', () => {});
  if (input !== null) child.stdin?.end(input);
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const started: Started = { child, exited, stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => void (started.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => void (started.stderr += text));
  children.push(child);
  return started;
}

async function until(what: string, started: Started, holds: () => boolean): Promise<void> {
  // A busy machine takes seconds to start Node, but no test here takes a minute.
  for (const last = Date.now() + 60_000; !holds(); await pause(10)) {
    assert.ok(Date.now() < last, `not so: ${what}\n${started.stdout}\n${started.stderr}`);
    assert.equal(started.child.exitCode, null, `ended before: ${what}\n${started.stderr}`);
  }
}

const serves = (started: Started): Promise<void> =>
  until('it serves', started, () => started.stderr.includes('"kind":"configuration_applied"'));

interface Line {
  readonly kind: string;
  readonly reason: string;
  readonly level: string;
}

/** Standard error, parsed as lines of JSON. */
function linesOf({ stderr }: Started): Line[] {
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

const noticesOf = (started: Started): string[] =>
  linesOf(started)
    .filter(({ kind }) => kind === 'notice')
    .map(({ reason }) => reason);

const listeners = (): string => `listeners: { http: "127.0.0.1:${port}" }\nworkers: 1\n`;
const routes = 'routes:\n  - respond: { body: "here" }\n';

async function candor(...argv: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const started = start(argv);
  const code = await started.exited;
  return { code, stdout: started.stdout, stderr: started.stderr };
}

describe('in a folder that it cannot write', asRoot, () => {
  test('a gateway serves with its log on standard output, its socket in a private folder and no state, and says each in one line', async () => {
    const application = `applications: { web: { command: ["${process.execPath}", "-e", "setInterval(() => {}, 1000)"] } }\n`;
    const both = 'routes:\n  - respond: { body: "here" }\n    path: /asked\n  - to: web\n';
    // Of two workers the machine is asked whether they lose connections.
    writeFileSync(join(folder, 'candor.yaml'), listeners().replace('workers: 1', 'workers: 2') + both + application);
    const started = start(['up']);
    await serves(started);
    const [log = '', state = '', socket = '', ...more] = noticesOf(started);
    assert.match(
      log,
      /^The exchange log goes to standard output, because \S+etc cannot be written by this user \(EACCES\)/,
    );
    assert.match(
      state,
      /^There is no state folder, as with `state: none`, because \S+etc cannot be written by this user/,
    );
    assert.match(socket, new RegExp(`^The admin socket is ${temporary}/candor-${user}/\\S+\\.sock\\. `));
    // A start says what the kernel is set to.
    const isSetSo = thisMachine.kernelSetting('net.ipv4.tcp_migrate_req') === '0' && thisMachine.cores > 1;
    assert.equal(more.length, isSetSo ? 1 : 0, more.join('\n'));
    assert.match(more[0] ?? '', isSetSo ? /^This machine: .*tcp_migrate_req is 0: sysctl -w/ : /^$/);
    assert.equal((await fetch(`http://127.0.0.1:${port}/asked`)).status, 200);
    await until('the log has it', started, () => started.stdout.includes('"path":"/asked"'));
    const made = join(temporary, `candor-${user}`);
    await until('the socket is there', started, () => existsSync(made) && readdirSync(made).length === 1);
    assert.equal(statSync(made).mode & 0o777, 0o700);
    const status = await candor('status', '--json');
    assert.equal(status.code, 0, status.stderr);
    const named = await candor('status', '--json', '-c', 'candor.yaml');
    assert.equal(named.code, 0, named.stderr);
    assert.deepEqual(readdirSync(folder), ['candor.yaml']);
    assert.deepEqual(readdirSync(temporary), [`candor-${user}`], 'no state in a folder that cleaners empty');
    await end(started.child, 'SIGTERM');
  });

  test('it serves without an admin socket if no private folder is possible, and is reloaded', async () => {
    writeFileSync(join(folder, 'candor.yaml'), listeners() + routes);
    chmodSync(temporary, 0o755);
    const started = start(['up']);
    await serves(started);
    assert.match(noticesOf(started)[1] ?? '', /^There is no admin socket\. .*Set admin\.socket to use another path\.$/);
    assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
    writeFileSync(join(folder, 'candor.yaml'), listeners() + routes.replace('here', 'there'));
    started.child.kill('SIGHUP');
    await until('it is applied', started, () => started.stderr.includes('"actor":"signal:SIGHUP"'));
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'there');
  });

  test('it does not use a private folder that another user has created', async () => {
    writeFileSync(join(folder, 'candor.yaml'), listeners() + routes);
    mkdirSync(join(temporary, `candor-${user}`), { mode: 0o777 });
    chownSync(join(temporary, `candor-${user}`), 65_532, 65_532);
    const started = start(['up']);
    await serves(started);
    assert.match(noticesOf(started)[1] ?? '', /^There is no admin socket\./);
    assert.deepEqual(readdirSync(join(temporary, `candor-${user}`)), []);
  });

  const placed = [
    [
      'a log',
      'log: { path: logs/a.log }\n',
      /the directory \S+etc\/logs does not exist; make it, writable for this user/,
    ],
    [
      'an admin socket',
      'admin: { socket: run/a.sock }\n',
      /The admin socket \S+run\/a\.sock cannot be created: the system says EACCES/,
    ],
  ] as const;
  for (const [what, yaml, says] of sampled(placed, 2)) {
    test(`${what} that the file places there is an error, which check also reports`, async () => {
      writeFileSync(join(folder, 'candor.yaml'), listeners() + routes + yaml);
      const ran = await candor('up');
      assert.equal(ran.code, 1, ran.stderr);
      const last = JSON.parse(ran.stderr.trim().split('\n').at(-1) ?? '') as Line;
      assert.deepEqual([last.kind, last.level], ['command_failed', 'error']);
      assert.match(last.reason, says);
      assert.doesNotMatch(ran.stderr, /listener_opened|Candor made a mistake|\n\s+at /);
      const checked = await candor('check');
      assert.equal(checked.code, 0);
      // A path may be broken at the width of the terminal.
      assert.match(checked.stderr.replaceAll(/\s+/g, ' '), /This machine: .*(EACCES|cannot be written)/);
    });
  }

  test('of a store that it cannot write there, check says so before a start', async () => {
    writeFileSync(join(folder, 'candor.yaml'), `${listeners()}${routes}store: { path: records }\n`);
    const { code, stderr } = await candor('check');
    assert.equal(code, 0);
    assert.match(
      stderr.replaceAll(/\s+/g, ' '),
      /store: \S+ cannot be written by this user \(EACCES\): nothing would be stored/,
    );
  });
});

describe('a configuration through standard input', asRoot, () => {
  test('is checked, and errors are shown with their lines', async () => {
    const good = start(['check', '-c', '-'], { input: listeners() + routes });
    assert.equal(await good.exited, 0, good.stderr);
    assert.match(good.stdout, /Standard input is valid\./);
    const bad = start(['check', '-c', '-'], { input: 'routs: []\n' });
    assert.equal(await bad.exited, 4);
    assert.match(bad.stdout, /standard input:1:1/);
    assert.match(bad.stdout, /unknown key "routs"/);
  });

  test('is served; a reload or an upgrade is refused with the reason', async () => {
    const started = start(['up', '-c', '-'], { input: listeners() + routes });
    await serves(started);
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'here');
    started.child.kill('SIGHUP');
    await until('it is rejected', started, () => started.stderr.includes('"kind":"configuration_rejected"'));
    assert.match(started.stderr, /came through standard input, which cannot be read again/);
    const reloaded = await candor('reload');
    assert.match(reloaded.stderr, /came through standard input, which cannot be read again/);
    const upgraded = await candor('upgrade');
    assert.equal(upgraded.code, 10, upgraded.stderr);
    assert.match(upgraded.stderr.replaceAll(/\s+/g, ' '), /configuration came through standard input/);
    assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
  });

  test('is refused if it is too large', async () => {
    const large = start(['check', '-c', '-'], { input: '#'.repeat(3_000_000) });
    assert.equal(await large.exited, 4);
    assert.match(large.stdout, /larger than a configuration may be/);
  });
});

test('process 1 of a container, without HOME, serves and ends on SIGTERM', asRoot, async (t) => {
  writeFileSync(join(folder, 'candor.yaml'), listeners() + routes);
  const drop = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
  const started = start(['up'], { before: ['unshare', '--pid', '--fork', '--mount-proc', ...drop] });
  await pause(50);
  if (/unshare/.test(started.stderr)) return t.skip('this machine makes no namespaces of processes');
  const inside = (): number =>
    Number(readFileSync(`/proc/${started.child.pid}/task/${started.child.pid}/children`, 'utf8').trim());
  // It is not our child, and does not end with `unshare`, since it belongs to another user.
  t.after(() => (isThere(started.child) ? process.kill(inside(), 'SIGKILL') : undefined));
  await serves(started);
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200);
  process.kill(inside(), 'SIGTERM');
  assert.equal(await started.exited, 0);
});

function isThere(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
