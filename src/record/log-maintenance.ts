import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EventSink } from '../core/event.ts';
import type { Result } from '../core/result.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { type CopyResult, copyLines, nothingCopied } from './copy-lines.ts';
import type { LogOutput, LogProblem } from './log-output.ts';
import { compressRotated, type LogRotation, rotateFile } from './log-rotation.ts';

export interface LogMaintenanceParts {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly open: (path: string) => Promise<Result<LogOutput, LogProblem>>;
  /** Null: no rotation. */
  readonly rotation: () => LogRotation | null;
  /** False while another process writes to the same file. */
  readonly mayRotate: () => boolean;
  /** `look` is due, also where nothing is being written. */
  readonly onDue: () => void;
}

/** Whoever deletes the file, or moves it without a signal, waits no longer for it to be there again. */
const lookEveryMs = 1000;

/**
 * Sees to it that a log's file is where it should be, and no larger than it may be. It is asked between two writes, so
 * that a file gets whole lines, and says what is to take over.
 */
export class LogMaintenance {
  readonly #path: string;
  readonly #parts: LogMaintenanceParts;
  #timer: Timer | null = null;
  #lookIsDue = false;
  #isRegular = false;
  #closed = false;
  #bytes = 0;
  /** So much of the file was there, under its name, when that was looked at last. */
  #seenBytes = 0;
  /** Where putting aside has failed, it is tried again when the file has grown by as much again. */
  #rotateAtLeast = 0;
  #compressing = false;
  /** What had become of the file in whose place another has been made that has yet to take over. */
  #was: 'moved' | 'deleted' | null = null;

  constructor(path: string, parts: LogMaintenanceParts) {
    this.#path = path;
    this.#parts = parts;
  }

  /** Resolves before anything is written to the output, which has just come into use. */
  async begin(output: LogOutput): Promise<void> {
    const state = (await output.look?.()) ?? null;
    this.#isRegular = state !== null;
    this.#bytes = state?.bytes ?? 0;
    this.#seenBytes = this.#bytes;
    this.#rotateAtLeast = 0;
    this.#lookIsDue = false;
    this.#timer?.cancel();
    if (this.#isRegular && !this.#closed) this.#lookLater();
  }

  wrote(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Whether to `look`. Cheap: asked before each write. `hasMore`: another line is to be written, and needs room. */
  isDue(hasMore: boolean): boolean {
    return this.#lookIsDue || (hasMore && this.#isFull);
  }

  get #isFull(): boolean {
    const { bytesMax = Number.POSITIVE_INFINITY } = this.#parts.rotation() ?? {};
    if (!this.#isRegular || this.#compressing || this.#bytes < Math.max(bytesMax, this.#rotateAtLeast)) return false;
    return this.#parts.mayRotate();
  }

  /**
   * The output that takes over from now on; null where the old one is as it should be; an errno where another is needed
   * and cannot be had. `atLineEnd`: what was written ends with a whole line.
   */
  async look(output: LogOutput, atLineEnd: boolean, hasMore: boolean): Promise<Result<LogOutput | null, string>> {
    const state = (await output.look?.()) ?? null;
    this.#lookIsDue = false;
    if (state === null) return unchanged;
    this.#bytes = state.bytes;
    if (state.location !== 'there') return this.#reopen(state.location);
    if (!atLineEnd) return unchanged;
    this.#seenBytes = state.bytes;
    const rotation = this.#parts.rotation();
    if (rotation === null || !hasMore || !this.#isFull) return unchanged;
    return this.#rotate(rotation);
  }

  async #reopen(was: 'moved' | 'deleted'): Promise<Result<LogOutput | null, string>> {
    const opened = await this.#openWithFolder();
    // Until it is there nothing is written: what has no name is as good as lost.
    this.#lookIsDue = !opened.ok;
    if (!opened.ok) return { ok: false, failure: opened.failure.errno };
    this.#was = was;
    return opened;
  }

  /** Whoever deletes the log may have deleted its folder with it. */
  async #openWithFolder(): Promise<Result<LogOutput, LogProblem>> {
    const opened = await this.#parts.open(this.#path);
    if (opened.ok || opened.failure.errno !== 'ENOENT') return opened;
    const made = await mkdir(dirname(this.#path), { recursive: true }).then(
      () => true,
      () => false,
    );
    return made ? this.#parts.open(this.#path) : opened;
  }

  async #rotate({ keepMax }: LogRotation): Promise<Result<LogOutput | null, string>> {
    const bytes = this.#bytes;
    const rotated = await rotateFile(this.#path, keepMax);
    if (!rotated.ok) {
      this.#rotateAtLeast = bytes * 2;
      this.#emitNotRotated('rotate', rotated.failure);
      return unchanged;
    }
    const opened = await this.#parts.open(this.#path);
    this.#lookIsDue = !opened.ok;
    if (!opened.ok) return { ok: false, failure: opened.failure.errno };
    this.#parts.events.emit({
      kind: 'log_rotated',
      subject: `log:${this.#path}`,
      reason: `it had ${bytes} bytes, and was put aside`,
      evidence: { path: this.#path, bytes, keepMax },
    });
    void this.#compress();
    return opened;
  }

  async #compress(): Promise<void> {
    this.#compressing = true;
    const compressed = await compressRotated(this.#path);
    this.#compressing = false;
    if (!compressed.ok) this.#emitNotRotated('compress', compressed.failure);
  }

  #emitNotRotated(step: 'rotate' | 'compress', errno: string): void {
    const what = step === 'compress' ? 'a file that was put aside cannot be compressed' : 'it cannot be put aside';
    this.#parts.events.emit({
      kind: 'log_not_rotated',
      subject: `log:${this.#path}`,
      reason: `${what} (${errno})`,
      evidence: { path: this.#path, step, errno },
    });
  }

  /**
   * `next` takes over from `old`. What was written to a file that has been deleted meanwhile goes there too, whole lines
   * of it: nobody else can read it any more. Some of it may have been there when somebody deleted the file.
   */
  async takeOver(old: LogOutput, next: LogOutput): Promise<CopyResult> {
    const { bytesFrom } = old;
    const state = (await old.look?.()) ?? null;
    const isLost = state?.location === 'deleted' && state.bytes > this.#seenBytes && bytesFrom !== undefined;
    const copied = isLost ? await copyLines(bytesFrom(this.#seenBytes), next) : nothingCopied;
    if (this.#was !== null || isLost) this.#emitReopened(this.#was ?? 'deleted', copied.bytes);
    this.#was = null;
    await this.begin(next);
    return copied;
  }

  #emitReopened(was: 'moved' | 'deleted', bytesSaved: number): void {
    const saved = bytesSaved === 0 ? '' : `; ${bytesSaved} bytes of the old file were taken over`;
    this.#parts.events.emit({
      kind: 'log_reopened',
      subject: `log:${this.#path}`,
      reason: `its file was ${was} and has been reopened${saved}`,
      evidence: { path: this.#path, was, bytesSaved },
    });
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #lookLater(): void {
    const { clock } = this.#parts;
    this.#timer = clock.schedule(after(clock.now(), lookEveryMs), LogMaintenance.#due, this);
  }

  static #due(this: void, maintenance: LogMaintenance): void {
    maintenance.#lookIsDue = true;
    maintenance.#lookLater();
    maintenance.#parts.onDue();
  }
}

const unchanged = { ok: true, value: null } as const;
