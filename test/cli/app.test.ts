// Starts processes: a gateway that is ended, killed and succeeded while workers of its applications run, and commands that ask it.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { readProcess } from '../../src/deploy/process-identity.ts';
import { exitCodes } from '../../src/cli/command-failure.ts';
import { SecretStore } from '../../src/deploy/secret-store.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { candorProgram } from '../program.ts';

// One story: a gateway with a worker is restarted by a handover, then killed, and then started again.

const linuxOnly = process.platform === 'linux' ? {} : { skip: 'only Linux tells two processes of one number apart' };

const worker = `
import os, signal, sys, time
with open('starts', 'a') as starts:
    starts.write('%d\\n' % os.getpid())
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print('up', flush=True)
for count in range(100000):
    if os.path.exists('say'):
        print('count %d' % count, flush=True)
    time.sleep(0.05)
`;

const yaml = `listeners: { http: "127.0.0.1:0" }
admin: { socket: admin.sock }
log: { path: none }
state: state
workers: { count: 1 }
applications:
  shop:
    environment: { COLOUR: green }
    secrets: { KEY: { secret: key, as: file }, WORD: word }
    limits: { descriptors: 321 }
    workers:
      mail: { command: python3 worker.py, ready: { line: up }, environment: { OWN: mail } }
`;

const folder = mkdtempSync(join(tmpdir(), 'candor-app-'));
const secrets = { key: 'Kn4rv-in-a-file', word: 'Kn4rv-in-a-variable' };
let up: ChildProcess;

const isRunning = (pid: number): boolean => (readProcess(pid)?.state ?? 'Z') !== 'Z';

const starts = (): readonly number[] =>
  existsSync(join(folder, 'starts')) ? readFileSync(join(folder, 'starts'), 'utf8').trim().split('\n').map(Number) : [];

async function until(what: string, seen: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 30_000;
  while (!(await seen())) {
    assert.ok(performance.now() < giveUpAt, what);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}

function startGateway(): void {
  const command = [candorProgram, 'up', '-c', 'candor.yaml', '--handover', '60s'];
  up = spawn(process.execPath, command, { cwd: folder, stdio: 'ignore' });
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process: one of its own takes half a second, and adds nothing to those that only ask the gateway. */
async function candor(words: readonly string[]): Promise<Ran> {
  const context = new FakeProcessContext(folder);
  const code = await context.candor(...words);
  return { code, stdout: context.stdout.text, stderr: context.stderr.text };
}

/** As people have it: npm, which runs the tests, makes commands call themselves `npx candor`. */
const { npm_command: _, ...env } = process.env;

function candorProcess(
  words: readonly string[],
  onStdout?: (text: string, child: ChildProcess) => void,
  variables: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [candorProgram, ...words], {
    cwd: folder,
    env: { ...env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
    onStdout?.(stdout, child);
  });
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr })));
}

interface Listed {
  readonly name: string;
  readonly wanted: number;
  readonly ready: number;
  readonly overlay: readonly string[];
}

interface Instance {
  readonly id: string;
  readonly phase: string;
  readonly pid: number | null;
}

interface ShownStatus {
  readonly applications: readonly { readonly id: string; readonly instances: readonly Instance[] }[];
}

interface Worker {
  readonly ready: number;
  readonly instances: readonly Instance[];
}

/** The status; null while no gateway serves. `candor app list --json` prints the same, and takes a process each time. */
function asked(): Promise<ShownStatus | null> {
  return new Promise((resolve, reject) => {
    const sent = get({ socketPath: join(folder, 'admin.sock'), path: '/v1/status', agent: false }, (response) => {
      text(response).then((body) => resolve(JSON.parse(body) as ShownStatus), reject);
    });
    sent.once('error', () => resolve(null));
  });
}

async function mail(): Promise<Worker | null> {
  const found = (await asked())?.applications.find(({ id }) => id === 'shop.mail');
  if (found === undefined) return null;
  const ready = found.instances.filter(({ phase }) => phase === 'ready').length;
  return { ready, instances: found.instances };
}

async function listed(): Promise<readonly Listed[]> {
  const { code, stdout, stderr } = await candor(['app', 'list', '--json']);
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { applications: readonly Listed[] }).applications;
}

before(async () => {
  writeFileSync(join(folder, 'worker.py'), worker);
  writeFileSync(join(folder, 'candor.yaml'), yaml);
  const at = { folder: join(folder, 'state'), random: new SeededRandom(1), wallTime: () => 0, credentials: undefined };
  const opened = SecretStore.open(at);
  assert.ok(opened.ok && opened.value.set('shop', new Map(Object.entries(secrets)), 'test').ok);
  startGateway();
  await until('the worker is ready', async () => (await mail())?.ready === 1);
});

after(async () => {
  up.kill('SIGKILL');
  await until('nothing is left', () => !starts().some(isRunning));
  rmSync(folder, { recursive: true, force: true });
});

test('candor app list shows the application and its worker', async () => {
  const { code, stdout } = await candor(['app', 'list']);
  assert.equal(code, 0);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) =>
      line
        .trim()
        .split(/\s{2,}/)
        .slice(1),
    );
  assert.deepEqual(rows, [
    ['shop', 'application', 'no server'],
    ['shop.mail', 'worker', '1 of 1 ready'],
  ]);
});

test('candor app shell runs a command as the worker runs, with its variables, secrets and limits, and its own exit code; then its files are gone', async () => {
  const script = 'echo $COLOUR $OWN $PWD $WORD $(cat $KEY) $(ulimit -n) $CANDOR_TOKEN; echo $KEY; exit 7';
  const ran = await candorProcess(['app', 'shell', 'shop.mail', '--', 'sh', '-c', script], undefined, {
    CANDOR_TOKEN: 'of the command alone',
  });
  const [first, path = ''] = ran.stdout.split('\n');
  assert.deepEqual([ran.code, first, ran.stderr], [7, `green mail ${folder} ${secrets.word} ${secrets.key} 321`, '']);
  assert.ok(path.startsWith('/') && !existsSync(path));
  const unknown = await candor(['app', 'shell', 'shop.mial']);
  assert.equal(unknown.code, exitCodes.not_found);
  assert.match(unknown.stderr, /candor\.yaml has no application or worker shop\.mial: did you mean/);
});

test('candor app output prints what it has printed, and new lines as they come, each once', async () => {
  assert.equal((await candor(['app', 'output', 'shop'])).stdout, 'shop.mail/1  up\n');
  writeFileSync(join(folder, 'say'), '');
  const followed = await candorProcess(['app', 'output', 'shop.mail', '--follow'], (said, child) => {
    if (said.split('\n').length > 25) child.kill('SIGINT');
  });
  rmSync(join(folder, 'say'));
  const counts = followed.stdout
    .split('\n')
    .flatMap((line) => /count (\d+)$/.exec(line)?.[1] ?? [])
    .map(Number);
  assert.ok(counts.length >= 20);
  assert.deepEqual(
    counts,
    counts.map((_, index) => (counts[0] ?? 0) + index),
  );
  assert.equal((await candor(['app', 'output', 'shop.none'])).code, exitCodes.not_found);
});

test('candor app scale, stop, start and restart change what runs, and say how that is undone', async () => {
  const scaled = await candor(['app', 'scale', 'shop.mail', '2']);
  assert.deepEqual(scaled, {
    code: 0,
    stdout: 'The number of instances of shop.mail is 2.\n  candor restore scale:shop.mail\n',
    stderr: '',
  });
  await until('two are ready', async () => (await mail())?.ready === 2);
  assert.equal((await candor(['app', 'stop', 'shop'])).code, 0);
  await until('none runs', () => !starts().some(isRunning));
  const stopped = (await listed()).find(({ name }) => name === 'shop.mail');
  assert.deepEqual([stopped?.wanted, stopped?.ready, stopped?.overlay], [0, 0, ['scale:shop.mail', 'stop:shop']]);
  assert.equal((await candor(['app', 'start', 'shop'])).code, 0);
  await until('two are ready again', async () => (await mail())?.ready === 2);
  assert.equal((await candor(['restore', 'scale:shop.mail'])).code, 0);
  await until('one is ready', async () => (await mail())?.instances.length === 1);
  const again = await candor(['app', 'start', 'shop']);
  assert.equal(again.code, exitCodes.not_found);
  assert.match(again.stderr, /^shop is not stopped/);
  const [before] = (await mail())?.instances ?? [];
  assert.equal((await candor(['app', 'restart', 'shop.mail'])).code, 0);
  await until('another one runs alone', async () => {
    const { instances = [], ready = 0 } = (await mail()) ?? {};
    return instances.length === 1 && ready === 1 && instances[0]?.id !== before?.id;
  });
  const serverless = await candor(['app', 'scale', 'shop', '2']);
  assert.match(serverless.stderr, /shop has no command that could run in instances\. Its workers are\s+shop\.mail\./);
});

test('a gateway that succeeds another one takes the worker over, and starts nothing twice', linuxOnly, async () => {
  const began = starts().length;
  const pid = (await mail())?.instances[0]?.pid ?? 0;
  const first = up;
  const ended = new Promise((resolve) => first.once('exit', resolve));
  first.kill('SIGTERM');
  assert.equal(await ended, 0);
  assert.ok(isRunning(pid));
  startGateway();
  await until('it is taken over', async () => (await mail())?.ready === 1);
  assert.equal((await mail())?.instances[0]?.pid, pid);
  assert.equal(starts().length, began);
});

test('a stopped worker stays stopped in the gateway that follows', linuxOnly, async () => {
  assert.equal((await candor(['app', 'stop', 'shop.mail'])).code, 0);
  await until('none runs', () => !starts().some(isRunning));
  const began = starts().length;
  const ended = new Promise((resolve) => up.once('exit', resolve));
  up.kill('SIGTERM');
  await ended;
  startGateway();
  await until('it serves', async () => (await mail()) !== null);
  assert.deepEqual([(await mail())?.instances, starts().length], [[], began]);
  assert.equal((await candor(['app', 'start', 'shop.mail'])).code, 0);
  await until('it runs', async () => (await mail())?.ready === 1);
});

test('a gateway that is killed leaves nothing behind, and the next one starts the worker once', linuxOnly, async () => {
  const pid = starts().at(-1) ?? 0;
  assert.ok(isRunning(pid));
  const began = starts().length;
  up.kill('SIGKILL');
  await until('the worker has ended', () => !isRunning(pid));
  startGateway();
  await until('one is ready', async () => (await mail())?.ready === 1);
  assert.equal(starts().length, began + 1);
  assert.deepEqual(starts().filter(isRunning).length, 1);
});
