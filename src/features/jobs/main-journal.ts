import { constants } from 'node:fs';
import { join } from 'node:path';
import { lowerFirst } from '#failures/first-letter.ts';
import { makePrivateFolder } from '../../deploy/private-folder.ts';
import { readOwnFile, writeWholeLater } from '../../deploy/own-file.ts';
import { releaseFiles, type ReleaseFiles, syncPath } from '../../deploy/release-files.ts';
import { refusalOf } from '../../deploy/release-refusal.ts';
import { addFact, factsOf, type JobEnd, type JobFact, type JobHistories, type JobHistory } from './main-history.ts';

/** A hundred times what a compaction leaves of a few jobs. */
const bytesMax = 64 * 1024 ** 2;
const compactBytesMax = 1024 ** 2;

const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW;
const creating = appending | constants.O_CREAT | constants.O_EXCL;

/** Why a line is not on the disk: the end of a sentence that begins with the journal. Then nothing may be done that it would have claimed. */
class JournalUnwritten extends Error {}

const changedByOther = 'was changed by another program. Restart the gateway, so that it is read again';

type OpenFile = Awaited<ReturnType<ReleaseFiles['open']>>;

/** As many as a day of minutes. */
const owedMax = 1500;

/** Times of one job that were missed become one fact. */
function withOwed(owed: readonly JobFact[], fact: JobFact): readonly JobFact[] {
  if (fact.kind !== 'missed') return [...owed, fact];
  const isOfJob = (one: JobFact): one is typeof fact => one.kind === 'missed' && one.job === fact.job;
  const before = owed.find(isOfJob);
  if (before === undefined) return [...owed, fact];
  const { first, count, isMore } = before;
  const both = { ...fact, first, count: count + fact.count, isMore: isMore || fact.isMore };
  return [...owed.filter((one) => one !== before), both];
}

interface JournalParts {
  readonly folder: string;
  readonly files?: ReleaseFiles;
}

/** What was wrong with the file, a sentence; null: nothing. */
interface OpenedJournal {
  readonly journal: JobJournal;
  readonly damage: string | null;
}

/**
 * The journal of jobs: one JSON line a fact. A run is started only when the disk has the line that says so, so that no tick is run twice, whatever
 * kills the gateway. One process writes it, the owner of the state folder.
 */
export class JobJournal {
  readonly path: string;
  readonly folder: string;
  /** Lines were lost: what was claimed up to this wall time is not known; negative infinity: none was. */
  readonly unknownTo: number;
  readonly #files: ReleaseFiles;
  readonly #histories: Map<string, JobHistory>;
  /** Null: there is no file. */
  #bytes: number | null;
  #compactAbove = compactBytesMax;
  /** What the disk does not have yet, and what nothing waits for. */
  #owed: readonly JobFact[] = [];
  /** Why nothing can be written until the next start. */
  #broken: string | null = null;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(
    { folder, files = releaseFiles }: JournalParts,
    histories: Map<string, JobHistory>,
    bytes: number | null,
    unknownTo: number,
  ) {
    this.folder = folder;
    this.path = join(folder, 'journal');
    this.unknownTo = unknownTo;
    this.#files = files;
    this.#histories = histories;
    this.#bytes = bytes;
  }

  /** A text: why it cannot be used, a sentence. */
  static async open(parts: JournalParts): Promise<OpenedJournal | string> {
    const { folder, files = releaseFiles } = parts;
    const path = join(folder, 'journal');
    try {
      const problem = makePrivateFolder(folder);
      if (problem !== null) return `${folder} ${problem}`;
      const found = readOwnFile(path, bytesMax);
      if (found.kind === 'refused') return `${path} is not read: ${found.why}`;
      if (found.kind === 'none')
        return { journal: new JobJournal(parts, new Map(), null, Number.NEGATIVE_INFINITY), damage: null };
      const { facts, tornBytes, lost } = readFacts(found.text);
      const histories = new Map<string, JobHistory>();
      for (const fact of facts) addFact(histories, fact);
      const size = Buffer.byteLength(found.text);
      if (lost === 0) {
        if (tornBytes > 0) await files.truncate(path, size - tornBytes);
        const journal = new JobJournal(parts, histories, size - tornBytes, Number.NEGATIVE_INFINITY);
        return { journal, damage: null };
      }
      const writtenAt = Math.ceil((await files.lstat(path)).mtimeMs);
      await files.copyFile(path, `${path}.damaged`);
      for (const history of histories.values()) history.decidedTo = Math.max(history.decidedTo, writtenAt);
      const journal = new JobJournal(parts, histories, size, writtenAt);
      await journal.#rewrite();
      const what = lost === 1 ? 'A line' : `${lost} lines`;
      return { journal, damage: `${what} of ${path} cannot be read. The file was kept as ${path}.damaged` };
    } catch (error) {
      return `${path} cannot be used: ${causeOf(error)}`;
    }
  }

  /** Resolves when what was being written is on the disk. From then on it is another process's, and nothing is appended. */
  async close(): Promise<void> {
    if (this.#owed.length > 0) await this.append().catch(() => undefined);
    this.#broken = 'is written by another process';
    await this.#writing;
  }

  get histories(): JobHistories {
    return this.#histories;
  }

  get owed(): readonly JobFact[] {
    return this.#owed;
  }

  /** Takes them into the histories, and to the disk, or else with what the disk takes next. Never rejects. */
  note(...facts: readonly JobFact[]): Promise<void> {
    const noted = this.#writing.then(() => this.#append(facts)).catch(() => this.#owe(facts));
    this.#writing = noted;
    return noted;
  }

  #owe(facts: readonly JobFact[]): void {
    for (const fact of facts) addFact(this.#histories, fact);
    this.#owed = facts.reduce(withOwed, this.#owed).slice(-owedMax);
  }

  /** Resolves when the disk has all of them; rejects with `JournalUnwritten` otherwise. Calls are carried out one after the other. */
  append(...facts: readonly JobFact[]): Promise<void> {
    const appended = this.#writing.then(() => this.#append(facts));
    this.#writing = appended.catch(() => undefined);
    return appended;
  }

  async #append(facts: readonly JobFact[]): Promise<void> {
    if (this.#broken !== null) throw new JournalUnwritten(this.#broken);
    const content = Buffer.from([...this.#owed, ...facts].map(lineOf).join(''));
    const handle = await this.#open();
    try {
      await this.#write(handle, content);
    } catch (error) {
      if (error instanceof JournalUnwritten) throw error;
      await this.#takeBack();
      throw new JournalUnwritten(`cannot be written: ${causeOf(error)}`);
    }
    this.#bytes = (this.#bytes ?? 0) + content.length;
    this.#owed = [];
    for (const fact of facts) addFact(this.#histories, fact);
    if (this.#bytes > this.#compactAbove) await this.#compact();
  }

  /** Where that fails, on a file system that is read-only say, nothing has changed. */
  async #open(): Promise<OpenFile> {
    try {
      return await this.#files.open(this.path, this.#bytes === null ? creating : appending, 0o600);
    } catch (error) {
      throw new JournalUnwritten(`cannot be written: ${causeOf(error)}`);
    }
  }

  async #write(handle: OpenFile, content: Buffer): Promise<void> {
    const isNew = this.#bytes === null;
    try {
      const before = this.#bytes ?? 0;
      if ((await handle.stat()).size !== before) throw new JournalUnwritten(changedByOther);
      await handle.writeFile(content);
      await handle.sync();
      // Of two processes that write at the same moment one at most finds its lines alone.
      if ((await handle.stat()).size !== before + content.length) throw new JournalUnwritten(changedByOther);
      if (isNew) await syncPath(this.folder, this.#files);
    } finally {
      // The disk has the lines, or they are taken back: closing changes neither.
      await handle.close().catch(() => undefined);
    }
  }

  /** Half a line in the middle of the file would be damage. */
  async #takeBack(): Promise<void> {
    try {
      if (this.#bytes === null) await this.#files.rm(this.path, { force: true });
      else {
        await this.#files.truncate(this.path, this.#bytes);
        await syncPath(this.path, this.#files);
      }
    } catch (error) {
      this.#broken = `cannot be written: ${causeOf(error)}. Restart the gateway when it can be written again`;
    }
  }

  /** Where it fails, the longer file is as good. */
  async #compact(): Promise<void> {
    await this.#rewrite().catch(() => undefined);
    this.#compactAbove = Math.max(compactBytesMax, 2 * (this.#bytes ?? 0));
  }

  async #rewrite(): Promise<void> {
    const facts = factsOf(this.#histories);
    const text = facts.map(lineOf).join('');
    await writeWholeLater(this.path, text, this.#files);
    this.#bytes = Buffer.byteLength(text);
    this.#histories.clear();
    for (const fact of facts) addFact(this.#histories, fact);
    await syncPath(this.folder, this.#files);
  }
}

/** With a checksum: one wrong digit of a tick, and it would run again. */
function lineOf(fact: JobFact): string {
  const text = JSON.stringify({ v: 1, ...fact });
  return `${text.slice(0, -1)},"crc":${process.getBuiltinModule('node:zlib').crc32(text)}}\n`;
}

/** Lines of earlier versions have no checksum. */
function isAsWritten(line: string): boolean {
  const [end = '', sum] = /,"crc":(\d+)\}$/.exec(line) ?? [];
  return (
    sum === undefined ||
    process.getBuiltinModule('node:zlib').crc32(`${line.slice(0, line.length - end.length)}}`) === Number(sum)
  );
}

interface ReadFacts {
  readonly facts: readonly JobFact[];
  /** Of a line that a crash has torn. */
  readonly tornBytes: number;
  /** Lines in the middle that cannot be read. */
  readonly lost: number;
}

/** A line without an end is torn, and so are the zero bytes of a file system that had not written the end. */
function readFacts(text: string): ReadFacts {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  const zero = whole.indexOf('\0');
  const beforeZero = zero === -1 ? whole : whole.slice(0, whole.lastIndexOf('\n', zero) + 1);
  // Zeros in the middle are damage: whole lines follow them.
  const kept = whole.slice(beforeZero.length).trimEnd().includes('\n') ? whole : beforeZero;
  const lines = kept.split('\n').slice(0, -1);
  const facts = lines.flatMap((line) => factOf(line) ?? []);
  return { facts, tornBytes: Buffer.byteLength(text) - Buffer.byteLength(kept), lost: lines.length - facts.length };
}

function factOf(line: string): JobFact | null {
  try {
    if (!isAsWritten(line)) return null;
    const { v, crc: _, ...fact } = JSON.parse(line) as JobFact & { readonly v: unknown; readonly crc?: number };
    return v === 1 && isWhole(fact as unknown as Fields) ? (fact as JobFact) : null;
  } catch {
    return null;
  }
}

type Fields = Readonly<Record<string, unknown>>;

const isNumber = (value: unknown): boolean => Number.isFinite(value);
const isText = (value: unknown): boolean => typeof value === 'string';
const orNull =
  (check: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === null || check(value);

/** What histories are made of. A later version may write more. */
const fieldsOf: Readonly<Record<JobFact['kind'], Readonly<Record<string, (value: unknown) => boolean>>>> = {
  scheduled: { schedule: orNull(isText), after: isNumber },
  started: { run: isNumber, tick: orNull(isNumber), by: isText, release: orNull(isText), startedAt: isNumber },
  ended: { run: isNumber, endedAt: isNumber, failure: orNull(isText), lines: Array.isArray },
  earlier: { runs: isNumber },
  skipped: { tick: isNumber, reason: isText },
  missed: { first: isNumber, last: isNumber, count: isNumber, reason: isText },
  removed: {},
};

function isWhole(fact: Fields): boolean {
  const { kind, job } = fact;
  if (typeof job !== 'string' || typeof kind !== 'string' || !Object.hasOwn(fieldsOf, kind)) return false;
  return Object.entries(fieldsOf[kind as JobFact['kind']]).every(([name, check]) => check(fact[name]));
}

/** Whether the journal can have it as the end of a run. */
export function isJobEnd(value: unknown): value is JobEnd {
  return typeof value === 'object' && value !== null && isWhole({ ...value, kind: 'ended', job: '', run: 0 });
}

/** A clause. */
function causeOf(error: unknown): string {
  const { kind, reason } = refusalOf(error);
  return kind === 'disk_full' ? 'the disk is full' : lowerFirst(reason.replace(/\.$/, ''));
}
