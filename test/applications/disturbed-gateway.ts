import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { losableEnvironment, loseWorker } from '../stack/lose-worker.ts';
import type { Blow, Operation, Piece } from './disturbances.ts';
import { JobTicks } from './job-ticks.ts';
import { isWatchdog, type MarkedProcess, MarkedProcesses, markVariable } from './marked-processes.ts';

// A gateway with an instance, a worker, jobs, secrets and a static release, as processes that can be killed, frozen and starved.

const server = `const { createServer } = require('node:http');
const { createHash } = require('node:crypto');
const digest = (text) => createHash('sha256').update(text).digest('hex');
const file = digest(require('node:fs').readFileSync(process.env.PASSWORD_FILE));
createServer((_, response) => response.end(JSON.stringify({ variable: digest(process.env.PASSWORD), file })))
  .listen(process.env.PORT, '127.0.0.1');`;
const worker = `cat "$PASSWORD_FILE" > /dev/null || exit 1\necho waiting\nwhile :; do sleep 1; done\n`;
/** Says when it was due, in one write. */
const tick = `echo "$CANDOR_JOB_DUE_AT" >> ran\ncat "$PASSWORD_FILE" > /dev/null || exit 1\nsleep 0.3\n`;
const long = `echo begun\nsleep 2\n`;

/** More than a gateway and its programs take on a busy machine at idle priority. */
const steadyMs = 60_000;
const blowMs = 800;
/** A release leaves 256 MiB free. */
const diskBytes = 320 * 1024 * 1024;
const fillBytes = 4 * 1024 * 1024;

interface Settings {
  /** Of the programs: `none`, `strict`. */
  readonly isolation: string;
  /** `bin/candor`. */
  readonly program: string;
  /** The state folder is a file system of its own, which can be full: needs root. */
  readonly disk: boolean;
}

export class DisturbedGateway {
  readonly folder = mkdtempSync(join(tmpdir(), 'candor-disturbed-'));
  readonly #mark = randomUUID();
  readonly #processes = new MarkedProcesses(this.#mark);
  readonly #settings: Settings;
  readonly #started: ChildProcess[] = [];
  readonly #ticks = new JobTicks(this.folder);
  /** Written by every process of the gateway. */
  stderr = '';
  /** Values that programs may have, as digests: the last one that was set, and those whose setting has failed since. */
  #passwords: readonly string[] = [];
  /** Number of the release of the static application that was seen last. */
  #text = 0;
  #count = 0;
  readonly #refused: string[] = [];
  /** Every value that the secret had. */
  readonly #values: string[] = [];

  constructor(settings: Settings) {
    this.#settings = settings;
    for (const name of ['state', 'tmp', 'site']) mkdirSync(join(this.folder, name));
    if (settings.disk) mount(join(this.folder, 'state'));
    const files = { 'server.cjs': server, 'worker.sh': worker, 'tick.sh': tick, 'long.sh': long };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
    writeFileSync(join(this.folder, 'site', 'index.html'), 'text 0');
    this.#configure();
  }

  #configure(): void {
    const { isolation } = this.#settings;
    const node = JSON.stringify(process.execPath);
    writeFileSync(
      join(this.folder, 'candor.yaml'),
      `state: ./state
workers: 1
listeners: { http: "127.0.0.1:0" }
admin: { socket: ./admin.sock }
log: { path: ./access.log }
drain: { lame_duck: 1ms, timeout: 4s }
applications:
  shop:
    command: [${node}, server.cjs]
    environment: { ROUND: "${this.#count}", NODE_OPTIONS: "" }
    isolation: ${isolation}
    stop_timeout: 1s
    readiness: { path: /, interval: 50ms, passes: 1 }
    limits: { memory: 400MiB, processes: 64 }
    secrets: { PASSWORD: password, PASSWORD_FILE: { secret: password, as: file } }
    workers: { mail: { command: [sh, worker.sh], ready: { line: waiting } } }
    jobs:
      tick: { command: [sh, tick.sh], schedule: "* * * * * *", overlap: allow }
      long: { command: [sh, long.sh] }
  site: { directory: ./site, static: { root: . }, releases: { warm: none } }
routes: [{ path: /site, to: site, rewrite: { path: / } }, { to: shop }]
`,
    );
  }

  /** Starts it for the first time, with a secret. */
  async begin(): Promise<void> {
    this.#start();
    await this.#until('the admin socket', async () => (await this.#status()) !== null);
    await this.#do('secret');
    await this.steady();
  }

  /** Does the operation, and the blow so long after its beginning. Broken promises, as sentences. */
  async disturb(operation: Operation, blow: Blow, afterMs: number): Promise<void> {
    const done = this.#do(operation);
    await sleep(afterMs);
    await this.#strike(blow);
    await done;
    await this.steady();
  }

  /** Resolves when everything runs once, and the jobs go on; throws a sentence if it does not come to that. */
  async steady(): Promise<void> {
    const ticksBefore = this.#ticks.ran.length;
    let why = '';
    await this.#until(
      () => `one of everything: ${why}`,
      async () => {
        why = (await this.#unsteadyBecause()) ?? (this.#ticks.ran.length > ticksBefore ? '' : 'the job does not run');
        return why === '';
      },
    );
    const broken = this.#ticks.broken();
    if (broken.length > 0) throw new Error(broken.join('; '));
  }

  async #unsteadyBecause(): Promise<string | null> {
    const status = await this.#status();
    if (status === null && this.#of('gateway').length === 0) this.#start();
    if (status?.state !== 'serving') return 'no gateway serves';
    const gateways = this.#of('gateway');
    if (gateways.length !== 1 || gateways[0]?.pid !== status.pid) return `${gateways.length} gateways`;
    for (const { id, wanted, instances } of status.applications) {
      if (id === 'site') continue;
      const running = this.#of(id === 'shop' ? 'instance' : 'worker').length;
      if (running !== wanted) return `${running} processes of ${id}, not ${wanted}`;
      if (instances.some(({ phase }) => phase !== 'ready')) return `${id} is not ready`;
    }
    const port = Number(/\d+$/.exec(status.listeners[0]?.address ?? '')?.[0]);
    const get = (path: string): Promise<string> => this.#send({ host: '127.0.0.1', port, path }, null, 3000);
    const { variable, file } = JSON.parse(await get('/')) as { variable: string; file: string };
    if (variable !== file || !this.#passwords.includes(variable)) return 'an instance has another secret';
    const text = await get('/site/');
    // A release that was accepted is rolled out later, and no earlier one comes back.
    if (Number(text.split(' ')[1]) < this.#text) return `the site has "${text}" again`;
    this.#text = Number(text.split(' ')[1]);
    await this.#ask('GET', '/v1/secrets');
    // Of a process that was stopped, the next one takes them.
    if (readdirSync(join(this.folder, 'state', 'jobs')).some((name) => name.startsWith('ended.')))
      return 'ends of runs were not taken';
    return null;
  }

  /** Never rejects: an operation may fail while pieces of the gateway do. */
  async #do(operation: Operation): Promise<void> {
    this.#count += 1;
    const count = this.#count;
    const post = async (path: string, body: object | null = null): Promise<boolean> =>
      this.#ask('POST', path, body).then(
        () => true,
        (error: Error) => {
          // Then the operation is wrong, and shows nothing.
          if (/^4(?!09)/.test(error.message)) this.#refused.push(`${path}: ${error.message}`);
          return false;
        },
      );
    switch (operation) {
      case 'none':
        return;
      case 'start':
        for (const { pid } of this.#of('gateway')) signal(pid, 'SIGKILL');
        this.#start();
        return;
      case 'tick': {
        const before = this.#ticks.ran.length;
        for (let looks = 0; looks < 150 && this.#ticks.ran.length === before; looks += 1) await sleep(10);
        return;
      }
      case 'job':
        return void (await post('/v1/jobs/run', { job: 'shop.long' }));
      case 'reload':
        this.#configure();
        return void (await post('/v1/reload'));
      case 'secret': {
        const value = `K9-canary-value-${count}`;
        this.#values.push(value);
        const digest = createHash('sha256').update(value).digest('hex');
        this.#passwords = [...this.#passwords, digest];
        if (await post('/v1/secrets/set', { values: { password: value } })) this.#passwords = [digest];
        return;
      }
      case 'rotate-key':
        return void (await post('/v1/secrets/rotate-key'));
      case 'scale':
        return void (await post('/v1/overlay/scale', { application: 'shop', instances: 1 + (count % 2) }));
      case 'restart':
        return void (await post('/v1/instances/restart', { instance: 'shop' }));
      case 'deploy': {
        writeFileSync(join(this.folder, 'site', 'index.html'), `text ${count}`);
        const from = { kind: 'folder', path: join(this.folder, 'site') };
        return void (await post('/v1/releases/deploy', { application: 'site', from }));
      }
      case 'upgrade':
        return void (await post('/v1/upgrade?timeout=20'));
      case 'stop':
        return void (await post('/v1/stop'));
    }
  }

  async #strike(blow: Blow): Promise<void> {
    if (blow.kind === 'disk') {
      const file = join(this.folder, 'state', 'full');
      for (let bytes = fillBytes; bytes >= 1; bytes = bytes > 4096 ? 4096 : 0)
        try {
          for (;;) appendFileSync(file, Buffer.alloc(bytes));
        } catch {
          // So many bytes are not left.
        }
      await sleep(blowMs);
      return rmSync(file, { force: true });
    }
    const at = 'at' in blow ? blow.at : 'gateway';
    const found = at === 'successor' || at === 'newest' ? this.#of(at).at(-1) : this.#of(at)[0];
    if (found === undefined) return;
    const { pid } = found;
    if (blow.kind === 'kill') signal(pid, 'SIGKILL');
    else if (blow.kind === 'freeze') {
      signal(pid, 'SIGSTOP');
      await sleep(blowMs);
      signal(pid, 'SIGCONT');
    } else if (blow.kind === 'thread') await loseWorker(this.folder, pid).catch(() => undefined);
    else await withFewDescriptors(pid);
  }

  #of(piece: Piece): readonly MarkedProcess[] {
    const all = this.#processes.all();
    if (piece === 'newest') return all.filter((one) => !isGateway(one));
    if (piece === 'gateway' || piece === 'successor') return all.filter(isGateway);
    return all.filter((one) => isPiece[piece](one));
  }

  #start(): void {
    const { PATH, NODE_COMPILE_CACHE = '' } = process.env;
    const env = { PATH, NODE_COMPILE_CACHE, HOME: this.folder, TMPDIR: join(this.folder, 'tmp') };
    const child = spawn(process.execPath, [this.#settings.program, 'up'], {
      cwd: this.folder,
      env: { ...env, ...losableEnvironment(this.folder), [markVariable]: this.#mark },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#ticks.readEvents(text);
    });
    this.#started.push(child);
  }

  /** What it has printed last, besides runs of the job that is due each second. */
  get lastWords(): string {
    const lines = this.stderr
      .split('\n')
      .filter((line) => !/"kind":"(?:job_started|job_ended|endpoint_state)"/.test(line));
    const short = lines.map((line) => /"kind":"(\w+)".*"reason":(.*)\}$/.exec(line)?.slice(1).join(': ') ?? line);
    return short.slice(-30).join('\n  ');
  }

  /** Stops it. What it has left behind, and values of secrets that stand in a file or in what it has printed, as sentences. */
  async end(): Promise<readonly string[]> {
    try {
      await this.#do('stop');
      const isOver = (): boolean => this.#processes.all().length === 0;
      for (let looks = 0; looks < 200 && !isOver(); looks += 1) await sleep(100);
      return [...this.#left(), ...this.#ticks.broken(), ...this.#shown(), ...this.#refused];
    } finally {
      for (const { pid } of this.#processes.all()) signal(pid, 'SIGKILL');
      if (this.#settings.disk) execFileSync('umount', ['--lazy', join(this.folder, 'state')]);
      rmSync(this.folder, { recursive: true, force: true });
    }
  }

  #left(): readonly string[] {
    const key = createHash('sha256').update(join(this.folder, 'state')).digest('hex').slice(0, 12);
    const secrets = join('/dev/shm', `candor-${process.geteuid?.() ?? 0}-${key}`);
    const names = (folder: string): readonly string[] =>
      existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];
    const temporary = names(join(this.folder, 'state')).filter((name) =>
      // A file that a killed process was about to replace: the next write replaces both.
      /\/.*\.new$|\.sock$/.test(name),
    );
    return [
      ...this.#processes.all().map(({ pid, words }) => `process ${pid} runs on: ${words.join(' ').slice(0, 100)}`),
      ...groupsWith(key).map((path) => `the control group ${path} is left`),
      ...(existsSync(secrets) ? names(secrets).map((name) => `${secrets}/${name} is left`) : []),
      ...temporary.map((name) => `state/${name} is left`),
      ...names(join(this.folder, 'tmp')).map((name) => `the temporary file ${name} is left`),
      ...(existsSync(join(this.folder, 'admin.sock')) ? ['the admin socket is left'] : []),
    ];
  }

  #shown(): readonly string[] {
    const paths = readdirSync(this.folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const texts = [...paths.map((path): [string, string] => [path, readFileSync(path, 'latin1')])];
    return [...texts, ['what it prints', this.stderr] as const].flatMap(([name, text]) => [
      ...(this.#values.some((value) => text.includes(value)) ? [`${name} has a secret`] : []),
      ...(/^.*\n(?: +at .*\n?){1,3}/m.exec(text) ?? []).map((stack) => `${name} has a stack trace: ${stack}`),
    ]);
  }

  async #status(): Promise<Status | null> {
    return (this.#ask('GET', '/v1/status', null, 3000) as Promise<Status>).catch(() => null);
  }

  async #ask(method: string, path: string, body: object | null = null, ms = 45_000): Promise<unknown> {
    const text = await this.#send({ socketPath: join(this.folder, 'admin.sock'), method, path }, body, ms);
    return method === 'GET' ? JSON.parse(text) : text;
  }

  async #send(options: object, body: object | null, ms: number): Promise<string> {
    const headers = body === null ? {} : { 'Content-Type': 'application/json' };
    const sent = request({ agent: false, headers, ...options, signal: AbortSignal.timeout(ms) });
    sent.end(body === null ? undefined : JSON.stringify(body));
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk as string;
    if ((response.statusCode ?? 500) >= 300) throw new Error(`${response.statusCode}: ${text}`);
    return text;
  }

  async #until(what: string | (() => string), holds: () => Promise<boolean>): Promise<void> {
    for (const giveUpAt = performance.now() + steadyMs; performance.now() < giveUpAt; await sleep(200))
      if (await holds().catch(() => false)) return;
    throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
  }
}

interface Status {
  readonly pid: number;
  readonly state: string;
  readonly listeners: readonly { readonly address: string }[];
  readonly applications: readonly {
    readonly id: string;
    readonly wanted: number;
    readonly instances: readonly { readonly phase: string }[];
  }[];
}

const has = (word: string) => (one: MarkedProcess) => one.words.includes(word);

/** `bin/candor` gives Node its flags, and a successor has the words of the process before it. */
const isGateway = ({ words }: MarkedProcess): boolean => words[0] === process.execPath && words.includes('up');

const isPiece = {
  instance: (one: MarkedProcess) => one.words.at(-2) === 'server.cjs' && one.words[0] === process.execPath,
  worker: (one: MarkedProcess) => has('worker.sh')(one) && one.words[0] === 'sh',
  job: (one: MarkedProcess) => has('tick.sh')(one) || has('long.sh')(one),
  sandbox: (one: MarkedProcess) => /(?:^|\/)bwrap$/.test(one.words[0] ?? ''),
  watchdog: isWatchdog,
} as const;

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended.
  }
}

/** Lowers the limit of a process to what it has open, for a while. */
async function withFewDescriptors(pid: number): Promise<void> {
  try {
    const usual = /Max open files +(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))?.[1] ?? '1024';
    const limit = (soft: number | string): unknown =>
      execFileSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:`], { stdio: 'ignore' });
    limit(readdirSync(`/proc/${pid}/fd`).length + 1);
    await sleep(blowMs);
    limit(usual);
  } catch {
    // It has ended.
  }
}

function mount(folder: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes},mode=700`, 'none', folder]);
}

/** Why no file system can be made here that could be full, one clause; null: it can. */
export function noDiskBecause(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'candor-mount-'));
  try {
    mount(folder);
    execFileSync('umount', [folder]);
    return null;
  } catch (error) {
    return `no small file system can be mounted here: ${(error as Error).message.split('\n')[0]}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Groups of the gateway are at most so deep below the hierarchy. */
const groupDepth = 6;

function groupsWith(key: string, folder = '/sys/fs/cgroup', depth = 0): readonly string[] {
  if (depth > groupDepth || !existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [];
    const path = join(folder, entry.name);
    return entry.name.includes(key) ? [path] : groupsWith(key, path, depth + 1);
  });
}
