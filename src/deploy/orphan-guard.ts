import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { after, type Clock, type Timer } from '../core/time.ts';
import { readProcess } from './process-group.ts';

/**
 * Ends what Candor has started if Candor itself is killed, SIGKILL included.
 *
 * Node cannot ask the kernel to end a child with its parent, so a shell of about one megabyte waits at the other
 * end of a pipe. It is told of each process group as it starts and ends. When the pipe closes without the word
 * "done", Candor has died: the shell asks every group that is left to end, waits as long as the application may
 * take, and kills the rest. It lives in a session of its own, where neither Ctrl-C nor a closed terminal reaches it.
 */
export class OrphanGuard {
  readonly #clock: Clock;
  readonly #groups = new Map<number, string>();
  #shell: ChildProcess | null = null;
  #timer: Timer | null = null;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a group in, right after its leader has started. Returns false where no guard can be had. */
  watch(group: number, stopMs: number): boolean {
    const startTicks = readProcess(group)?.startTicks ?? '-';
    const line = `watch ${group} ${startTicks} ${Math.min(stopMs, graceMsMax)}\n`;
    this.#groups.set(group, line);
    if (this.#shell === null) this.#stand();
    else this.#pipe?.write(line);
    return this.#shell !== null;
  }

  /** The group is gone: its number may soon be somebody else's. */
  forget(group: number): void {
    if (this.#groups.delete(group)) this.#pipe?.write(`forget ${group}\n`);
  }

  /** Nothing is left to guard. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#pipe?.end('done\n');
  }

  get #pipe(): Writable | null {
    return this.#shell?.stdin ?? null;
  }

  #stand(): void {
    const shell = spawnShell();
    if (shell === null) return;
    this.#shell = shell;
    shell.once('exit', () => this.#fell(shell));
    shell.once('error', () => this.#fell(shell));
    for (const line of this.#groups.values()) shell.stdin?.write(line);
  }

  /** Somebody has ended the guard. Another takes its place, not faster than `standAgainMs`. */
  #fell(shell: ChildProcess): void {
    if (this.#shell !== shell) return;
    this.#shell = null;
    if (this.#closed || this.#groups.size === 0) return;
    this.#timer = this.#clock.schedule(
      after(this.#clock.now(), standAgainMs),
      (guard: OrphanGuard) => guard.#standAgain(),
      this as OrphanGuard,
    );
  }

  #standAgain(): void {
    this.#timer = null;
    if (!this.#closed && this.#shell === null) this.#stand();
  }
}

const standAgainMs = 1_000;

/** With Candor dead nobody needs what the applications still do; and the guard must not stay for ever. */
const graceMsMax = 30_000;

function spawnShell(): ChildProcess | null {
  let shell: ChildProcess;
  try {
    shell = spawn('/bin/sh', ['-c', guardScript], {
      cwd: '/',
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
  } catch {
    return null; // no process, no descriptor left: the caller says that nothing guards
  }
  if (shell.pid === undefined) {
    shell.once('error', () => {}); // no shell on this machine: likewise
    return null;
  }
  // It must not keep Candor running, nor end it by a broken pipe; `exit` tells of its end.
  shell.unref();
  (shell.stdin as Writable & { unref(): void }).unref();
  shell.stdin?.on('error', () => {});
  return shell;
}

/**
 * POSIX sh. A group is signalled only while its leader is the process that was recorded, by pid and start time; once
 * the leader has gone, the group's number stays taken for as long as a member is left. In a container whose first
 * process reaps nobody, zombies stay for ever; they are no reason to wait.
 */
export const guardScript = `# Candor's guard: ends the applications if Candor is killed.
trap '' INT HUP TERM QUIT
groups=
while read -r word group rest; do
  case $word in
    watch) set -- $rest; groups="$groups $group:$1:$2" ;;
    forget)
      kept=
      for entry in $groups; do
        case $entry in "$group":*) ;; *) kept="$kept $entry" ;; esac
      done
      groups=$kept ;;
    'done') exit 0 ;;
  esac
done

ours() {
  [ "$2" = - ] || [ ! -r "/proc/$1/stat" ] && return 0
  read -r line < "/proc/$1/stat" || return 0
  born=$2
  set -- \${line##*) }
  [ "\${20}" = "$born" ]
}
alive() {
  kill -s 0 -- "-$1" || return 1
  [ -r /proc/self/stat ] || return 0
  cat /proc/[0-9]*/stat | grep -q ") [^ZX] [0-9]* $1 "
  [ $? -ne 1 ]
}
split() { group=\${1%%:*}; grace=\${1##*:}; start=\${1#*:}; start=\${start%:*}; }

for entry in $groups; do
  split "$entry"
  ours "$group" "$start" && kill -s TERM -- "-$group"
done
waited=0
while [ -n "$groups" ]; do
  kept=
  for entry in $groups; do
    split "$entry"
    ours "$group" "$start" && alive "$group" || continue
    if [ "$waited" -ge "$grace" ]; then kill -s KILL -- "-$group"; else kept="$kept $entry"; fi
  done
  groups=$kept
  [ -z "$groups" ] || sleep 0.1 || sleep 1
  waited=$((waited + 100))
done
`;
