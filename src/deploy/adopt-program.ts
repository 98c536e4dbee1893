import { Readable } from 'node:stream';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { Program, ProgramListener } from './host.ts';
import type { ProgramRecord } from './instance-record.ts';
import type { OrphanWatchdog } from './orphan-watchdog.ts';
import { openForReading } from './output-pipes.ts';
import { readProcess, isRunning } from './process-identity.ts';
import { RunningProgram } from './running-program.ts';

/**
 * Takes over a program that an earlier process has started. It is not our child: the system reports neither when nor
 * how it ends, so we poll whether it is still there, and at once when its output ends.
 */
export function adoptProgram(
  record: ProgramRecord,
  listener: ProgramListener,
  clock: Clock,
  watchdog: OrphanWatchdog,
): Program | null {
  if (!isRunning(record.process)) return null;
  const { process, port, stopMs, unfinished } = record;
  const { pid } = process;
  const output = openOutput(record);
  const program = new RunningProgram({ pid, port, stopMs, ...output, begun: unfinished, listener, clock, watchdog });
  const watch = new ExitPoller(record, clock, () => program.ended(null, null));
  program.onSilence = () => watch.pollNow();
  program.onDetach = () => watch.end();
  return program;
}

/** Where its pipes were removed, its output cannot be read any more, and no later process can adopt it. */
function openOutput({ stdout, stderr }: ProgramRecord) {
  let first: Readable | null = null;
  try {
    first = openForReading(stdout);
    return { pipes: { stdout, stderr }, streams: { stdout: first, stderr: openForReading(stderr) } };
  } catch {
    first?.destroy();
    return { pipes: null, streams: { stdout: Readable.from([]), stderr: Readable.from([]) } };
  }
}

/**
 * A poll reads one small file. A request that lost a connection to the program waits 50 ms for the report of its exit
 * (`exchange/instance-exit.ts`).
 */
const pollEveryMs = 40;

/** A program that exits closes its output a little before it is gone. The pauses double. */
const confirmAfterMs = 2;

/** Polls whether a process is still there. A zombie is not. */
class ExitPoller {
  readonly #record: ProgramRecord;
  readonly #clock: Clock;
  readonly #onEnded: () => void;
  #timer: Timer | null = null;
  #pauseMs = pollEveryMs;

  constructor(record: ProgramRecord, clock: Clock, onEnded: () => void) {
    this.#record = record;
    this.#clock = clock;
    this.#onEnded = onEnded;
    this.#pollLater();
  }

  /** The program has probably exited. */
  pollNow(): void {
    this.#pauseMs = confirmAfterMs;
    this.#poll();
  }

  #poll(): void {
    if (this.#timer === null) return;
    this.#timer.cancel();
    const { pid, startTicks } = this.#record.process;
    const facts = readProcess(pid);
    const runs = facts !== null && facts.startTicks === startTicks && facts.state !== 'Z' && facts.state !== 'X';
    if (runs) return this.#pollLater();
    this.#timer = null;
    this.#onEnded();
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #pollLater(): void {
    const at = after(this.#clock.now(), this.#pauseMs);
    this.#pauseMs = Math.min(2 * this.#pauseMs, pollEveryMs);
    this.#timer = this.#clock.schedule(at, (watch: ExitPoller) => watch.#poll(), this as ExitPoller);
  }
}
