import { Deadline } from '../../core/deadline.ts';
import type { Filter, FilterAnswer, FilterContext, FilterDecision, FilterSource } from '../../core/filter.ts';
import { fail, type Failure, type FileOperation } from '#failures/failure.ts';
import { after } from '../../core/time.ts';
import type { FoundFile } from './worker-cache.ts';
import type { Disk, DiskTurn } from './worker-disk.ts';
import { codeOf, type OpenFile, type Root } from './worker-file.ts';
import type { FilePorts } from './worker-stream.ts';

type Resolution = Exclude<FilterDecision, 'suspend'>;

/** So long a request waits for a thread, and the disk has to open its file. */
const openMsMax = 10_000;

/** So many requests of a worker wait for a thread; more are refused. */
const waitingMax = 1000;

/** A file that is replaced again and again while it is read is given up after so many readings. */
const readingsMax = 3;

/** What a request waits for from a disk, until the decision of a filter. The request is suspended meanwhile. */
export abstract class DiskTask extends Deadline {
  protected readonly context: FilterContext;
  protected readonly ports: FilePorts;
  /** What is being done, for messages. */
  protected operation: FileOperation = 'open';
  /** Of the file, for messages. */
  readonly #name: string;
  readonly #disk: Disk;
  readonly #filter: Filter;
  #turn: DiskTurn | null = null;
  #isOver = false;
  #isBegun = false;

  constructor(name: string, disk: Disk, context: FilterContext, filter: Filter, ports: FilePorts) {
    super();
    this.#name = name;
    this.#disk = disk;
    this.context = context;
    this.#filter = filter;
    this.ports = ports;
  }

  /** Within a turn of the disk. What it rejects with is an error of the system. */
  protected abstract decide(): Promise<Resolution>;

  begin(): Failure | 'suspend' {
    const { waiting } = this.#disk;
    if (waiting >= waitingMax) return this.#poolFull(waiting, 0);
    this.at = after(this.ports.clock.now(), openMsMax);
    this.ports.deadlines.add(this);
    this.#turn = this.#disk.enter((turn) => {
      if (turn !== null) void this.#serve(turn);
    });
    return 'suspend';
  }

  /** The client has left, or the exchange has ended otherwise. */
  cancel(): void {
    this.#isOver = true;
    this.ports.deadlines.remove(this);
    this.#turn?.cancel();
  }

  onExpired(): void {
    const failure = this.#isBegun
      ? fail('file_timeout', 'filter', { path: this.#name, operation: 'open', limitMs: openMsMax, bytesRead: 0 })
      : this.#poolFull(this.#disk.waiting, openMsMax);
    this.cancel();
    this.context.resume(this.#filter, failure);
  }

  #poolFull(waiting: number, waitedMs: number): Failure {
    return fail('file_pool_full', 'filter', { path: this.#name, waiting, waitedMs, retryAfterS: 5 });
  }

  async #serve(turn: DiskTurn): Promise<void> {
    this.#isBegun = true;
    const decision = await this.#decided();
    turn.leave();
    this.ports.deadlines.remove(this);
    if (!this.#isOver) {
      this.#isOver = true;
      this.context.resume(this.#filter, decision);
    } else if (typeof decision === 'object' && 'stream' in decision) decision.stream.cancel();
  }

  async #decided(): Promise<Resolution> {
    try {
      return await this.decide();
    } catch (error) {
      const errno = codeOf(error);
      if (errno === '') return fail('gateway_fault', 'filter', { invariant: String(error) });
      if (errno === 'EACCES' || errno === 'EPERM') return fail('file_forbidden', 'filter', { path: this.#name, errno });
      return fail('file_failed', 'filter', { path: this.#name, operation: this.operation, errno });
    }
  }
}

/** One file for a request: from its path to the decision of a filter, `D`. */
export abstract class FileTask<D extends Resolution> extends DiskTask {
  protected readonly root: Root;
  /** Of the file, for messages. */
  readonly #name: string;

  constructor(name: string, root: Root, context: FilterContext, filter: Filter, ports: FilePorts) {
    super(name, root.disk, context, filter, ports);
    this.#name = name;
    this.root = root;
  }

  /** The file, or what is decided without one. Within a turn of the disk. */
  protected abstract find(): Promise<FoundFile | D | Failure>;

  /** 'changed': the file was written to while it was read. */
  protected abstract respond(found: FoundFile): Promise<FilterAnswer | FilterSource | 'changed'>;

  protected async decide(): Promise<Resolution> {
    for (let readings = 1; ; readings++) {
      this.operation = 'open';
      const found = await this.find();
      if (!isFile(found)) return found;
      this.operation = 'read';
      const response = await this.respond(found);
      if (response !== 'changed') return response;
      if (readings === readingsMax) return this.#rewritten(found);
    }
  }

  #rewritten({ file: { facts } }: FoundFile): Failure {
    const { size: bytesExpected } = facts;
    return fail('file_changed', 'filter', { path: this.#name, change: 'rewritten', bytesExpected, bytesRead: 0 });
  }

  protected close({ fd, facts }: OpenFile): void {
    this.root.disk.close(fd, facts.isLinked);
  }
}

const isFile = (found: FoundFile | Resolution): found is FoundFile => typeof found === 'object' && 'file' in found;
