import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { askAdmin } from '../outages/admin-client.ts';
import { type BootCase, isControl } from './boot-case.ts';
import type { Languages } from './boot-languages.ts';
import type { BootResult, PrintedReason, ShownInstance } from './play-result.ts';

/** How soon a reason has to be right, and how long the status is read after that. */
export const rightWithinMs = 2000;
const afterwardsMs = 1000;
export const askEveryMs = 200;
/** A failure that is not there by then is a fault of the case. */
const failureMsMax = 40_000;
const patientMs = 60_000;

interface StatusInstance {
  readonly port: number;
  readonly phase: string;
  readonly reason: string;
  readonly late: boolean;
  readonly last_lines: readonly unknown[];
}

interface Status {
  readonly applications: readonly { readonly id: string; readonly instances: readonly StatusInstance[] }[];
}

/**
 * Plays a case in an empty folder against a gateway of its own. `isPatient`: a failure is watched until its reason is right, for a
 * minute at most, for machines that are busy with tests.
 */
export async function playBoot(
  played: BootCase,
  program: string,
  languages: Languages,
  options: { readonly isPatient?: true } = {},
): Promise<BootResult> {
  const missing = missingFor(played, languages);
  if (missing !== null) return notPlayed(played.name, missing);
  const play = new BootPlay(played, program, languages.path, options.isPatient === true);
  try {
    return await play.run();
  } catch (error) {
    return notPlayed(played.name, (error as Error).message);
  } finally {
    await play.end();
  }
}

/** Why this machine cannot play it. */
export function missingFor({ language, needsRoot }: BootCase, { missing }: Languages): string | null {
  if (needsRoot === true && process.getuid?.() !== 0) return 'it needs root';
  return missing.get(language) ?? null;
}

function notPlayed(name: string, failure: string): BootResult {
  const nothing = { shown: [], printed: [], lastLines: [], names: {} };
  return { name, failure, ...nothing, seenAtMs: null, endMs: 0, exit: null, command: null, leaked: false, heldUpMs: 0 };
}

/** A case with its folder, in which tokens are replaced. */
export class BootFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), 'candor-boot-'));
  readonly env: Record<string, string>;
  readonly #case: BootCase;
  readonly #otherPort: number;
  #beside: ChildProcess | null = null;

  constructor(played: BootCase, path: string, otherPort: number) {
    this.#case = played;
    this.#otherPort = otherPort;
    this.env = { PATH: path, HOME: join(this.path, 'home'), LANG: 'C.UTF-8', npm_config_update_notifier: 'false' };
  }

  /** Writes the files, runs `before`, and waits for `beside`. */
  async prepare(): Promise<void> {
    // Other users run programs here.
    chmodSync(this.path, 0o755);
    mkdirSync(this.env['HOME'] as string);
    for (const [name, text] of Object.entries(this.#case.files ?? {})) {
      mkdirSync(dirname(join(this.path, name)), { recursive: true });
      writeFileSync(join(this.path, name), this.filled(text));
    }
    const { before, beside } = this.#case;
    const options = { cwd: this.path, env: this.env } as const;
    if (before !== undefined) {
      const ran = spawnSync('sh', ['-ec', before], { ...options, encoding: 'utf8' });
      if (ran.status !== 0) throw new Error(`its \`before\` failed: ${ran.stderr || ran.stdout}`);
    }
    if (beside === undefined) return;
    const [command = '', ...words] = beside;
    this.#beside = spawn(
      command,
      words.map((word) => this.filled(word)),
      { ...options, stdio: 'ignore' },
    );
    const end = performance.now() + 10_000;
    while (!existsSync(join(this.path, 'beside-up'))) {
      if (performance.now() > end) throw new Error('what runs beside it did not come up');
      await sleep(20);
    }
  }

  get besidePid(): string {
    return String(this.#beside?.pid ?? '');
  }

  filled(text: string): string {
    return text.replaceAll('OTHERPORT', String(this.#otherPort));
  }

  words(): string[] {
    const { command } = this.#case;
    return (typeof command === 'string' ? command.split(' ') : [...command]).map((word) => this.filled(word));
  }

  /** When the program wrote the file `seen`, and what. */
  seen(): { readonly at: number; readonly text: string } | null {
    const file = join(this.path, 'seen');
    const found = statSync(file, { throwIfNoEntry: false });
    return found === undefined ? null : { at: found.mtimeMs, text: readFileSync(file, 'utf8') };
  }

  remove(): void {
    this.#beside?.kill('SIGKILL');
    rmSync(this.path, { recursive: true, force: true, maxRetries: 3 });
  }
}

class BootPlay {
  readonly #case: BootCase;
  readonly #program: string;
  readonly #path: string;
  readonly #isPatient: boolean;
  #folder: BootFolder | null = null;
  #gateway: ChildProcess | null = null;
  /** Of the clock of the system, as events say it. */
  #startedAt = 0;
  readonly #shown: ShownInstance[] = [];
  readonly #printed: PrintedReason[] = [];
  #exit: BootResult['exit'] = null;
  #instance: StatusInstance | null = null;
  #firstSeenAt: number | null = null;
  #startAt: number | null = null;
  #exitAt: number | null = null;
  #port = '';
  #otherPort = 0;
  #everything = '';
  #heldUpMs = 0;

  constructor(played: BootCase, program: string, path: string, isPatient: boolean) {
    this.#case = played;
    this.#program = program;
    this.#path = path;
    this.#isPatient = isPatient;
  }

  async run(): Promise<BootResult> {
    this.#otherPort = await freePort();
    const folder = new BootFolder(this.#case, this.#path, this.#otherPort);
    this.#folder = folder;
    await folder.prepare();
    const words = this.#case.byRun === undefined ? this.#upWords(folder) : await this.#runWords(folder);
    this.#startedAt = Date.now();
    const gateway = spawn(this.#program, words, {
      cwd: folder.path,
      env: folder.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#gateway = gateway;
    gateway.once('exit', (code) => (this.#exit = { atMs: this.#nowMs(), code }));
    this.#readLines(gateway.stdout);
    this.#readLines(gateway.stderr);
    await this.#watch(folder);
    const command = this.#exit === null && this.#case.byRun === undefined ? await this.#askCommand(folder) : null;
    return this.#result(folder, command);
  }

  async end(): Promise<void> {
    const gateway = this.#gateway;
    if (gateway !== null && this.#exit === null) {
      gateway.kill('SIGTERM');
      const ended = once(gateway, 'exit');
      const isEnded = await Promise.race([ended.then(() => true), sleep(15_000, false, { ref: false })]);
      if (!isEnded) {
        gateway.kill('SIGKILL');
        await ended;
      }
    }
    this.#folder?.remove();
  }

  #upWords(folder: BootFolder): string[] {
    const application = { command: this.#case.command, stop_timeout: '1s', ...this.#case.keys };
    const configuration = {
      workers: 1,
      listeners: { http: '127.0.0.1:0' },
      admin: { socket: this.#socket(folder) },
      applications: { app: application },
    };
    const text = JSON.stringify(configuration).replaceAll('"OTHERPORT"', String(this.#otherPort));
    // JSON is YAML, and leaves no doubt of what is text.
    writeFileSync(join(folder.path, 'candor.yaml'), `${folder.filled(text)}\n`);
    return ['up'];
  }

  async #runWords(folder: BootFolder): Promise<string[]> {
    return ['run', '--port', String(await freePort()), '--', ...folder.words()];
  }

  #socket(folder: BootFolder): string {
    return join(folder.path, 'a.sock');
  }

  #nowMs(): number {
    return Date.now() - this.#startedAt;
  }

  #readLines(stream: NodeJS.ReadableStream | null): void {
    let rest = '';
    stream?.on('data', (part: Buffer) => {
      const lines = (rest + part.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') this.#readLine(line);
    });
  }

  #readLine(line: string): void {
    this.#everything += `${line}\n`;
    const event = parseEvent(line);
    if (event === null) {
      this.#printed.push({ atMs: this.#nowMs(), kind: 'text', reason: line });
      return;
    }
    const { kind, at, reason, subject, evidence } = event;
    const atMs = Date.parse(at) - this.#startedAt;
    const isOfInstance = subject.startsWith('instance:');
    if (isOfInstance) {
      this.#startAt ??= atMs;
      if (kind === 'instance_exited') this.#exitAt ??= atMs;
      if (typeof evidence?.port === 'number') this.#port = String(evidence.port);
    }
    if (isOfInstance || /error|warn/.test(event.level ?? '')) this.#printed.push({ atMs, kind, reason });
  }

  /** Reads the status until the case is over. */
  async #watch(folder: BootFolder): Promise<void> {
    for (let next = performance.now(); !this.#isOver(folder); ) {
      next += askEveryMs;
      await this.#ask(folder);
      const pauseMs = Math.max(0, next - performance.now());
      next = Math.max(next, performance.now());
      const before = performance.now();
      await sleep(pauseMs);
      this.#heldUpMs = Math.max(this.#heldUpMs, Math.round(performance.now() - before - pauseMs));
    }
  }

  #isOver(folder: BootFolder): boolean {
    const { expected, byRun } = this.#case;
    const nowMs = this.#nowMs();
    if (isControl(expected)) {
      if (this.#exit !== null) return true;
      const isReady = this.#shown.at(-1)?.phase === 'ready';
      return isReady || nowMs > expected.readyWithinMs + (this.#startAt ?? 0) + 1000;
    }
    this.#firstSeenAt ??= this.#seenAtMs(folder);
    if (this.#exit !== null && byRun !== undefined) return true;
    if (this.#firstSeenAt === null) return nowMs > failureMsMax;
    if (this.#isPatient) {
      const isRight = this.#shown.some(({ reason }) => expected.facts.every((fact) => fact.test(reason)));
      return isRight || nowMs > patientMs;
    }
    return nowMs > this.#firstSeenAt + (expected.plusMs ?? 0) + rightWithinMs + askEveryMs + afterwardsMs;
  }

  #seenAtMs(folder: BootFolder): number | null {
    const { expected } = this.#case;
    if (isControl(expected)) return null;
    const { from } = expected;
    const start = this.#startAt ?? this.#exit?.atMs ?? null;
    if (from === 'start') return start;
    if (from === 'exit') return this.#exitAt ?? this.#exit?.atMs ?? null;
    if (from === 'seen') {
      const seen = folder.seen();
      return seen === null ? null : seen.at - this.#startedAt;
    }
    return start !== null && this.#nowMs() >= start + from ? start + from : null;
  }

  async #ask(folder: BootFolder): Promise<void> {
    if (this.#exit !== null || this.#case.byRun !== undefined || !existsSync(this.#socket(folder))) return;
    const status = (await askAdmin(this.#socket(folder), 'GET', '/v1/status').catch(() => null)) as Status | null;
    const instance = status?.applications.find(({ id }) => id === 'app')?.instances[0];
    if (instance === undefined) return;
    this.#everything += `${JSON.stringify(instance)}\n`;
    this.#instance = instance;
    if (instance.port > 0) this.#port = String(instance.port);
    const { phase, reason, late } = instance;
    const last = this.#shown.at(-1);
    if (last?.phase === phase && last.reason === reason && last.late === late) return;
    this.#shown.push({ atMs: this.#nowMs(), phase, reason, late });
  }

  /** The reason as the command says it. */
  async #askCommand(folder: BootFolder): Promise<string | null> {
    const words = ['status', '--json'];
    const asked = spawn(this.#program, words, {
      cwd: folder.path,
      env: folder.env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let text = '';
    asked.stdout.on('data', (part: Buffer) => (text += part.toString()));
    await once(asked, 'close');
    this.#everything += text;
    try {
      const status = JSON.parse(text) as Status;
      return status.applications[0]?.instances[0]?.reason ?? null;
    } catch {
      return null;
    }
  }

  #result(folder: BootFolder, command: string | null): BootResult {
    const { expected, name } = this.#case;
    const secret = isControl(expected) ? undefined : expected.secret;
    const names: Record<string, string> = { OTHERPORT: String(this.#otherPort) };
    if (this.#port !== '') names['INSTANCEPORT'] = this.#port;
    if (folder.besidePid !== '') names['OTHERPID'] = folder.besidePid;
    const seen = folder.seen()?.text ?? '';
    if (seen !== '') names['SEEN'] = seen;
    const isUnseen = !isControl(expected) && this.#firstSeenAt === null;
    return {
      ...{ name, names, command },
      ...(isUnseen ? { failure: 'its failure was never seen' } : {}),
      // Copies: the gateway goes on to print while it is stopped.
      shown: [...this.#shown],
      printed: [...this.#printed],
      seenAtMs: isControl(expected) ? (this.#startAt ?? 0) : this.#firstSeenAt,
      endMs: this.#nowMs(),
      exit: this.#exit,
      lastLines: (this.#instance?.last_lines ?? []).map((line) =>
        typeof line === 'string' ? line : JSON.stringify(line),
      ),
      leaked: secret !== undefined && this.#everything.includes(secret),
      heldUpMs: this.#heldUpMs,
    };
  }
}

interface PrintedEvent {
  readonly kind: string;
  readonly at: string;
  readonly reason: string;
  readonly subject: string;
  readonly level?: string;
  readonly evidence?: { readonly port?: unknown };
}

function parseEvent(line: string): PrintedEvent | null {
  if (!line.startsWith('{')) return null;
  try {
    const event = JSON.parse(line) as Partial<PrintedEvent>;
    return typeof event.kind === 'string' && typeof event.at === 'string' && typeof event.subject === 'string'
      ? (event as PrintedEvent)
      : null;
  } catch {
    return null;
  }
}
