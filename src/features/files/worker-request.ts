import type { Filter, FilterAnswer, FilterContext, FilterDecision, FilterSource } from '../../core/filter.ts';
import { fail } from '#failures/failure.ts';
import type { FilesSpec } from './settings.ts';
import { acceptedCodings } from '../../wire/accept-encoding.ts';
import type { NotOpened, OpenFile, Root } from './worker-file.ts';
import { listingOf } from './worker-listing.ts';
import { type FilePath, isProgram } from './worker-path.ts';
import type { FilePorts } from './worker-stream.ts';
import type { FileCache, FoundFile } from './worker-cache.ts';
import type { ServedFolder } from './worker-served-folder.ts';
import { respondWith, fileHeadOf } from './worker-response.ts';
import { suffixOf } from './settings.ts';
import { FileTask } from './worker-task.ts';
import { toFolder } from '../../filters/to-folder.ts';

type Decision = Exclude<FilterDecision, 'suspend'>;

/** One request for a file of the route. */
export class FileRequest extends FileTask<Decision> {
  readonly #spec: FilesSpec;
  /** Of the release before. */
  readonly #previous: Root | null;
  readonly #cache: FileCache;
  readonly #path: Exclude<FilePath, string>;

  constructor(
    { spec, root, previous, cache }: ServedFolder,
    path: Exclude<FilePath, string>,
    context: FilterContext,
    filter: Filter,
    ports: FilePorts,
  ) {
    super(context.path, root, context, filter, ports);
    this.#spec = spec;
    this.#previous = previous;
    this.#path = path;
    this.#cache = cache;
  }

  protected async respond(found: FoundFile): Promise<FilterAnswer | FilterSource | 'changed'> {
    const { context, ports, root } = this;
    const response = await respondWith(found, fileHeadOf(found, this.#spec, context), root.disk, context, ports);
    if (response === 'changed') return response;
    // The fallback is sent for paths that only clients know.
    if (found.fallback === undefined) ports.answered.add(this.#key);
    if (response.read !== null) this.#cache.add(context, found, response.read);
    return response.decision;
  }

  protected async find(): Promise<FoundFile | Decision> {
    const { path, isFolder } = this.#path;
    const opened = await this.root.open(path);
    if (typeof opened === 'string')
      return (opened === 'missing' ? await this.#withExtension() : null) ?? this.#without(opened);
    if (opened.facts.kind === 'folder') return this.#inFolder(opened);
    if (!isFolder) return this.#encoded(path, opened);
    this.close(opened);
    return this.#without('missing');
  }

  /** The file that the path names without its extension; before a folder of that name, which has a slash at its end. Null: none. */
  async #withExtension(): Promise<FoundFile | null> {
    const { path, isFolder } = this.#path;
    if (isFolder || path === '') return null;
    for (const extension of this.#spec.extensions) {
      const opened = await this.root.open(path + extension);
      if (typeof opened === 'string') continue;
      if (opened.facts.kind === 'file') return this.#encoded(path + extension, opened);
      this.close(opened);
    }
    return null;
  }

  async #inFolder(folder: OpenFile): Promise<FoundFile | Decision> {
    try {
      const page = await this.#withExtension();
      if (page !== null) return page;
      const { path } = this.#path;
      for (const name of this.#spec.index) {
        const indexPath = path === '' ? name : `${path}/${name}`;
        const opened = await this.root.open(indexPath);
        if (opened !== 'missing' && this.#spec.passes && isProgram(name, this.#spec.programs)) {
          if (typeof opened !== 'string') this.close(opened);
          return 'continue';
        }
        if (typeof opened === 'string') continue;
        if (opened.facts.kind === 'file' && this.#isAtFolder) return await this.#encoded(indexPath, opened);
        this.close(opened);
        if (opened.facts.kind === 'file') return toFolder(this.context);
      }
      if (!this.#spec.listing) return await this.#without('no_index');
      return this.#isAtFolder ? await listingOf(this.context.path, folder, this.root) : toFolder(this.context);
    } finally {
      this.close(folder);
    }
  }

  /** Relative links of the page of a folder lead below it. */
  get #isAtFolder(): boolean {
    if (this.#path.path !== '') return this.#path.isFolder;
    return !this.#spec.isBelow || this.context.path.endsWith('/');
  }

  /** There is no file: what the route says of that. */
  async #without(absence: NotOpened | 'no_index'): Promise<FoundFile | Decision> {
    const { fallback, passes, root } = this.#spec;
    if (passes) return 'continue';
    const isMissing = absence === 'missing' || absence === 'no_index';
    const reason = isMissing ? pageReason(this.context, this.#path.path) : null;
    const before = absence === 'missing' && reason === null ? await this.#inReleaseBefore() : null;
    if (before !== null) return before;
    if (fallback !== null && reason !== null) {
      const opened = await this.root.open(fallback);
      if (typeof opened !== 'string' && opened.facts.kind === 'file')
        return { ...(await this.#encoded(fallback, opened)), fallback: reason };
      if (typeof opened !== 'string') this.close(opened);
    }
    const path = this.#missingPath(this.#path.isFolder || absence === 'no_index');
    const what = isMissing ? await this.#whatIsGone(reason !== null) : null;
    return what === null
      ? fail('file_not_found', 'filter', { path, root, absence })
      : fail('site_file_missing', 'filter', { path, root, what });
  }

  /** A page of the release before names scripts and pictures that only that release has. Null: it has no such file either. */
  async #inReleaseBefore(): Promise<FoundFile | null> {
    const { path, isFolder } = this.#path;
    if (this.#previous === null || isFolder) return null;
    const opened = await this.#previous.open(path);
    if (typeof opened === 'string') return null;
    if (opened.facts.kind === 'file') return { path, file: opened, coding: null };
    this.close(opened);
    return null;
  }

  /** Of a folder, its index. */
  #missingPath(isFolder: boolean): string {
    const [index = ''] = isFolder ? this.#spec.index : [];
    return [this.#path.path, index].filter((part) => part !== '').join('/');
  }

  /** What is missing although the site needs it; null: perhaps a path that a client has guessed. */
  async #whatIsGone(isPage: boolean): Promise<'folder' | 'fallback' | 'page' | null> {
    if (!(await this.root.exists())) return 'folder';
    if (isPage && this.#spec.fallback !== null) return 'fallback';
    const { answered, clock } = this.ports;
    return answered.isLost(this.#key, clock.now()) ? 'page' : null;
  }

  /** Of what was asked for, whatever route and host it was asked by. No target of a request has a line feed. */
  get #key(): string {
    return `${this.#spec.root}\n${this.#path.path}`;
  }

  /** The file beside it that is encoded as the client likes best, or the file itself. */
  async #encoded(path: string, file: OpenFile): Promise<FoundFile> {
    const { precompressed } = this.#spec;
    for (const coding of acceptedCodings(this.context.request.headers.get('accept-encoding'), precompressed)) {
      const sibling = await this.root.open(`${path}${suffixOf[coding]}`).catch(() => 'missing' as const);
      if (typeof sibling === 'string') continue;
      // One that is older was made of an earlier file.
      if (sibling.facts.kind === 'file' && sibling.facts.mtimeNs >= file.facts.mtimeNs) {
        this.close(file);
        return { path, file: sibling, coding };
      }
      this.close(sibling);
    }
    return { path, file, coding: null };
  }
}

/**
 * Why the request is for a page and not for a part of one: its last name has no extension, or the client names HTML among what it accepts. Null:
 * a script or picture that is missing is not answered with a page.
 */
function pageReason({ request }: FilterContext, path: string): NonNullable<FoundFile['fallback']> | null {
  if (!path.slice(path.lastIndexOf('/') + 1).includes('.')) return 'by_path';
  return /\btext\/html\b/i.test(request.headers.get('accept') ?? '') ? 'by_accept' : null;
}
