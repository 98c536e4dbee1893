// Starts processes: programs of applications are what is tested.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test, type TestContext } from 'node:test';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import type { EventKind, NewEvent } from '../core/event.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { systemClock } from '../testing/system.ts';
import { OutputPipeFolder } from './output-pipes.ts';
import { readProcess } from './process-identity.ts';
import { createSupervisor, type SupervisorParts } from './supervisor.ts';
import { listeningOf } from './listening.ts';
import { createSystemChecker } from './system-checker.test-support.ts';
import { createSystemHost } from './system-host.ts';

// Real programs, real sockets, real time. Nothing here sleeps: each test waits for what it wants to see. What is
// started writes into named pipes, as where there is a state folder; some also into plain ones.

const web = 'web' as ApplicationId;
const directory = mkdtempSync(join(tmpdir(), 'deploy-'));
after(() => rmSync(directory, { recursive: true }));

/** Answers 200 on the port it is told; `before` runs first. */
const server = (before = '') => `${before};
const server = require('node:http').createServer((request, response) => response.end('fine'));
server.listen(process.env.PORT, process.env.HOST);`;

/** Prints the pid of a program that it starts in its own group, and that would run for a minute. */
const withGrandchild = (onSigterm: string) => `
const { spawn } = require('node:child_process');
const child = spawn(process.execPath, ['-e', ${JSON.stringify(`${onSigterm}; setTimeout(() => {}, 60_000); console.log('up')`)}], { stdio: ['ignore', 'pipe', 'ignore'] });
child.stdout.once('data', () => console.log('grandchild', child.pid));`;

function application(script: string, changes: Partial<ApplicationSpec> = {}): ApplicationSpec {
  return {
    id: web,
    command: [process.execPath, '-e', script],
    directory,
    environment: {},
    instances: 1,
    port: null,
    readiness: { path: '/', intervalMs: 20, timeoutMs: 500, passes: 3, startMs: 10_000 },
    stopMs: 2_000,
    restart: { firstMs: 60_000, maxMs: 60_000, resetAfterMs: 60_000 },
    ...changes,
  };
}

/** Starts the application and stops it when the test ends, whatever has happened. */
function run(context: TestContext, ...applications: readonly ApplicationSpec[]) {
  return runWith(context, new OutputPipeFolder(join(directory, 'output')), applications);
}

function runWith(context: TestContext, outputs: OutputPipeFolder | null, applications: readonly ApplicationSpec[]) {
  const emitted: NewEvent[] = [];
  const lines: string[] = [];
  const host = createSystemHost(systemClock, createSystemChecker(), outputs);
  const supervisor = createSupervisor({
    applications,
    clock: systemClock,
    random: new SeededRandom(1),
    events: { emit: (event: NewEvent) => void emitted.push(event) } as SupervisorParts['events'],
    host,
    drainMs: () => 0,
    onLine: (_instance, _stream, line) => lines.push(line),
  });
  supervisor.start();
  context.after(async () => {
    void supervisor.stop();
    await supervisor.stop();
  });
  const find = <K extends EventKind>(kind: K) =>
    emitted.find((event) => event.kind === kind) as NewEvent<K> | undefined;
  const first = () => supervisor.instances(web)[0];
  return { supervisor, host, told: emitted, lines, find, first, ready: () => first()?.state === 'healthy' };
}

/** Waits until `seen` gives something. */
async function until<T>(what: string, seen: () => T | null | undefined | false): Promise<T> {
  const giveUpAt = performance.now() + 8_000;
  for (;;) {
    const value = seen();
    if (value !== null && value !== undefined && value !== false) return value;
    assert.ok(performance.now() < giveUpAt, `${what} within 8 s`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function isRunning(pid: number): boolean {
  const facts = readProcess(pid);
  return facts !== null && facts.state !== 'Z';
}

const grandchildOf = (lines: readonly string[]) =>
  Number(lines.find((line) => line.startsWith('grandchild '))?.slice(11));

const linuxOnly = process.platform === 'linux' ? {} : { skip: 'reads /proc, which only Linux has' };

test('the program finds its port in PORT, in its command and in its variables, and 127.0.0.1 in HOST, and is ready when it answers there', async (t) => {
  const script = server('console.log(process.env.PORT, process.env.HOST, process.env.COLOUR, process.argv[1])');
  const { find, first, ready, lines } = run(
    t,
    application(script, {
      command: [process.execPath, '-e', script, 'port={port}'],
      environment: { COLOUR: 'green{port}', PORT: '1' },
    }),
  );
  await until('ready', ready);
  const { port } = find('instance_ready')?.evidence ?? { port: 0 };
  assert.deepEqual(first()?.address, { kind: 'tcp', host: '127.0.0.1', port });
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  assert.equal(await answer.text(), 'fine');
  assert.deepEqual(lines, [`${port} ${process.env['HOST'] ?? '127.0.0.1'} green${port} port=${port}`]);
  assert.equal(find('instance_started')?.evidence.port, port);
});

test('a HOST of the application is left as it is', async (t) => {
  const { ready, lines } = run(
    t,
    application(server('console.log(process.env.HOST)'), { environment: { HOST: '0.0.0.0' } }),
  );
  await until('ready', ready);
  assert.deepEqual(lines, ['0.0.0.0']);
});

test('an exit is reported with its code and the line that explains it', async (t) => {
  const { first, find } = run(t, application("console.log('starting'); throw new Error('no database')"));
  const exited = await until('the exit', () => find('instance_exited'));
  assert.deepEqual([exited.evidence.code, exited.evidence.signal, exited.evidence.outOfMemory], [1, null, false]);
  assert.equal(exited.reason, 'exited with code 1; last line: "Error: no database"');
  assert.equal(exited.evidence.output[0], 'starting');
  assert.deepEqual([first()?.state, first()?.exit?.lastLine], ['unhealthy', 'Error: no database']);
});

test('a kill is reported as one, at once', async (t) => {
  const { supervisor, first, find, ready } = run(t, application(server("console.log('up')")));
  await until('ready', ready);
  const { pid } = find('instance_started')?.evidence ?? { pid: 0 };
  const killedAt = performance.now();
  const seen = new Promise<number>((resolve) =>
    supervisor.onChange(() => first()?.state === 'unhealthy' && resolve(performance.now())),
  );
  process.kill(pid, 'SIGKILL');
  assert.ok((await seen) - killedAt < 500);
  assert.deepEqual([first()?.exit?.signal, first()?.exit?.code, first()?.exit?.lastLine], ['SIGKILL', null, 'up']);
  assert.match(first()?.reason ?? '', /^killed by SIGKILL/);
});

test('a slow start is not routed to, and a check that runs out of time is never readiness', async (t) => {
  // Silent for longer than `startMs` and several checks: the start is reported as late, and then becomes ready.
  const silentThenFine = `let silent = true;
    process.stdin.resume();
    setTimeout(() => { silent = false; }, 400);
    require('node:http').createServer((request, response) => { if (!silent) response.end('fine'); }).listen(process.env.PORT, '127.0.0.1')`;
  const readiness = { path: '/', intervalMs: 20, timeoutMs: 50, passes: 3, startMs: 100 };
  const { supervisor, first, find, ready } = run(t, application(silentThenFine, { readiness }));
  const states = new Set<string>();
  supervisor.onChange(() => states.add(first()?.state ?? 'none'));
  const late = await until('the report', () => find('instance_not_ready'));
  assert.equal(first()?.state, 'starting');
  assert.match(late.evidence.last, /connection refused|no answer within 50 ms|no check has come back/);
  await until('ready', ready);
  assert.deepEqual([...states], ['starting', 'healthy']);
});

test('a program that listens on another port than PORT is detected', linuxOnly, async (t) => {
  const elsewhere =
    "const s = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port))";
  const { first, find, lines } = run(t, application(elsewhere));
  const { evidence, reason } = await until('the report', () => find('instance_wrong_listen_address'));
  assert.deepEqual(evidence.listensOn, [`127.0.0.1:${lines[0]}`]);
  assert.equal(
    `${reason} ${evidence.expected}`,
    `the application listens on 127.0.0.1:${lines[0]}, not on ${evidence.expected.slice(10)}, the port that it was given (PORT): let it listen on the port in the PORT environment variable, or write {port} in its command, or set port: ${lines[0]} for the application ${evidence.expected}`,
  );
  assert.ok(first()?.reason.includes(reason));
});

test('a program that listens on a unix socket alone is detected', linuxOnly, async (t) => {
  const { find } = run(t, application("require('node:net').createServer().listen('./app.sock')"));
  const { evidence, reason } = await until('the report', () => find('instance_wrong_listen_address'));
  assert.deepEqual(evidence.listensOn, ['./app.sock']);
  assert.match(
    reason,
    /listens on the unix socket \.\/app\.sock, not on port \d+, which it was given \(PORT\): let it/,
  );
});

test('a program whose child listens on an address that 127.0.0.1 does not reach is detected', linuxOnly, async (t) => {
  const inChild = `require('node:child_process').spawn(process.execPath, ['-e', "require('node:net').createServer().listen(process.env.PORT, '127.0.0.2')"], { stdio: 'inherit' })`;
  const { find } = run(t, application(inChild));
  const { evidence, reason } = await until('the report', () => find('instance_wrong_listen_address'));
  assert.deepEqual(evidence.listensOn, [evidence.expected.replace('127.0.0.1', '127.0.0.2')]);
  assert.match(reason, /not on 127\.0\.0\.1: let it listen on 127\.0\.0\.1 by a setting or an option of its own/);
});

test(
  'a program that listens on every address is told of once for its application, and shown in the status',
  linuxOnly,
  async (t) => {
    const open = "require('node:http').createServer((q, r) => r.end('ok')).listen(process.env.PORT, '0.0.0.0')";
    const { supervisor, told, find } = run(t, application(open, { instances: 2 }));
    const { evidence, reason } = await until('the report', () => find('instance_exposed'));
    assert.match(evidence.listensOn, /^0\.0\.0\.0:\d+$/);
    assert.match(reason, /listens on every address .* bypass the gateway: let it listen on 127\.0\.0\.1/);
    const exposed = (): readonly (string | null)[] =>
      supervisor.status().flatMap(({ instances }) => instances.map(({ exposedAt }) => exposedAt));
    await until('both are shown', () => exposed().length === 2 && exposed().every((at) => at !== null));
    assert.equal(told.filter(({ kind }) => kind === 'instance_exposed').length, 1);
  },
);

test('a program that listens on 127.0.0.1 alone is not reported as exposed', linuxOnly, async (t) => {
  const { supervisor, told, ready } = run(t, application(server('')));
  await until('ready', ready);
  await listeningOf(supervisor.status()[0]?.instances[0]?.pid ?? 0); // As long as the look of the instance takes.
  assert.equal(told.filter(({ kind }) => kind === 'instance_exposed').length, 0);
  assert.equal(supervisor.status()[0]?.instances[0]?.exposedAt, null);
});

test('of much output the last 200 lines are kept, harmless, and all of it is shown', async (t) => {
  const much =
    "for (let n = 1; n <= 1000; n++) console.log('line', n); console.log('\\x1b[31mred\\x07'); process.stdout.write('x'.repeat(10000))";
  const { find, lines } = run(t, application(much));
  const { output } = (await until('the exit', () => find('instance_exited'))).evidence;
  assert.equal(output.length, 200);
  assert.deepEqual([output[0], output[197], output[198]], ['line 803', 'line 1000', 'red␇']);
  assert.match(output[199] ?? '', /^x{4096} … \(5904 more bytes\)$/);
  assert.equal(lines.length, 1002);
});

const notStarted: readonly (readonly [
  what: string,
  command: string,
  change: Partial<ApplicationSpec>,
  errno: string,
  reason: RegExp,
])[] = [
  [
    'a program that is nowhere',
    'no-such-program',
    {},
    'ENOENT',
    /the program no-such-program is in no directory of PATH/,
  ],
  ['a path that is nothing', './missing', {}, 'ENOENT', /the program \.\/missing does not exist/],
  ['a file that is not executable', './plain.txt', {}, 'EACCES', /the program \.\/plain\.txt is not executable/],
  [
    'a script whose interpreter is missing',
    './script',
    {},
    'ENOENT',
    /script exists, but \/no\/such\/interpreter, the interpreter that its first line names, does not/,
  ],
  [
    'a script with line ends of Windows',
    './script-of-windows',
    {},
    'ENOENT',
    /carriage return, as on Windows \(CRLF\)/,
  ],
  ['a folder as the program', './folder', {}, 'EACCES', /the program \.\/folder is a directory/],
  [
    'a directory that is missing',
    'node',
    { directory: '/no/such/directory' },
    'ENOENT',
    /the directory \/no\/such\/directory does not exist/,
  ],
];

writeFileSync(join(directory, 'plain.txt'), 'text\n', { mode: 0o644 });
mkdirSync(join(directory, 'folder'));
writeFileSync(join(directory, 'script-of-windows'), '#!/bin/sh\r\n', { mode: 0o755 });
writeFileSync(join(directory, 'script'), '#!/no/such/interpreter\n', { mode: 0o755 });

for (const [what, command, change, errno, reason] of notStarted) {
  test(`${what} is an event and a reason`, async (t) => {
    const { find, first } = run(t, application('', { command: [command], ...change }));
    const event = await until('the event', () => find('instance_not_started'));
    assert.equal(event.evidence.errno, errno);
    assert.match(event.reason, reason);
    assert.match(first()?.reason ?? '', reason);
    assert.equal(first()?.state, 'unhealthy');
  });
}

test('a port that is taken is reported before the program is started', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1');
  t.after(() => holder.close());
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const { find } = run(t, application(server(), { port }));
  const event = await until('the event', () => find('instance_not_started'));
  assert.equal(event.evidence.errno, 'EADDRINUSE');
  assert.match(event.reason, new RegExp(`port ${port} is taken: .*\\(pid ${process.pid}\\) listens there`));
});

test('a port that another program takes meanwhile is not used again', async (t) => {
  const first = `require('node:http').createServer().listen(process.env.PORT, '127.0.0.1', () => { throw Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE' }) })`;
  const marker = join(directory, 'second-run');
  const script = `const fs = require('node:fs'); if (fs.existsSync(${JSON.stringify(marker)})) { ${server()} } else { fs.writeFileSync(${JSON.stringify(marker)}, ''); ${first} }`;
  const { told, ready } = run(t, application(script, { restart: { firstMs: 1, maxMs: 1, resetAfterMs: 60_000 } }));
  await until('ready', ready);
  const ports = told.flatMap((event) =>
    event.kind === 'instance_started' ? [(event as NewEvent<'instance_started'>).evidence.port] : [],
  );
  assert.equal(new Set(ports).size, 2);
});

test('instances never share a port', async (t) => {
  const { supervisor, ready } = run(t, application(server(), { instances: 3 }));
  await until('all are ready', () => ready() && supervisor.instances(web).every(({ state }) => state === 'healthy'));
  assert.equal(new Set(supervisor.instances(web).map(({ address }) => address.kind === 'tcp' && address.port)).size, 3);
});

test('stopping ends the child processes of the program too, even those that refuse', linuxOnly, async (t) => {
  const stubborn = withGrandchild("process.on('SIGTERM', () => {})");
  const { supervisor, lines, find } = run(t, application(server(stubborn), { stopMs: 100 }));
  const grandchild = await until('the grandchild', () => grandchildOf(lines) || null);
  const { pid } = find('instance_started')?.evidence ?? { pid: 0 };
  assert.ok(isRunning(pid) && isRunning(grandchild));
  await supervisor.stop();
  assert.deepEqual([isRunning(pid), isRunning(grandchild)], [false, false]);
  assert.deepEqual(supervisor.instances(web), []);
});

test('child processes that a crashed program leaves are ended before it starts again', linuxOnly, async (t) => {
  const { lines, find } = run(
    t,
    application(`${withGrandchild('')}; child.stdout.once('data', () => setTimeout(() => process.exit(3), 20))`),
  );
  await until('the next run', () => find('instance_restarting'));
  assert.equal(find('instance_exited')?.evidence.code, 3);
  assert.equal(isRunning(grandchildOf(lines)), false);
});

const unexecutable: readonly (readonly [what: string, content: string | Buffer, reason: RegExp])[] = [
  ['a script of env with line ends of Windows', '#!/usr/bin/env node\r\n', /^exited with code 127: .+carriage return/],
  [
    'a program for another processor, which the C library gives to a shell',
    Buffer.from(`7f454c46020201${'00'.repeat(11)}0016${'0a'.repeat(44)}`, 'hex'),
    /^exited with code \d+: the program .+ is built for another architecture, s390x/,
  ],
];

for (const [index, [what, content, reason]] of unexecutable.entries())
  test(`an exit is explained by the file of the program: ${what}`, linuxOnly, async (t) => {
    const file = `./unexecutable-${index}`;
    writeFileSync(join(directory, file), content, { mode: 0o755 });
    const { find } = run(t, application('', { command: [file] }));
    assert.match((await until('the exit', () => find('instance_exited'))).reason, reason);
  });

const inBackground: readonly (readonly [what: string, detached: boolean, reason: RegExp])[] = [
  [
    'in its group',
    false,
    /^exited with code 0, and left node server\.cjs \(pid \d+\) running in the background; last line/,
  ],
  [
    'as a daemon',
    true,
    /^exited with code 0, and left node server\.cjs \(pid \d+\) running in the background in a process group of its own/,
  ],
];

for (const [what, detached, reason] of inBackground)
  test(`a program that goes to the background is told by what it leaves: ${what}`, linuxOnly, async (t) => {
    writeFileSync(join(directory, 'server.cjs'), "console.log('up'); setTimeout(() => {}, 60_000);");
    const child = `require('node:child_process').spawn(process.execPath, ['server.cjs'], { detached: ${detached}, stdio: 'ignore' })`;
    const { find } = run(t, application(`console.log('left', ${child}.pid); process.exit(0)`));
    const { reason: said, evidence } = await until('the exit', () => find('instance_exited'));
    if (detached) process.kill(Number(/left (\d+)/.exec(evidence.output.join(' '))?.[1]));
    assert.match(said, reason);
  });

const outputs: readonly (readonly [where: string, outputs: OutputPipeFolder | null, adoptable: boolean])[] = [
  ['pipes with names', new OutputPipeFolder(join(directory, 'output')), true],
  ['pipes without names', null, false],
  [
    'pipes without names where there is no mkfifo',
    new OutputPipeFolder(join(directory, 'output'), 'no-such-mkfifo'),
    false,
  ],
  ['pipes without names where the folder cannot be made', new OutputPipeFolder('/dev/null/output'), false],
];

for (const [where, folder, adoptable] of outputs) {
  test(`${where}: every line arrives, by /dev/stdout too, and the last words after the end`, linuxOnly, async (t) => {
    const many = 'for (let n = 0; n < 2000; n++) console.log("line", n);';
    const device = `require('node:fs').appendFileSync('/dev/fd/1', 'by its device\\n');`;
    const script = `${many} ${folder === null || !adoptable ? '' : device} process.stderr.write('no end of line'); process.exitCode = 3`;
    const { lines, find, supervisor } = runWith(t, folder, [application(script)]);
    await until('it has started', () => find('instance_started'));
    assert.equal(supervisor.records().length, adoptable ? 1 : 0);
    const exited = await until('the exit', () => find('instance_exited'));
    assert.deepEqual([exited.evidence.code, exited.evidence.output.length], [3, 200]);
    assert.equal(lines.filter((line) => line.startsWith('line ')).length, 2_000);
    assert.deepEqual([lines.includes('by its device'), lines.includes('no end of line')], [adoptable, true]);
  });
}

test('while no process reads its output, a program writes on; the next reader gets all of it', linuxOnly, async (t) => {
  const prints =
    "let n = 0; process.on('SIGUSR2', () => { for (let i = 0; i < 100; i++) console.log('line', n++); console.error('done', n) });";
  const first = run(t, application(server(prints)));
  await until('ready', first.ready);
  const { pid } = first.find('instance_started')?.evidence ?? { pid: 0 };
  const records = first.supervisor.detach();
  process.kill(pid, 'SIGUSR2');
  const second = run(t);
  assert.equal(second.supervisor.adopt(records, 0).length, 1);
  second.supervisor.apply([application(server(prints))]);
  await until('all lines', () => second.lines.includes('done 100'));
  await until('all lines', () => second.lines.filter((line) => line.startsWith('line ')).length === 100);
  assert.deepEqual(first.lines, []);
  assert.equal(second.ready(), true);
  const seen = new Promise<number>((resolve) =>
    second.supervisor.onChange(() => second.first()?.state === 'unhealthy' && resolve(performance.now())),
  );
  const killedAt = performance.now();
  process.kill(pid, 'SIGKILL');
  assert.ok((await seen) - killedAt < 500);
  const exited = await until('its last words', () => second.find('instance_exited'));
  assert.deepEqual([exited.evidence.code, exited.evidence.signal], [null, null]);
});

/** Candor in a process of its own, to be killed. Prints the application's lines. */
const candor = (spec: ApplicationSpec) => `
import { createSupervisor } from ${JSON.stringify(import.meta.resolve('./supervisor.ts'))};
import { createSystemHost } from ${JSON.stringify(import.meta.resolve('./system-host.ts'))};
import { createSystemChecker } from ${JSON.stringify(import.meta.resolve('./system-checker.test-support.ts'))};
import { systemClock } from ${JSON.stringify(import.meta.resolve('../testing/system.ts'))};
import { SeededRandom } from ${JSON.stringify(import.meta.resolve('../testing/seeded-random.ts'))};
const tell = ({ kind, evidence }) => { if (kind === 'instance_started') console.log('application', evidence.pid); };
createSupervisor({
  applications: [${JSON.stringify(spec)}], clock: systemClock, random: new SeededRandom(1), events: { emit: tell },
  host: createSystemHost(systemClock, createSystemChecker()), onLine: (instance, stream, line) => console.log(line),
}).start();`;

async function killCandor(context: TestContext, spec: ApplicationSpec): Promise<readonly number[]> {
  const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', candor(spec)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  context.after(() => parent.kill('SIGKILL'));
  const pids = new Map<string, number>();
  createInterface({ input: parent.stdout }).on('line', (line) => {
    const [name = '', pid] = line.split(' ');
    pids.set(name, Number(pid));
  });
  const running = await until('application and grandchild', () => pids.size === 2 && [...pids.values()]);
  assert.ok(running.every(isRunning));
  const watchdogs = await until('the watchdog', () =>
    childrenOf(parent.pid ?? 0).filter((pid) => !running.includes(pid)),
  );
  assert.equal(watchdogs.length, 1);
  parent.kill('SIGKILL');
  return [...running, ...watchdogs];
}

function childrenOf(parent: number): readonly number[] {
  return readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((text) => text !== '')
    .map(Number);
}

test(
  'killing Candor leaves no orphan: application, grandchild and watchdog are gone within 2 s',
  linuxOnly,
  async (t) => {
    const pids = await killCandor(t, application(server(withGrandchild(''))));
    const killedAt = performance.now();
    await until('all gone', () => !pids.some(isRunning));
    assert.ok(performance.now() - killedAt < 2_000);
  },
);

test('killing Candor leaves no orphan even of a program that refuses to stop', linuxOnly, async (t) => {
  const refuses = "process.on('SIGTERM', () => {})";
  const pids = await killCandor(t, application(server(`${refuses}; ${withGrandchild(refuses)}`), { stopMs: 200 }));
  await until('all gone', () => !pids.some(isRunning));
});
