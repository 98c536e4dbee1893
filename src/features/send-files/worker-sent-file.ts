import { fail, type Failure, type NamedFileFault } from '#failures/failure.ts';
import type { Filter, FilterAnswer, FilterContext, FilterSource } from '../../core/filter.ts';
import type { FoundFile } from '../files/worker-cache.ts';
import type { Root } from '../files/worker-file.ts';
import { respondWith, streamOf, type FileHead } from '../files/worker-response.ts';
import type { FilePorts } from '../files/worker-stream.ts';
import { FileTask } from '../files/worker-task.ts';
import type { FileName } from './worker-names.ts';

/** Longer names are cut for messages. */
const shownMax = 500;

export function namedFailure(
  { endpointAddress }: FilterContext,
  { header, text }: FileName,
  why: NamedFileFault,
): Failure {
  const file = text.slice(0, shownMax);
  return fail('response_file_not_found', 'response', { address: endpointAddress ?? '', header, file, why });
}

/** A file that an application has named, for one request. */
export class SentFile extends FileTask<Failure> {
  readonly #path: string;
  readonly #name: FileName;
  readonly #head: Omit<FileHead, 'name'>;

  constructor(
    found: { readonly root: Root; readonly path: string },
    name: FileName,
    head: Omit<FileHead, 'name'>,
    context: FilterContext,
    filter: Filter,
    ports: FilePorts,
  ) {
    super(name.text.slice(0, shownMax), found.root, context, filter, ports);
    this.#path = found.path;
    this.#name = name;
    this.#head = head;
  }

  protected async find(): Promise<FoundFile | Failure> {
    const opened = await this.root.open(this.#path);
    if (typeof opened === 'string') return namedFailure(this.context, this.#name, opened);
    if (opened.facts.kind === 'file') return { path: this.#path, file: opened, coding: null };
    this.close(opened);
    return namedFailure(this.context, this.#name, 'folder');
  }

  protected async respond(found: FoundFile): Promise<FilterAnswer | FilterSource | 'changed'> {
    const { context, ports, root } = this;
    const head = { ...this.#head, name: this.#name.text.slice(0, shownMax) };
    const response = await respondWith(found, head, root.disk, context, ports);
    if (response === 'changed' || 'stream' in response.decision)
      return response === 'changed' ? response : response.decision;
    return streamOf(response.decision, head, root.disk, context.request.method, ports);
  }
}
