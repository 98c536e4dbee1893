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
 *
 * Groups that were handed to another process are ended too unless one comes for them: the shell reads the number of the
 * state folder's owner, and when that has changed they are in other hands, with a guard of their own. So there is no
 * moment without one that watches. Of those that the new owner has not written down it knows nothing: they are ended.
 */
export class OrphanWatchdog {
  readonly #clock: Clock;
  readonly #groups = new Map<number, string>();
  /** Words that hold for all groups: whose state folder it is, and how long to wait for the next owner. */
  readonly #terms = new Map<'state' | 'leave', string>();
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
    if (this.#shell === null) this.#spawn();
    else this.#pipe?.write(line);
    return this.#shell !== null;
  }

  /** Another process is to have the group: it is ended unless one comes for it. Until `watch` takes it back. */
  handOff(group: number): void {
    const watched = this.#groups.get(group);
    if (watched === undefined) return;
    const line = `hand ${group}\n`;
    this.#groups.set(group, `${watched}${line}`);
    this.#pipe?.write(line);
  }

  /** Where the number of the owner stands, and which is ours. */
  setOwner(generationFile: string, generation: number): void {
    this.#setTerm('state', `state ${generation} ${generationFile}\n`);
  }

  /** Should this process end, the groups that were handed over are left so long to whoever comes for them. */
  setGracePeriod(graceMs: number): void {
    this.#setTerm('leave', `leave ${graceMs}\n`);
  }

  #setTerm(what: 'state' | 'leave', line: string): void {
    this.#terms.set(what, line);
    this.#pipe?.write(line);
  }

  /** The group is gone: its number may soon be somebody else's. */
  forget(group: number): void {
    if (this.#groups.delete(group)) this.#pipe?.write(`forget ${group}\n`);
  }

  /** Nothing is left to guard, but what was handed over: the shell goes when somebody has come for that. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    const hasHandedOff = [...this.#groups.values()].some((words) => words.includes('hand '));
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

  /** Somebody has ended the guard. Another takes its place, not faster than `standAgainMs`. */
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

/** With Candor dead nobody needs what the applications still do; and the guard must not stay for ever. */
const graceMsMax = 30_000;

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
export const watchdogScript = `# Candor's guard: ends the applications if Candor is killed.
trap '' INT HUP TERM QUIT USR1 USR2
groups=
lent=
state=
leave=0
# What is in the list $1 apart from group $2.
without() {
  kept=
  for entry in $1; do
    case $entry in "$2":*) ;; *) kept="$kept $entry" ;; esac
  done
}
while read -r word group rest; do
  case $word in
    watch)
      set -- $rest
      without "$lent" "$group"; lent=$kept
      without "$groups" "$group"; groups="$kept $group:$1:$2" ;;
    hand)
      for entry in $groups; do
        case $entry in "$group":*) lent="$lent $entry" ;; esac
      done
      without "$groups" "$group"; groups=$kept ;;
    forget)
      without "$lent" "$group"; lent=$kept
      without "$groups" "$group"; groups=$kept ;;
    state) generation=$group; state=$rest ;;
    leave) leave=$group ;;
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
finish() {
  groups=$1
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
}
# The state folder has another owner: what was handed over is not ours to end any more.
taken() { [ -f "$state" ] && read -r now < "$state" && [ -n "$now" ] && [ "$now" != "$generation" ]; }
await() {
  passed=0
  until taken; do
    [ "$passed" -lt "$leave" ] || return 1
    sleep 0.1 || sleep 1
    passed=$((passed + 100))
  done
}

# What the new owner has not written down it does not know of (the process before was killed while it handed over, or the file
# was damaged): nobody would end it.
unknown() {
  instances=\${state%/*}/instances.json
  kept=
  for entry in $lent; do
    [ -f "$instances" ] || continue
    pid=\${entry%%:*}
    grep -q -e '"pid": '"$pid"'[^0-9]' -e '"pid": '"$pid"'$' "$instances"
    [ $? -ne 1 ] || kept="$kept $entry"
  done
}

if [ -n "$lent" ]; then
  { if await; then unknown; finish "$kept"; else finish "$lent"; fi; } &
fi
finish "$groups"
wait
`;
