import { constants } from 'node:fs';
import { dirname } from 'node:path';
import type { Result } from '#failures/result.ts';
import type { Clock } from '../core/time.ts';
import { readOwnFile, writeWholeLater } from './own-file.ts';
import { releaseFiles, type ReleaseFiles, syncPath } from './release-files.ts';
import { compactLines, historyOf, type ReleaseHistory } from './release-history.ts';
import { lineText, readReleaseLines, type ReleaseFact, type ReleaseLine } from './release-line.ts';
import { attemptRelease, refusalOf, refuse, type ReleaseRefusal, ReleaseRefused } from './release-refusal.ts';

/** A hundred times what a compaction leaves. */
export const journalBytesMax = 64 * 1024 ** 2;
const compactLinesMax = 1000;
const compactBytesMax = 1024 ** 2;

const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;
const creating = appending | constants.O_CREAT | constants.O_EXCL;

/**
 * The journal of an application's releases: one JSON line a step, in a file of mode 0600, since environments have secrets. One
 * process writes it, the owner of the state folder.
 */
export class ReleaseJournal {
  readonly path: string;
  readonly #clock: Clock;
  readonly #files: ReleaseFiles;
  #lines: readonly ReleaseLine[];
  #bytes: number;
  #isThere: boolean;
  /** After a compaction that leaves many lines, the next one waits until there are twice as many. */
  #compactAbove = { lines: compactLinesMax, bytes: compactBytesMax };
  /** Set when the file may end with a part of a line that could not be taken back. */
  #broken: ReleaseRefusal | null = null;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(
    path: string,
    lines: readonly ReleaseLine[],
    bytes: number | null,
    clock: Clock,
    files: ReleaseFiles,
  ) {
    this.path = path;
    this.#lines = lines;
    this.#bytes = bytes ?? 0;
    this.#isThere = bytes !== null;
    this.#clock = clock;
    this.#files = files;
  }

  /** Reads the file, and cuts off a line that was torn. `torn`: how many bytes that were. No file is made. */
  static open(
    path: string,
    clock: Clock,
    files: ReleaseFiles = releaseFiles,
  ): Promise<Result<{ readonly journal: ReleaseJournal; readonly tornBytes: number }, ReleaseRefusal>> {
    return attemptRelease(async () => {
      const found = readOwnFile(path, journalBytesMax);
      if (found.kind === 'none') return { journal: new ReleaseJournal(path, [], null, clock, files), tornBytes: 0 };
      if (found.kind === 'refused') refuseJournal(`The journal of releases ${path} is not read: ${found.why}.`);
      const read = readReleaseLines(found.text);
      if ('why' in read) refuseJournal(`Line ${read.line} of the journal of releases ${path} ${read.why}.`);
      if (read.tornBytes > 0) await cutTo(path, read.bytes, files);
      return { journal: new ReleaseJournal(path, read.lines, read.bytes, clock, files), tornBytes: read.tornBytes };
    });
  }

  /** Of the lines that are on the disk. */
  get history(): ReleaseHistory {
    return historyOf(this.#lines);
  }

  /**
   * Resolves when the disk has the line. Rejects with `ReleaseRefused` otherwise: then nothing has happened, and the caller must
   * not act. Calls are carried out one after the other.
   */
  append(fact: ReleaseFact): Promise<void> {
    const appended = this.#writing.then(() => this.#append(fact));
    this.#writing = appended.catch(() => undefined);
    return appended;
  }

  async #append(fact: ReleaseFact): Promise<void> {
    if (this.#broken !== null) throw new ReleaseRefused(this.#broken);
    const seq = (this.#lines.at(-1)?.seq ?? 0) + 1;
    const line: ReleaseLine = { v: 1, seq, at: new Date(this.#clock.wallTime()).toISOString(), ...fact };
    const content = Buffer.from(lineText(line));
    try {
      await this.#write(content);
    } catch (error) {
      const { kind, reason, step } = refusalOf(error);
      throw new ReleaseRefused({
        kind,
        reason: `The journal of releases ${this.path} was not written: ${reason}`,
        step,
      });
    }
    this.#lines = [...this.#lines, line];
    this.#bytes += content.length;
    this.#isThere = true;
    await this.#compact();
  }

  async #write(content: Buffer): Promise<void> {
    const handle = await this.#files.open(this.path, this.#isThere ? appending : creating, 0o600);
    try {
      const { size } = await handle.stat();
      if (size !== this.#bytes) {
        refuse('damaged', `${this.path} was changed by another program.`, 'Restart Candor, so that it is read again.');
      }
      await handle.writeFile(content);
      await handle.sync();
      if (!this.#isThere) await syncPath(dirname(this.path), this.#files);
    } catch (error) {
      if (!(error instanceof ReleaseRefused)) await this.#takeBack(refusalOf(error));
      throw error;
    } finally {
      // The disk has the line, or it was taken back: closing changes neither.
      await handle.close().catch(() => undefined);
    }
  }

  /** A part of a line in the middle of the file would make it unreadable. */
  async #takeBack(cause: ReleaseRefusal): Promise<void> {
    try {
      if (this.#isThere) await cutTo(this.path, this.#bytes, this.#files);
      else await this.#files.rm(this.path);
    } catch {
      this.#broken = {
        ...cause,
        step: `${cause.step} Then restart Candor, which cuts off what was written of the line.`,
      };
    }
  }

  /** Where it fails, the longer file is as good. */
  async #compact(): Promise<void> {
    const { lines, bytes } = this.#compactAbove;
    if (this.#lines.length <= lines && this.#bytes <= bytes) return;
    const kept = compactLines(this.#lines);
    const text = kept.map(lineText).join('');
    try {
      await writeWholeLater(this.path, text, this.#files);
      this.#lines = kept;
      this.#bytes = Buffer.byteLength(text);
      await syncPath(dirname(this.path), this.#files);
    } catch {
      // Tried again when there are twice as many.
    }
    this.#compactAbove = {
      lines: Math.max(compactLinesMax, 2 * this.#lines.length),
      bytes: Math.max(compactBytesMax, 2 * this.#bytes),
    };
  }
}

async function cutTo(path: string, bytes: number, files: ReleaseFiles): Promise<void> {
  await files.truncate(path, bytes);
  await syncPath(path, files);
}

function refuseJournal(reason: string): never {
  return refuse(
    'damaged',
    reason,
    'Restore the file from a backup, or move it away: then the application runs as candor.yaml has it until the next deploy.',
  );
}
