import { harmless, padTo, shorten } from '../layout.ts';
import type { ProcessContext } from '../process-context.ts';
import type { LogSource } from './read-log.ts';

/** Shorter readings get no bar. */
const quietMs = 1000;
const betweenMs = 100;
const barColumns = 24;

/** Shows on a terminal how far the reading of logs has come, if it takes longer than a second. */
export class ProgressBar {
  readonly #context: ProcessContext;
  readonly #read = new Map<LogSource, number>();
  /** Bytes of all files; null if one of them is a pipe, whose length is unknown. */
  readonly #all: number | null;
  #drawn: number;
  #isShown = false;

  constructor(context: ProcessContext, sources: readonly LogSource[]) {
    this.#context = context;
    this.#all = sources.reduce<number | null>(
      (sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes),
      0,
    );
    this.#drawn = context.clock.now() + quietMs - betweenMs;
  }

  /** `bytes`: how many of the source have been read. */
  show(source: LogSource, bytes: number): void {
    this.#read.set(source, bytes);
    const { stderr, clock } = this.#context;
    if (!stderr.isTTY) return;
    const now = clock.now();
    if (now - this.#drawn < betweenMs) return;
    this.#drawn = now;
    this.#isShown = true;
    const read = [...this.#read.values()].reduce((sum, one) => sum + one, 0);
    stderr.write(`\r\u001b[K${progressText(source.name, read, this.#all)}`);
  }

  clear(): void {
    if (this.#isShown) this.#context.stderr.write('\r\u001b[K');
    this.#isShown = false;
  }
}

/** One line for a terminal. */
function progressText(name: string, bytes: number, all: number | null): string {
  const label = shorten(harmless(name), 30);
  if (all === null || all === 0) return `${label}  ${sizeText(bytes)}`;
  const part = Math.min(1, bytes / all);
  const bar = padTo('█'.repeat(Math.round(part * barColumns)), barColumns);
  return `${label} │${bar}│ ${String(Math.floor(part * 100)).padStart(3)} %  ${sizeText(bytes)}`;
}

/** Bytes in words: '512 bytes', '12.3 MB'. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
