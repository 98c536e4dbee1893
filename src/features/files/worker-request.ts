import { Deadline } from '../../core/deadline.ts';
import type { Filter, FilterAnswer, FilterContext, FilterDecision } from '../../core/filter.ts';
import { fail, type Failure, type FileOperation } from '#failures/failure.ts';
import { after } from '../../core/time.ts';
import type { FilesSpec } from './settings.ts';
import { codingsFor } from './worker-headers.ts';
import { codeOf, type NotOpened, type OpenFile, type Root } from './worker-file.ts';
import { listingOf } from './worker-listing.ts';
import type { DiskTurn } from './worker-disk.ts';
import { type FilePath, isProgram } from './worker-path.ts';
import type { FilePorts } from './worker-stream.ts';
import type { FileCache, FoundFile } from './worker-cache.ts';
import { respondWith } from './worker-response.ts';
import { suffixOf } from './settings.ts';
import { plainText, textAnswer } from '../../filters/plain-answer.ts';

type Decision = Exclude<FilterDecision, 'suspend'>;

/** So long a request waits for a thread, and the disk has to open its file. */
const openMsMax = 10_000;

/** So many requests of a worker wait for a thread; more are refused. */
const waitingMax = 1000;

/** A file that is replaced again and again while it is read is given up after so many readings. */
const readingsMax = 3;

/** One request for a file: from its path to the decision of the filter. The request is suspended meanwhile. */
export class FileRequest extends Deadline {
  readonly #spec: FilesSpec;
  readonly #root: Root;
  readonly #context: FilterContext;
  readonly #filter: Filter;
  readonly #ports: FilePorts;
  readonly #cache: FileCache;
  readonly #path: Exclude<FilePath, string>;
  #turn: DiskTurn | null = null;
  #isOver = false;
  #isBegun = false;

  constructor(
    spec: FilesSpec,
    root: Root,
    path: Exclude<FilePath, string>,
    context: FilterContext,
    filter: Filter,
    ports: FilePorts,
    cache: FileCache,
  ) {
    super();
    this.#spec = spec;
    this.#root = root;
    this.#path = path;
    this.#context = context;
    this.#filter = filter;
    this.#ports = ports;
    this.#cache = cache;
  }

  begin(): Decision | 'suspend' {
    const { waiting } = this.#root.disk;
    if (waiting >= waitingMax) return this.#poolFull(waiting, 0);
    this.at = after(this.#ports.clock.now(), openMsMax);
    this.#ports.deadlines.add(this);
    this.#turn = this.#root.disk.enter((turn) => {
      if (turn !== null) void this.#serve(turn);
    });
    return 'suspend';
  }

  /** The client has left, or the exchange has ended otherwise. */
  cancel(): void {
    this.#isOver = true;
    this.#ports.deadlines.remove(this);
    this.#turn?.cancel();
  }

  onExpired(): void {
    const failure = this.#isBegun
      ? fail('file_timeout', 'filter', { path: this.#name, operation: 'open', limitMs: openMsMax, bytesRead: 0 })
      : this.#poolFull(this.#root.disk.waiting, openMsMax);
    this.cancel();
    this.#context.resume(this.#filter, failure);
  }

  #poolFull(waiting: number, waitedMs: number): Failure {
    return fail('file_pool_full', 'filter', { path: this.#name, waiting, waitedMs, retryAfterS: 5 });
  }

  get #name(): string {
    return this.#context.path;
  }

  async #serve(turn: DiskTurn): Promise<void> {
    this.#isBegun = true;
    const decision = await this.#decide();
    turn.leave();
    this.#ports.deadlines.remove(this);
    if (!this.#isOver) {
      this.#isOver = true;
      this.#context.resume(this.#filter, decision);
    } else if (typeof decision === 'object' && 'stream' in decision) decision.stream.cancel();
  }

  async #decide(): Promise<Decision> {
    const progress: { operation: FileOperation } = { operation: 'open' };
    try {
      for (let readings = 1; ; readings++) {
        const found = await this.#find();
        if (!isFile(found)) return found;
        progress.operation = 'read';
        const response = await respondWith(found, this.#spec, this.#root.disk, this.#context, this.#ports, this.#cache);
        if (response !== 'changed') {
          this.#ports.answered.add(this.#context.request.target);
          return response;
        }
        if (readings === readingsMax) return this.#rewritten(found);
      }
    } catch (error) {
      return this.#failed(progress.operation, error);
    }
  }

  #rewritten({ file: { facts } }: FoundFile): Failure {
    const { size: bytesExpected } = facts;
    return fail('file_changed', 'filter', { path: this.#name, change: 'rewritten', bytesExpected, bytesRead: 0 });
  }

  #failed(operation: FileOperation, error: unknown): Failure {
    const errno = codeOf(error);
    if (errno === '') return fail('gateway_fault', 'filter', { invariant: String(error) });
    if (errno === 'EACCES' || errno === 'EPERM') return fail('file_forbidden', 'filter', { path: this.#name, errno });
    return fail('file_failed', 'filter', { path: this.#name, operation, errno });
  }

  /** The file, or what is decided without one. */
  async #find(): Promise<FoundFile | Decision> {
    const { path, isFolder } = this.#path;
    const opened = await this.#root.open(path);
    if (typeof opened === 'string') return this.#without(opened);
    if (opened.facts.kind === 'folder') return this.#inFolder(opened);
    if (!isFolder) return this.#encoded(path, opened);
    this.#close(opened);
    return this.#without('missing');
  }

  async #inFolder(folder: OpenFile): Promise<FoundFile | Decision> {
    try {
      const { path, isFolder } = this.#path;
      for (const name of this.#spec.index) {
        const indexPath = path === '' ? name : `${path}/${name}`;
        const opened = await this.#root.open(indexPath);
        if (opened !== 'missing' && isProgram(name, this.#spec.programs)) {
          if (typeof opened !== 'string') this.#close(opened);
          return 'continue';
        }
        if (typeof opened === 'string') continue;
        if (opened.facts.kind === 'file' && (isFolder || path === '')) return await this.#encoded(indexPath, opened);
        this.#close(opened);
        if (opened.facts.kind === 'file') return withSlash(this.#context);
      }
      if (!this.#spec.listing) return await this.#without('no_index');
      return isFolder || path === ''
        ? await listingOf(this.#context.path, folder, this.#root)
        : withSlash(this.#context);
    } finally {
      this.#close(folder);
    }
  }

  /** There is no file: what the route says of that. */
  async #without(absence: NotOpened | 'no_index'): Promise<FoundFile | Decision> {
    const { fallback, passes, root } = this.#spec;
    if (passes) return 'continue';
    const isMissing = absence === 'missing' || absence === 'no_index';
    const reason = isMissing ? pageReason(this.#context, this.#path.path) : null;
    if (fallback !== null && reason !== null) {
      const opened = await this.#root.open(fallback);
      if (typeof opened !== 'string' && opened.facts.kind === 'file')
        return { ...(await this.#encoded(fallback, opened)), fallback: reason };
      if (typeof opened !== 'string') this.#close(opened);
    }
    const what = isMissing ? await this.#whatIsGone(reason !== null) : null;
    return what === null
      ? fail('file_not_found', 'filter', { path: this.#name, root, absence })
      : fail('site_file_missing', 'filter', { path: this.#name, root, what });
  }

  /** What is missing although the site needs it; null: perhaps a path that a client has guessed. */
  async #whatIsGone(isPage: boolean): Promise<'folder' | 'fallback' | 'page' | null> {
    if (!(await this.#root.exists())) return 'folder';
    if (isPage && this.#spec.fallback !== null) return 'fallback';
    const { answered, clock } = this.#ports;
    return answered.isLost(this.#context.request.target, clock.now()) ? 'page' : null;
  }

  /** The file beside it that is encoded as the client likes best, or the file itself. */
  async #encoded(path: string, file: OpenFile): Promise<FoundFile> {
    const { precompressed } = this.#spec;
    for (const coding of codingsFor(this.#context.request.headers.get('accept-encoding'), precompressed)) {
      const sibling = await this.#root.open(`${path}${suffixOf[coding]}`).catch(() => 'missing' as const);
      if (typeof sibling === 'string') continue;
      // One that is older was made of an earlier file.
      if (sibling.facts.kind === 'file' && sibling.facts.mtimeNs >= file.facts.mtimeNs) {
        this.#close(file);
        return { path, file: sibling, coding };
      }
      this.#close(sibling);
    }
    return { path, file, coding: null };
  }

  #close({ fd, facts }: OpenFile): void {
    this.#root.disk.close(fd, facts.isLinked);
  }
}

const isFile = (found: FoundFile | Decision): found is FoundFile => typeof found === 'object' && 'file' in found;

/**
 * Why the request is for a page and not for a part of one: its last name has no extension, or the client names HTML among what it accepts. Null:
 * a script or picture that is missing is not answered with a page.
 */
function pageReason({ request }: FilterContext, path: string): NonNullable<FoundFile['fallback']> | null {
  if (!path.slice(path.lastIndexOf('/') + 1).includes('.')) return 'by_path';
  return /\btext\/html\b/i.test(request.headers.get('accept') ?? '') ? 'by_accept' : null;
}

/** Relative links of a page work only if the path of its folder ends with a slash. */
function withSlash({ path, request }: FilterContext): FilterAnswer {
  const mark = request.target.indexOf('?');
  const query = mark < 0 ? '' : request.target.slice(mark);
  const safe = (text: string, unsafe: RegExp): string =>
    text.replace(unsafe, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
  const location = `${safe(path, /[^\w\-.~!$&'()*+,;=:@%/]/g)}/${safe(query, /[^\x21-\x7e]|[#"<>\\`{}]/g)}`;
  return textAnswer(308, plainText, `See ${location}\n`, [['Location', location]]);
}
