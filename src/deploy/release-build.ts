import { join } from 'node:path';
import { countText, memoryText } from '#failures/quantity-text.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { type CopyContext, freeBytes } from './release-copy.ts';
import { inParallel, lstatOrNull } from './release-files.ts';
import type { ReleaseJob } from './release-job.ts';
import { isMissing, refuse, throwIfAborted } from './release-refusal.ts';

/** What makes a release of its source. */
export interface ReleaseBuild {
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  readonly limitMs: number;
  /** Never rejects. `signal`: ends it; a text is its reason. */
  readonly run: (job: ReleaseJob, signal: AbortSignal) => Promise<EndedBuild>;
}

interface EndedBuild {
  /** One clause, without secrets; null: it ended with 0. */
  readonly failure: string | null;
  /** A sentence: where its log is. */
  readonly seeLog: string;
}

type BuildContext = Pick<CopyContext, 'files' | 'limits' | 'reserveBytes' | 'signal'> & { readonly clock: Clock };

/** Runs the build in a folder that is its own, and looks at the size of that folder meanwhile. Returns how long it took. Throws `ReleaseRefused`. */
export async function buildIn(
  folder: string,
  { command, limitMs, run }: ReleaseBuild,
  environment: Readonly<Record<string, string>>,
  context: BuildContext,
): Promise<number> {
  const { clock, signal } = context;
  throwIfAborted(signal);
  const began = clock.now();
  const size = new SizeWatch(folder, context);
  const signals = [size.signal, ...(signal === undefined ? [] : [signal])];
  const { failure, seeLog } = await run(
    { command, directory: folder, environment, limitMs, stopMs: buildStopMs },
    AbortSignal.any(signals),
  );
  await size.stop();
  throwIfAborted(signal);
  if (failure !== null) refuse('build', `The build has failed: ${failure}.`, seeLog);
  return Math.round(clock.now() - began);
}

/** From SIGTERM to SIGKILL: what a build has written is removed anyway. */
const buildStopMs = 1000;

const lookEveryMs = 1000;
/** A look at a large tree takes seconds: it takes at most a fifth of the time. */
const restShare = 4;

/** Looks at a folder that others write, until it is too large or the disk is full. */
class SizeWatch {
  readonly #folder: string;
  readonly #context: BuildContext;
  readonly #exceeded = new AbortController();
  readonly #stopped = new AbortController();
  #timer: Timer;
  #looking: Promise<void> = Promise.resolve();

  constructor(folder: string, context: BuildContext) {
    this.#folder = folder;
    this.#context = context;
    this.#timer = this.#after(lookEveryMs);
  }

  /** Its reason is the text that says what is exceeded. */
  get signal(): AbortSignal {
    return this.#exceeded.signal;
  }

  stop(): Promise<void> {
    this.#stopped.abort();
    this.#timer.cancel();
    return this.#looking;
  }

  #after(ms: number): Timer {
    const { clock } = this.#context;
    const look = (watch: SizeWatch): void => {
      watch.#looking = watch.#look();
    };
    return clock.schedule(after(clock.now(), ms), look, this as SizeWatch);
  }

  /** A look that fails is tried again: files come and go. */
  async #look(): Promise<void> {
    const { clock } = this.#context;
    const began = clock.now();
    const why = await this.#why().catch(() => null);
    if (this.#stopped.signal.aborted) return;
    if (why !== null) return this.#exceeded.abort(why);
    this.#timer = this.#after(Math.max(lookEveryMs, restShare * (clock.now() - began)));
  }

  async #why(): Promise<string | null> {
    const { files, reserveBytes, limits } = this.#context;
    const free = await freeBytes(this.#folder, files);
    if (free < reserveBytes)
      return `the disk has ${memoryText(free)} left, and ${memoryText(reserveBytes)} stay free for other files`;
    const size = { files: 0, bytes: 0 };
    await this.#add(this.#folder, size);
    if (size.bytes > limits.bytes)
      return `its folder has more than ${memoryText(limits.bytes)}, the limit of a release`;
    if (size.files > limits.files)
      return `its folder has more than ${countText(limits.files, 'file')}, the limit of a release`;
    return null;
  }

  async #add(folder: string, size: { files: number; bytes: number }): Promise<void> {
    const { files } = this.#context;
    const entries = await files.readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    await inParallel(entries, this.#stopped.signal, async (entry) => {
      if (entry.isDirectory()) return;
      const found = await lstatOrNull(join(folder, entry.name), files);
      size.files += 1;
      size.bytes += found?.isFile() === true ? found.size : 0;
    });
    for (const entry of entries) if (entry.isDirectory()) await this.#add(join(folder, entry.name), size);
  }
}
