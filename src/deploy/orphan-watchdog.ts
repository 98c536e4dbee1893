import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { after, type Clock, type Timer } from '../core/time.ts';
import { readProcess } from './process-identity.ts';
import { watchdogScript } from './watchdog-script.ts';

/**
 * Ends the applications if Candor is killed, SIGKILL included.
 *
 * Node cannot ask the kernel to end a child with its parent. Instead a shell of about one megabyte waits at the other end of a
 * pipe (`watchdog-script.ts`). It receives each process group as it starts and ends. When the pipe closes without the word "done",
 * Candor has died: the shell asks every group that is left to end, waits as long as the application may take, and kills the rest.
 * It runs in a session of its own, where neither Ctrl-C nor a closed terminal reaches it.
 *
 * The shell runs before the first program is started, and learns of each start before it happens: Candor may be killed between
 * starting a program and reporting its process id.
 *
 * During a handoff two watchdogs know a group, and the file with the number of the state folder's owner decides which of them is in
 * charge: each spares the group while the file has another number than its own. The successor's watchdog has the number from the
 * moment at which it knows the group. So at each moment exactly one of them ends the group, whichever process is killed.
 */
export class OrphanWatchdog {
  readonly #clock: Clock;
  readonly #groups = new Map<number, string>();
  /** Commands that hold for all groups: who owns the state folder, and how long to wait for another owner. */
  readonly #terms = new Map<'owner' | 'grace', string>();
  readonly #markPrefix = `${process.pid}.${readProcess(process.pid)?.startTicks ?? '0'}`;
  #starts = 0;
  #isProvisional = false;
  #shell: ChildProcess | null = null;
  #timer: Timer | null = null;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Call before a program is started. Returns a mark for its environment, by which the watchdog finds the program until
   * `watch` gives its process id. `notStarted` must follow where the start fails.
   */
  announceStart(stopMs: number): string {
    this.#starts += 1;
    // The dot at the end: no mark is the beginning of another one.
    const mark = `${this.#markPrefix}.${this.#starts}.`;
    if (this.#shell === null && !this.#closed) this.#spawn();
    this.#pipe?.write(`starting ${mark} ${stopMsOf(stopMs)}\n`);
    return mark;
  }

  notStarted(): void {
    this.#pipe?.write('not-started\n');
  }

  /** Adds a group, right after its leader has started. Returns false where no watchdog can run. */
  watch(group: number, stopMs: number): boolean {
    const startTicks = readProcess(group)?.startTicks ?? '-';
    const word = this.#isProvisional ? 'adopted' : 'watch';
    const line = `${word} ${group} ${startTicks} ${stopMsOf(stopMs)}\n`;
    this.#groups.set(group, line);
    if (this.#shell === null) this.#spawn();
    else this.#pipe?.write(line);
    return this.#shell !== null;
  }

  /**
   * Groups that `adopt` watches stay the other owner's until `watch` is called for them again: that process may still take
   * them back. `setOwner` and `setGracePeriod` come first.
   */
  watchProvisionally<T>(adopt: () => T): T {
    this.#isProvisional = true;
    try {
      return adopt();
    } finally {
      this.#isProvisional = false;
    }
  }

  /** Another process takes the group over; the watchdog ends it if none comes. Until `watch` is called again. */
  handOff(group: number): void {
    const watched = this.#groups.get(group);
    if (watched === undefined) return;
    const line = `handoff ${group}\n`;
    this.#groups.set(group, `${watched}${line}`);
    this.#pipe?.write(line);
  }

  /** The file that has the number of the state folder's owner, and our number. */
  setOwner(generationFile: string, generation: number): void {
    this.#setTerm('owner', `owner ${generation} ${generationFile}\n`);
  }

  /** How long the watchdog waits for another owner of the groups that were handed off, should this process end. */
  setGracePeriod(graceMs: number): void {
    this.#setTerm('grace', `grace ${graceMs}\n`);
  }

  #setTerm(term: 'owner' | 'grace', line: string): void {
    this.#terms.set(term, line);
    this.#pipe?.write(line);
  }

  /** The group is gone: another process may soon get its number. */
  forget(group: number): void {
    if (this.#groups.delete(group)) this.#pipe?.write(`forget ${group}\n`);
  }

  /** No group is left but those that were handed off: the shell ends when another owner has come for them. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    const hasHandedOff = [...this.#groups.values()].some((lines) => /^(?:handoff|adopted) /m.test(lines));
    this.#pipe?.end(hasHandedOff ? '' : 'done\n');
  }

  get #pipe(): Writable | null {
    return this.#shell?.stdin ?? null;
  }

  #spawn(): void {
    const shell = spawnShell();
    if (shell === null) return;
    this.#shell = shell;
    shell.once('exit', () => this.#onExit(shell));
    shell.once('error', () => this.#onExit(shell));
    for (const line of [...this.#terms.values(), ...this.#groups.values()]) shell.stdin?.write(line);
  }

  /** The shell was killed. Another one replaces it after a pause, so that the two do not race. */
  #onExit(shell: ChildProcess): void {
    if (this.#shell !== shell) return;
    this.#shell = null;
    if (this.#closed || this.#groups.size === 0) return;
    this.#timer = this.#clock.schedule(
      after(this.#clock.now(), respawnMs),
      (watchdog: OrphanWatchdog) => watchdog.#respawn(),
      this as OrphanWatchdog,
    );
  }

  #respawn(): void {
    this.#timer = null;
    if (!this.#closed && this.#shell === null) this.#spawn();
  }
}

const respawnMs = 1_000;

/** After Candor's death nobody needs the applications; and the watchdog must not run for ever. */
const stopMsMax = 30_000;

function stopMsOf(stopMs: number): number {
  return Math.min(stopMs, stopMsMax);
}

function spawnShell(): ChildProcess | null {
  let shell: ChildProcess;
  try {
    shell = spawn('/bin/sh', ['-c', watchdogScript], {
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
  } catch {
    return null; // no process or descriptor left: `watch` returns false
  }
  if (shell.pid === undefined) {
    shell.once('error', () => {}); // no shell on this machine
    return null;
  }
  // It must not keep Candor running, nor end it by a broken pipe; `exit` reports its end.
  shell.unref();
  (shell.stdin as Writable & { unref(): void }).unref();
  shell.stdin?.on('error', () => {});
  return shell;
}
