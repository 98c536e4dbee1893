// Starts processes: the commands that serve are tested with their signals, outputs and exit codes.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request, type RequestOptions } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { demoPaths } from '../../src/cli/demo.ts';
import { FakeProcessContext } from '../fakes/fake-process-context.ts';
import { asUnderNpm } from '../fakes/under-npm.ts';
import { freePort } from '../free-port.ts';
import { candorProgram as program } from '../program.ts';
import { isWholeSweep, sampled } from '../../src/testing/sweep.test-support.ts';

/** The commands that serve, as real processes with the real gateway. */

/** The time until a person's second Ctrl-C. A signal that comes much sooner is a copy of the first. */
const secondWishMs = 1000;

let folder: string;
let started: Candor[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-serving-'));
  started = [];
});

afterEach(async () => {
  for (const candor of started) await candor.end();
  rmSync(folder, { recursive: true, force: true });
});

class Candor {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  stdout = '';
  stderr = '';
  #waiting = new Set<() => void>();
  readonly #detached: boolean;

  constructor(argv: readonly string[], detached = false) {
    this.#detached = detached;
    // Without the compile cache, each of these processes would mostly compile Candor.
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    const env = { PATH, NODE_COMPILE_CACHE, HOME: folder, TMPDIR: folder, XDG_RUNTIME_DIR: folder };
    this.child = spawn(process.execPath, argv, { cwd: folder, env, detached, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.setEncoding('utf8').on('data', (text) => this.#came('stdout', text));
    this.child.stderr?.setEncoding('utf8').on('data', (text) => this.#came('stderr', text));
    this.exited = once(this.child, 'close').then(([code]) => {
      for (const look of this.#waiting) look();
      return code as number | null;
    });
  }

  #came(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    for (const look of this.#waiting) look();
  }

  /** Waits until the output contains it. Fails if the process ends before. */
  async until(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this[stream]);
      if (found !== null) return found;
      assert.equal(this.child.exitCode, null, `ended before ${pattern}:\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#waiting.delete(look);
          resolve();
        };
        this.#waiting.add(look);
      });
    }
  }

  /** As the terminal does at Ctrl-C: sends a signal to every process of its group. */
  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-(this.child.pid as number), signal);
  }

  async end(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      if (this.#detached) this.signalGroup('SIGKILL');
      else this.child.kill('SIGKILL');
    }
    await this.exited;
  }
}

function start(...argv: string[]): Candor {
  return keep(new Candor([program, ...argv]));
}

/** As npm starts it: as the child of a process that passes signals on, both in a process group of their own. */
function startInGroup(...argv: string[]): Candor {
  return keep(new Candor(asUnderNpm(argv), true));
}

function keep(candor: Candor): Candor {
  started.push(candor);
  return candor;
}

/** Runs a command to its end. */
async function run(...argv: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const one = start(...argv);
  const code = await one.exited;
  return { code, stdout: one.stdout, stderr: one.stderr };
}

/** Asks the gateway by a command in this process: what a process of its own adds is in `run`, and takes half a second. */
async function candor(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const context = new FakeProcessContext(folder, { env: { HOME: folder, XDG_RUNTIME_DIR: folder } });
  const code = await context.candor(...argv);
  return { code, stdout: context.stdout.text, stderr: context.stderr.text };
}

interface Answer {
  readonly status: number;
  readonly fields: IncomingMessage['headers'];
  readonly text: string;
}

function get(port: number, path: string): Promise<Answer> {
  return answerTo({ host: '127.0.0.1', port, path });
}

async function answerTo(options: RequestOptions): Promise<Answer> {
  const sent = request({ ...options, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode ?? 0, fields: response.headers, text };
}

/** Answers `/slow` once a file exists that says so, after the whole request has come. */
const application = `
  const endWhenAllowed = (response) => {
    if (require('fs').existsSync('go')) response.end('slow\\n');
    else setTimeout(endWhenAllowed, 50, response);
  };
  require('http').createServer((request, response) => {
    if (request.url === '/die') process.exit(3);
    if (request.url === '/print') console.log('printed');
    if (request.url === '/slow') return request.resume().on('end', () => endWhenAllowed(response));
    response.end('hello from ' + request.url + '\\n');
  }).listen(process.env.PORT, '127.0.0.1', () => console.log('listening'));
`;

async function startRun(port: number, begin = start): Promise<Candor> {
  const running = begin('run', '--port', String(port), '--', process.execPath, '-e', application);
  await running.until('stderr', /"kind":"instance_ready"/);
  await serves(running);
  // The worker may see the instance later than readers of events.
  const [, listened] = await running.until('stderr', /listening on 127\.0\.0\.1:(\d+)/);
  await until(async () => (await get(Number(listened), '/')).status === 200);
  return running;
}

/** Waits until listeners and admin socket are open. */
async function serves(running: Candor): Promise<void> {
  await running.until('stderr', /"kind":"configuration_applied"/);
  const sockets = join(folder, 'candor');
  await until(async () => existsSync(sockets) && readdirSync(sockets).some((name) => name.endsWith('.sock')));
}

/** Requests the status without `candor status`, which has its own tests and takes half a second each time. */
async function exchangesActive(): Promise<number> {
  const sockets = join(folder, 'candor');
  const name = readdirSync(sockets).find((entry) => entry.endsWith('.sock'));
  assert.ok(name !== undefined, 'no admin socket');
  const { text } = await answerTo({ socketPath: join(sockets, name), path: '/v1/status' });
  const { workers } = JSON.parse(text) as { workers: { exchanges_active: number }[] };
  return workers.reduce((sum, { exchanges_active }) => sum + exchanges_active, 0);
}

async function exchangeRuns(): Promise<boolean> {
  return (await exchangesActive()) > 0;
}

describe('candor run', () => {
  test('serves a command at the next port if its port is taken, prefixes its output with its name, and says which process holds the port; status and explain find it without the name of its socket; it ends with 0 on SIGTERM, after a request in flight', async (context) => {
    const server = createServer();
    context.after(() => server.close());
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
    const { port: taken } = server.address() as { port: number };
    const running = await startRun(taken);
    assert.match(
      running.stderr,
      new RegExp(`127\\.0\\.0\\.1:${taken} is taken: .*\\(pid ${process.pid}\\) listens there`),
    );
    const [, next] = await running.until('stderr', /Taking port (\d+) instead/);
    const port = Number(next);
    const there = await get(port, '/there');
    assert.deepEqual([there.status, there.text], [200, 'hello from /there\n']);
    await running.until('stdout', /^app\/1 \| listening$/m);
    const answer = await get(port, '/die');
    // The second attempt may come after the main thread has seen the exit. Then no instance is ready.
    assert.ok(answer.status === 502 || answer.status === 503, String(answer.status));
    const id = String(answer.fields['x-request-id']);
    const explained = await candor('explain', id);
    assert.equal(explained.code, 0, explained.stderr);
    assert.match(
      explained.stdout,
      new RegExp(`^GET 127\\.0\\.0\\.1:${port}/die ${answer.status}\\n {2}.+\\n {2}${id}`),
    );
    assert.match(explained.stdout, /VERDICT {2}(reset|unreachable|declined)/);
    const status = await candor('status', '--json');
    assert.equal(JSON.parse(status.stdout).applications[0].id, 'app');
    const unknown = await candor('explain', 'nothing');
    assert.equal(unknown.code, 9);
    // It was ready once, so that it is started again.
    await running.until('stderr', /"kind":"instance_restarting"/);
    await until(async () => (await get(port, '/')).status === 200);
    const slow = get(port, '/slow');
    await until(exchangeRuns);
    running.child.kill('SIGTERM');
    await running.until('stderr', /"kind":"process_stopping"/);
    letSlowEnd();
    assert.equal((await slow).text, 'slow\n');
    assert.equal(await running.exited, 0);
    assert.deepEqual(readdirSync(join(folder, 'candor')), []);
  });

  // `npm test` shows it below, where the signal comes to the whole process group.
  if (isWholeSweep)
    test('force closes a request in flight on a second signal', async () => {
      const port = await freePort();
      const stuck = await startRun(port);
      beginUpload(port);
      await until(exchangeRuns);
      stuck.child.kill('SIGINT');
      await stuck.until('stderr', /"kind":"process_stopping"/);
      await passed(secondWishMs);
      stuck.child.kill('SIGINT');
      assert.equal(await stuck.exited, 130);
    });

  const ends: readonly [what: string, command: readonly string[], code: number, says: RegExp][] = [
    [
      'that is nowhere',
      ['no-such-program'],
      127,
      /^`no-such-program` could not be started: .* is in no\s+directory\s+of\s+PATH: check its\s+name, or\s+write\s+its\s+path\.$/m,
    ],
    [
      'that may not be executed',
      ['./notes.txt'],
      126,
      /^`\.\/notes\.txt` could not be started: .* is\s+not\s+executable/m,
    ],
    [
      'that fails before it was ever ready',
      [process.execPath, '-e', 'console.error("no database"); process.exit(3)'],
      3,
      /ended with exit code 3 before it was ready to serve\.\nno database$/m,
    ],
    [
      'that ends with 0 before it was ready',
      [process.execPath, '-e', '0'],
      0,
      /exit code 0[\s\S]*must stay in the\s+foreground/,
    ],
    [
      'that is killed before it was ready',
      [process.execPath, '-e', 'process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000)'],
      143,
      /was\s+killed\s+by\s+SIGTERM/,
    ],
  ];
  for (const [what, command, expected, says] of sampled(ends, 3)) {
    test(`ends with code ${expected} and the last output of a command ${what}, and starts it only once`, async () => {
      writeFileSync(join(folder, 'notes.txt'), 'no program\n', { mode: 0o644 });
      const { code, stderr } = await run('run', '--port', '0', '--', ...command);
      assert.equal(code, expected, stderr);
      assert.match(reasonsIn(stderr), says);
      assert.doesNotMatch(stderr, /instance_restarting|^\s+at /m);
      // A gateway that has served nothing does not tell how it drains: what failed is the last line.
      assert.doesNotMatch(stderr, /"kind":"(?:process_stopping|drain_phase)"/);
      assert.match(stderr.trimEnd().split('\n').at(-1) ?? '', /"kind":"command_failed"/);
      assert.ok((stderr.match(/"kind":"instance_(?:started|not_started)"/g) ?? []).length === 1, stderr);
    });
  }

  const stops = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const;
  for (const [signal, code] of sampled(stops, 2)) {
    test(`lets a request in flight finish if ${signal} comes to the whole process group; a second signal force closes it`, async () => {
      const port = await freePort();
      const running = await startRun(port, startInGroup);
      const slow = get(port, '/slow');
      beginUpload(port);
      await until(async () => (await exchangesActive()) === 2);
      running.signalGroup(signal);
      await running.until('stderr', /"kind":"process_stopping"/);
      letSlowEnd();
      const answer = await slow;
      assert.deepEqual([answer.status, answer.text], [200, 'slow\n']);
      await passed(secondWishMs);
      assert.equal(running.child.exitCode, null);
      running.signalGroup(signal);
      assert.equal(await running.exited, code);
      if (!isWholeSweep) return;

      rmSync(join(folder, 'go'));
      const ends = await startRun(port, startInGroup);
      const last = get(port, '/slow');
      await until(exchangeRuns);
      ends.signalGroup(signal);
      await ends.until('stderr', /"kind":"process_stopping"/);
      letSlowEnd();
      assert.equal((await last).text, 'slow\n');
      assert.equal(await ends.exited, 0);
    });
  }
});

/** Parses lines of JSON, with the output of the command. A line that is not JSON fails the test. */
function reasonsIn(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line !== '');
  const told = lines.map((line) => JSON.parse(line) as { reason: string; evidence?: { output?: readonly string[] } });
  return told.flatMap(({ reason, evidence }) => [reason, ...(evidence?.output ?? [])]).join('\n');
}

/** From now on requests for `/slow` are answered. */
function letSlowEnd(): void {
  writeFileSync(join(folder, 'go'), '');
}

/** A request that does not finish by itself. */
function beginUpload(port: number): void {
  const sent = request({ host: '127.0.0.1', port, path: '/slow', method: 'POST', headers: { 'Content-Length': '5' } });
  sent.on('error', () => {});
  sent.flushHeaders();
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  // Polling without a pause would take processor time from the processes under test.
  while (!(await holds())) await passed(50);
}

describe('candor up', () => {
  const configuration = (port: number, text: string): string =>
    `listeners: { http: "127.0.0.1:${port}" }\nworkers: 1\nroutes:\n  - respond: { body: "${text}" }\n`;

  test('serves a configuration, reloads it by command and by SIGHUP, with warnings, keeps the old one if the new one has errors, and goes on where another one is started with the same socket', async () => {
    const port = await freePort();
    const file = join(folder, 'candor.yaml');
    writeFileSync(file, configuration(port, 'one'));
    const running = start('up', '-c', 'candor.yaml');
    await serves(running);
    assert.equal((await get(port, '/')).text, 'one');

    writeFileSync(file, configuration(port, 'two'));
    const reloaded = await candor('reload');
    assert.equal(reloaded.code, 0, reloaded.stderr);
    assert.match(reloaded.stdout, /^Revision 2 is active\. Changed: /);
    assert.equal((await get(port, '/')).text, 'two');

    writeFileSync(file, configuration(port, 'three'));
    running.child.kill('SIGHUP');
    await running.until('stderr', /"kind":"configuration_applied".*"actor":"signal:SIGHUP"/);
    assert.equal((await get(port, '/')).text, 'three');

    // With the same warnings in the text and in the JSON.
    writeFileSync(file, `${configuration(port, 'three')}  - { path: /two, respond: { body: "never" } }\n`);
    const { stdout, stderr, code } = await candor('reload', '--json');
    assert.equal(code, 0, stderr);
    const { ok, revision, warnings } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([ok, revision], [true, 4]);
    assert.match(String(warnings), /this route is never taken/);
    assert.match((await candor('reload')).stderr.replaceAll(/\s+/g, ' '), /^warning: .*this route is never taken/);

    writeFileSync(file, 'routs: []\n');
    const wrong = await candor('reload');
    assert.equal(wrong.code, 4);
    assert.match(wrong.stderr, /candor\.yaml:1:1: unknown key "routs" \(did you mean "routes"\?\)/);
    assert.equal((await get(port, '/')).text, 'three');
    const events = await candor('events', '--json');
    assert.match(events.stdout, /"kind":"configuration_rejected"/);

    // A signal gets no answer: events and the status say what is wrong with the file.
    writeFileSync(file, `${configuration(port, 'three')}\nrouts: []\n`);
    running.child.kill('SIGHUP');
    await running.until(
      'stderr',
      /"signal:SIGHUP".*the configuration was refused: .*candor\.yaml:\d+:1: unknown key .*did you mean/,
    );
    const shown = await candor('status');
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(
      shown.stdout.replaceAll(/\s+/g, ' '),
      /PROBLEMS .*candor\.yaml was refused, and an earlier configuration is active: .*unknown key "routs"/,
    );

    // Twice with the same socket: the second ends with 1, the first continues.
    writeFileSync(file, configuration(await freePort(), 'four'));
    const second = await run('up');
    assert.equal(second.code, 1);
    assert.match(second.stderr, /Another gateway answers at the admin socket/);
    assert.equal((await get(port, '/')).text, 'three');
    assert.equal((await candor('status')).code, 0);
  });

  test('handles a SIGHUP or SIGUSR2 that comes during its start once it serves, reopens its log on SIGUSR2, and prints no warning of Node when it starts, serves and stops', async () => {
    const port = await freePort();
    writeFileSync(join(folder, 'candor.yaml'), configuration(port, 'one'));
    const running = start('up', '-c', 'candor.yaml');
    await running.until('stderr', /"kind":"process_started"/);
    // It has been read already.
    writeFileSync(join(folder, 'candor.yaml'), configuration(port, 'two'));
    for (const signal of ['SIGUSR2', 'SIGHUP'] as const) running.child.kill(signal);
    await running.until('stderr', /"kind":"configuration_applied".*"actor":"signal:SIGHUP"/);
    await running.until('stderr', /"kind":"admin_action".*"actor":"signal:SIGUSR2"/);
    assert.equal((await get(port, '/')).text, 'two');
    const log = join(folder, 'candor.log');
    rmSync(log);
    await until(async () => {
      running.child.kill('SIGUSR2');
      return existsSync(log);
    });
    running.child.kill('SIGTERM');
    assert.equal(await running.exited, 0);
    assert.doesNotMatch(running.stdout + running.stderr, /warning|deprecat|DEP\d{4}/i);
  });

  test('with its log on standard output prints nothing but JSON lines on both outputs, also from a reload on', async () => {
    const port = await freePort();
    const command = JSON.stringify([process.execPath, '-e', `${application} console.error('on stderr');`]);
    const text = (log: string): string =>
      `listeners: { http: "127.0.0.1:${port}" }\nworkers: 1\napplications: { app: { command: ${command}, readiness: /healthz } }\nroutes: [{ to: app }]\nlog: { path: "${log}" }\n`;
    writeFileSync(join(folder, 'candor.yaml'), text('none'));
    const running = start('up');
    await running.until('stdout', /^app\/1 \| listening$/m);
    await serves(running);
    const before = running.stdout.length;
    writeFileSync(join(folder, 'candor.yaml'), text('-'));
    running.child.kill('SIGHUP');
    await running.until('stderr', /"kind":"configuration_applied".*"actor":"signal:SIGHUP"/);
    await until(async () => (await get(port, '/print')).status === 200);
    await running.until('stdout', /\/print/);
    await running.until(
      'stderr',
      /"kind":"instance_output","subject":"instance:app\/\d+","stream":"stdout","reason":"printed"/,
    );
    running.child.kill('SIGTERM');
    assert.equal(await running.exited, 0);
    const lines = `${running.stdout.slice(before)}${running.stderr}`.trimEnd().split('\n');
    for (const line of lines) assert.equal(typeof (JSON.parse(line) as { at: unknown }).at, 'string', line);
    assert.match(
      running.stderr,
      /"kind":"instance_output","subject":"instance:app\/1","stream":"stderr","reason":"on stderr"/,
    );
  });

  // `npm test` shows it in memory (`src/cli/stderr-format.test.ts`).
  if (isWholeSweep)
    test('with an invalid file ends with 4, and shows all errors', async () => {
      writeFileSync(join(folder, 'candor.yaml'), 'routs: []\nlistenrs: {}\n');
      const { code, stderr } = await run('up');
      assert.equal(code, 4);
      assert.match(stderr, /routs[\s\S]*listenrs[\s\S]*Nothing was started/);
    });

  // `bad-start.test.ts` has one.
  if (isWholeSweep)
    test('at a taken port ends with 1 and says which process holds it', async (context) => {
      const server = createServer();
      context.after(() => server.close());
      await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
      const { port } = server.address() as { port: number };
      writeFileSync(join(folder, 'candor.yaml'), configuration(port, 'one'));
      const { code, stderr } = await run('up');
      assert.equal(code, 1);
      assert.match(stderr, new RegExp(`is taken: .*\\(pid ${process.pid}\\) listens there\\.`));
      assert.doesNotMatch(stderr, /^\s+at /m);
      await new Promise((resolve) => server.close(resolve));
    });
});

// `npm test` shows it by the lines of the README (`test/readme/readme.test.ts`).
if (isWholeSweep)
  describe('candor demo', () => {
    const expected: Record<string, [status: number, proxyStatus: RegExp | null, content: RegExp]> = {
      '/': [200, null, /This page works/],
      '/demo/unreachable': [502, /^demo;error=connection_refused/, /refused/],
      '/demo/too-slow': [504, /^demo;error=http_response_timeout/, /2 s/],
      '/demo/reset': [502, /^demo;error=connection_terminated/, /reset/],
      '/demo/garbage': [502, /^demo;error=http_protocol_error/, /not HTTP/],
      '/demo/maintenance': [503, /^demo;error=/, /being painted/],
    };

    test('shows each kind of failure that its curl lines promise, and leaves no files or processes', async () => {
      const port = await freePort();
      const running = start('demo', '--port', String(port));
      await running.until('stdout', /Ctrl-C ends the demo/);
      for (const [path] of demoPaths)
        assert.ok(running.stdout.includes(`curl -i http://localhost:${port}${path} `), path);

      const ids: string[] = [];
      for (const [path, [status, proxyStatus, content]] of Object.entries(expected)) {
        const answer = await get(port, path);
        assert.equal(answer.status, status, path);
        assert.match(answer.text, content);
        if (proxyStatus === null) assert.equal(answer.fields['proxy-status'], undefined);
        else assert.match(String(answer.fields['proxy-status']), proxyStatus);
        ids.push(String(answer.fields['x-request-id']));
      }
      const explained = await candor('explain', ids[4] ?? '');
      assert.match(explained.stdout, /0000 .*\|SSH-2\.0-OpenSSH_\|[\s\S]*VERDICT {2}garbage/);

      running.child.kill('SIGINT');
      assert.equal(await running.exited, 0);
      assert.deepEqual(readdirSync(folder), ['candor']);
      assert.deepEqual(readdirSync(join(folder, 'candor')), []);
    });
  });
