import { constants, createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { memoryText } from '#failures/quantity-text.ts';
import { Parser } from 'tar/parse';
import type { ReadEntry } from 'tar/read-entry';
import { freeBytes, SpaceWatch } from './release-copy.ts';
import { releaseFiles, type ReleaseFiles } from './release-files.ts';
import { isDiskFull, isMissing, refuse, refuseFullDisk, throwIfAborted } from './release-refusal.ts';
import { checkLimits, checkLink, refuseSpecial, type TreeLimits } from './release-walk.ts';

export interface UnpackOptions {
  readonly limits: TreeLimits;
  readonly reserveBytes: number;
  /** Where all of the archive lies in one folder, that folder is the tree. */
  readonly dropsTop?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly files?: ReleaseFiles | undefined;
}

/** How a compressed archive begins. */
const compressions = [
  { begin: Buffer.from([0x1f, 0x8b]), decompress: () => process.getBuiltinModule('node:zlib').createGunzip() },
  {
    begin: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
    decompress: () => process.getBuiltinModule('node:zlib').createZstdDecompress(),
  },
] as const;

/** Unpacks a `.tar`, `.tar.gz` or `.tar.zst`, whatever it is called; otherwise like `unpackTar`. */
export async function unpackArchive(path: string, into: string, options: UnpackOptions): Promise<string> {
  const begin = await beginOf(path, options.files ?? releaseFiles);
  const file = createReadStream(path);
  const found = compressions.find((one) => begin.subarray(0, one.begin.length).equals(one.begin));
  // Errors of either destroy the other: who reads gets them.
  const content = found === undefined ? file : pipeline(file, found.decompress(), () => undefined);
  try {
    return await unpackTar(content, into, path, options);
  } finally {
    file.destroy();
  }
}

async function beginOf(path: string, files: ReleaseFiles): Promise<Buffer> {
  const handle = await files.open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    if (isMissing(error)) refuse('source', `${path} is not there.`, 'Name the archive.');
    throw error;
  });
  try {
    if (!(await handle.stat()).isFile()) refuse('source', `${path} is not a file.`, 'Name an archive.');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/**
 * Unpacks a tar into an empty folder of ours: files, folders, and links that stay within. Returns the folder that the tree is.
 * Throws `ReleaseRefused`; what was unpacked until then stays. `name`: what messages call the archive.
 */
export async function unpackTar(
  content: Readable,
  into: string,
  name: string,
  options: UnpackOptions,
): Promise<string> {
  const unpacking = new Unpacking(into, name, options);
  const chunks = content[Symbol.asyncIterator]();
  try {
    for (;;) {
      throwIfAborted(options.signal);
      const next = await nextChunk(chunks, name);
      if (next === null) return await unpacking.end();
      await unpacking.write(next);
    }
  } catch (error) {
    await unpacking.abandon(error);
    if (!isDiskFull(error)) throw error;
    const free = await freeBytes(into, options.files ?? releaseFiles);
    return refuseFullDisk(into, `at least ${memoryText(unpacking.bytes)}`, free, options.reserveBytes);
  } finally {
    content.destroy();
  }
}

async function nextChunk(chunks: AsyncIterator<Buffer>, name: string): Promise<Buffer | null> {
  try {
    const { done, value } = await chunks.next();
    return done === true ? null : value;
  } catch {
    return refuseDamaged(name);
  }
}

function refuseDamaged(name: string): never {
  return refuse(
    'source',
    `${name} is no tar archive, or it is cut off or damaged.`,
    'Make it again with `tar -czf`, and compare its size after the transfer.',
  );
}

/** Of Linux's 4096, the rest is for the folder of the tree. */
const pathMax = 3500;

/** Room for the headers of a file beside its content. */
const headerBytes = 4096;

class Unpacking {
  readonly #into: string;
  readonly #name: string;
  readonly #options: UnpackOptions;
  readonly #files: ReleaseFiles;
  readonly #space: SpaceWatch;
  readonly #parser: Parser;
  /** What the archive has had at each path, and the folders above. */
  readonly #kinds = new Map<string, 'file' | 'folder' | 'link'>();
  /** Made at the end, so that nothing is written through one. */
  readonly #links = new Map<string, string>();
  #work: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | null = null;
  #hasEnd = false;
  /** Two empty blocks have come. The parser takes time for each further one. */
  #isOver = false;
  /** Rejects where no more of the archive comes. */
  readonly #abandoned = Promise.withResolvers<never>();
  /** Of the files so far. */
  bytes = 0;
  #readBytes = 0;

  constructor(into: string, name: string, options: UnpackOptions) {
    this.#into = into;
    this.#name = name;
    this.#options = options;
    this.#files = options.files ?? releaseFiles;
    const needs = `more than ${memoryText(options.reserveBytes)}`;
    this.#space = new SpaceWatch(into, needs, { files: this.#files, reserveBytes: options.reserveBytes });
    this.#abandoned.promise.catch(() => undefined);
    this.#parser = new Parser({ strict: true, brotli: false, onReadEntry: (entry) => this.#add(entry) });
    this.#parser.on('ignoredEntry', (entry: ReadEntry) => this.#refuseIgnored(entry));
    this.#parser.on('nullBlock', () => {
      this.#hasEnd = true;
    });
    this.#parser.on('eof', () => {
      this.#isOver = true;
    });
    this.#parser.on('error', () => this.#run(() => refuseDamaged(this.#name)));
  }

  async write(chunk: Buffer): Promise<void> {
    const { limits } = this.#options;
    this.#readBytes += chunk.length;
    checkLimits(0, this.#readBytes - limits.files * headerBytes, this.#name, limits);
    if (!this.#isOver && !this.#parser.write(chunk))
      await new Promise((resolve) => this.#parser.once('drain', resolve));
    this.#throwFailure();
  }

  async end(): Promise<string> {
    await new Promise((resolve) => {
      this.#parser.once('end', resolve);
      this.#parser.end();
    });
    await this.#work;
    this.#throwFailure();
    if (!this.#hasEnd) refuseDamaged(this.#name);
    if (this.#kinds.size === 0) refuse('source', `${this.#name} has no files.`, 'Name one that has the application.');
    for (const [path, target] of this.#links) await this.#files.symlink(target, join(this.#into, path));
    return this.#options.dropsTop === true ? this.#withoutTop() : this.#into;
  }

  /** No more of the archive comes: closes the file that waits for its rest. */
  async abandon(error: unknown): Promise<void> {
    this.#failure ??= { error };
    this.#abandoned.reject(error);
    await this.#work;
  }

  #withoutTop(): string {
    const [top, ...others] = [...this.#kinds.keys()].filter((path) => !path.includes('/'));
    const isTop = top !== undefined && others.length === 0 && this.#kinds.get(top) === 'folder';
    return isTop ? join(this.#into, top) : this.#into;
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** One after the other. After a failure nothing is done any more. */
  #run(work: () => Promise<void> | void): void {
    this.#work = this.#work.then(async () => {
      try {
        if (this.#failure === null) await work();
      } catch (error) {
        this.#failure ??= { error };
      }
    });
  }

  /** The parser waits for the end of the entry; an entry that is not read is passed over. */
  #add(entry: ReadEntry): void {
    this.#run(() => this.#unpack(entry));
    this.#work = this.#work.then(() => entry.resume());
  }

  async #unpack(entry: ReadEntry): Promise<void> {
    const path = this.#pathOf(entry.path);
    if (path === '') return;
    switch (entry.type) {
      case 'Directory':
      case 'GNUDumpDir':
        return this.#addFolder(path);
      case 'File':
      case 'OldFile':
      case 'ContiguousFile':
        await this.#claim(path, 'file', entry.size);
        return this.#writeFile(path, entry);
      case 'SymbolicLink':
        await this.#claim(path, 'link', 0);
        this.#links.set(path, checkLink(path, entry.linkpath ?? ''));
        return;
      case 'Link':
        return this.#addHardLink(path, this.#pathOf(entry.linkpath ?? ''));
      default:
        refuseSpecial(path, entry.type === 'FIFO' ? 'named pipe' : 'device');
    }
  }

  #pathOf(written: string): string {
    const steps = written.split('/').filter((step) => step !== '' && step !== '.');
    const step = 'Make the archive of relative paths within one folder.';
    if (written.startsWith('/') || steps.includes('..'))
      return refuse('source', `${this.#name} has ${written}, which leads out of the archive.`, step);
    if (written.length > pathMax)
      return refuse(
        'source',
        `${this.#name} has a path of ${written.length} characters.`,
        `Keep paths below ${pathMax}.`,
      );
    if (/[\0\uFFFD]/.test(written))
      return refuse('source', `${this.#name} has a name that is not UTF-8.`, 'Rename it.');
    if (steps.some((one) => one.startsWith('GNUSparseFile.'))) return this.#refuseType(written);
    return steps.join('/');
  }

  #refuseIgnored({ path, type }: ReadEntry): void {
    this.#run(() => this.#refuseType(path ?? type));
  }

  #refuseType(path: string): never {
    return refuse(
      'source',
      `${path} in ${this.#name} is of a type that is not read.`,
      'Make the archive without `--sparse`.',
    );
  }

  async #addFolder(path: string): Promise<void> {
    if (this.#kinds.get(path) === 'folder') return;
    if (path.includes('/')) await this.#addFolder(dirname(path));
    if (this.#kinds.has(path)) this.#refuseTwice(path);
    this.#kinds.set(path, 'folder');
    await this.#files.mkdir(join(this.#into, path), 0o755);
  }

  async #claim(path: string, kind: 'file' | 'link', bytes: number): Promise<void> {
    throwIfAborted(this.#options.signal);
    if (path.includes('/')) await this.#addFolder(dirname(path));
    if (this.#kinds.has(path)) this.#refuseTwice(path);
    this.#kinds.set(path, kind);
    this.bytes += bytes;
    checkLimits(this.#kinds.size, this.bytes, path, this.#options.limits);
    await this.#space.add(bytes);
  }

  #refuseTwice(path: string): never {
    return refuse('source', `${this.#name} has ${path} twice, or something below it.`, 'Make the archive again.');
  }

  async #writeFile(path: string, entry: ReadEntry): Promise<void> {
    const handle = await this.#files.open(join(this.#into, path), 'wx', ((entry.mode ?? 0o644) & 0o777) | 0o600);
    const chunks = entry[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await Promise.race([chunks.next(), this.#abandoned.promise]);
        if (done === true) return;
        await handle.writeFile(value);
      }
    } finally {
      await handle.close();
    }
  }

  async #addHardLink(path: string, target: string): Promise<void> {
    if (this.#kinds.get(target) !== 'file')
      refuse(
        'source',
        `${path} in ${this.#name} links to ${target}, which is no file before it.`,
        'Make the archive again.',
      );
    const from = join(this.#into, target);
    await this.#claim(path, 'file', (await this.#files.lstat(from)).size);
    await this.#files.copyFile(from, join(this.#into, path), constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  }
}
