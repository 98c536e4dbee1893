import { dirname } from 'node:path';
import { lstat, mkdir } from 'node:fs/promises';
import type { EventSink } from '../core/event.ts';
import type { LogRotationSpec } from '../core/logger-messages.ts';
import type { Result } from '#failures/result.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { type CopyResult, copyLines, nothingCopied } from './copy-lines.ts';
import type { LogOutput, LogProblem } from './log-output.ts';
import { CoreShare } from './core-share.ts';
import { LogArchiver } from './log-archiver.ts';

interface LogMaintenanceParts {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly open: (path: string) => Promise<Result<LogOutput, LogProblem>>;
  /** Null: no rotation. */
  readonly rotation: () => LogRotationSpec | null;
  /** The file is shorter than it was: another program has truncated it, and the header may be gone. */
  readonly onTruncated: () => void;
  /** `look` is due, even if nothing is being written. */
  readonly onDue: () => void;
}

/** A file that was deleted, or moved without a signal, is reopened within this time. */
const lookEveryMs = 1000;

/**
 * Keeps the file of a log at its path and within its size. It runs between two writes, so
 * that a file gets whole lines, and returns the output to use next.
 */
export class LogMaintenance {
  readonly #path: string;
  readonly #parts: LogMaintenanceParts;
  readonly #archiver: LogArchiver;
  #timer: Timer | null = null;
  #lookIsDue = false;
  #isRegular = false;
  #closed = false;
  /** At least: another process may write to the file too. */
  #bytes = 0;
  /** Size of the file when it was last seen under its path. */
  #seenBytes = 0;
  /** After a failed rotation the next try is when the file has grown by the same size again. */
  #rotateAtLeast = 0;
  /** What happened to the old file, while a new one was created but is not in use yet. */
  #was: 'moved' | 'deleted' | null = null;

  constructor(path: string, parts: LogMaintenanceParts) {
    this.#path = path;
    this.#parts = parts;
    this.#archiver = new LogArchiver(path, new CoreShare(parts.clock));
  }

  /** Call this for a new output before anything is written to it. */
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

  /** Whether `look` is due. Cheap, because it is called before each write. `hasMore`: another line will be written. */
  isDue(hasMore: boolean): boolean {
    return this.#lookIsDue || (hasMore && this.#isFull);
  }

  get #isFull(): boolean {
    const { bytesMax = Number.POSITIVE_INFINITY } = this.#parts.rotation() ?? {};
    return this.#isRegular && this.#bytes >= Math.max(bytesMax, this.#rotateAtLeast);
  }

  /**
   * The output to use from now on; null if the old one is fine; an errno if another is needed
   * but cannot be opened. `atLineEnd`: the written bytes end with a whole line.
   */
  async look(output: LogOutput, atLineEnd: boolean, hasMore: () => boolean): Promise<Result<LogOutput | null, string>> {
    const state = (await output.look?.()) ?? null;
    this.#lookIsDue = false;
    if (state === null) return unchanged;
    const bytesBefore = this.#bytes;
    this.#bytes = state.bytes;
    if (state.location !== 'there') return this.#reopen(state.location);
    if (state.bytes < bytesBefore) this.#truncated(bytesBefore);
    if (!atLineEnd) return unchanged;
    this.#seenBytes = state.bytes;
    const rotation = this.#parts.rotation();
    if (rotation === null || !hasMore() || !this.#isFull) return unchanged;
    return this.#rotate(rotation);
  }

  #truncated(bytesBefore: number): void {
    const bytes = this.#bytes;
    this.#seenBytes = Math.min(this.#seenBytes, bytes);
    this.#parts.onTruncated();
    this.#parts.events.emit({
      kind: 'log_truncated',
      subject: `log:${this.#path}`,
      reason: `another program truncated its file from ${bytesBefore} to ${bytes} bytes; the lines that it had are lost`,
      evidence: { path: this.#path, bytesBefore, bytes },
    });
  }

  async #reopen(was: 'moved' | 'deleted'): Promise<Result<LogOutput | null, string>> {
    const opened = await this.#openWithFolder();
    // Until then nothing is written: lines in a file without a name would be lost.
    this.#lookIsDue = !opened.ok;
    if (!opened.ok) return { ok: false, failure: opened.failure.errno };
    this.#was = was;
    return opened;
  }

  /** Creates the folder if necessary: it may have been deleted together with the log. */
  async #openWithFolder(): Promise<Result<LogOutput, LogProblem>> {
    const opened = await this.#parts.open(this.#path);
    if (opened.ok || opened.failure.errno !== 'ENOENT') return opened;
    const made = await makeFolders(dirname(this.#path)).then(
      () => true,
      () => false,
    );
    return made ? this.#parts.open(this.#path) : opened;
  }

  async #rotate({ keepMax, compression }: LogRotationSpec): Promise<Result<LogOutput | null, string>> {
    const bytes = this.#bytes;
    const rotated = await this.#archiver.rotate(keepMax);
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
      reason: `it had ${bytes} bytes, and was rotated`,
      evidence: { path: this.#path, bytes, keepMax },
    });
    void this.#compress(compression);
    return opened;
  }

  async #compress(compression: LogRotationSpec['compression']): Promise<void> {
    const compressed = await this.#archiver.compress(compression);
    if (!compressed.ok) this.#emitNotRotated('compress', compressed.failure);
  }

  #emitNotRotated(step: 'rotate' | 'compress', errno: string): void {
    const what = step === 'compress' ? 'a rotated file cannot be compressed' : 'it cannot be rotated';
    this.#parts.events.emit({
      kind: 'log_not_rotated',
      subject: `log:${this.#path}`,
      reason: `${what} (${errno})`,
      evidence: { path: this.#path, step, errno },
    });
  }

  /**
   * Replaces `old` by `next`. If the old file was deleted meanwhile, the whole lines that were written to it are copied
   * to the new one, because no program can read the old file any more. Some of these lines may be older than the deletion.
   */
  async takeOver(old: LogOutput, next: LogOutput): Promise<CopyResult> {
    const { bytesFrom } = old;
    const state = (await old.look?.()) ?? null;
    const isLost = state?.location === 'deleted' && state.bytes > this.#seenBytes && bytesFrom !== undefined;
    const endsMidLine = isLost && (await next.endsMidLine?.()) === true;
    const copied = isLost ? await copyLines(bytesFrom(this.#seenBytes), next, endsMidLine) : nothingCopied;
    if (this.#was !== null || isLost) this.#emitReopened(this.#was ?? 'deleted', copied.bytes);
    this.#was = null;
    await this.begin(next);
    return copied;
  }

  #emitReopened(was: 'moved' | 'deleted', bytesSaved: number): void {
    const saved = bytesSaved === 0 ? '' : `; ${bytesSaved} bytes of the old file were copied`;
    this.#parts.events.emit({
      kind: 'log_reopened',
      subject: `log:${this.#path}`,
      reason: `its file was ${was} and has been reopened${saved}`,
      evidence: { path: this.#path, was, bytesSaved },
    });
  }

  close(): void {
    this.#closed = true;
    this.#archiver.stop();
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

/**
 * Creates a folder and the missing ones above it. Rejects like `mkdir`. The option `recursive` of that does not return where the kernel
 * answers ENOENT within a folder that is there, as it does in /proc.
 */
export async function makeFolders(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = path; dirname(at) !== at && !(await isThere(at)); at = dirname(at)) missing.push(at);
  for (const folder of missing.toReversed()) await makeFolder(folder);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    // Another process may have made it in the meantime.
    if (!(await isThere(path))) throw error;
  }
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
