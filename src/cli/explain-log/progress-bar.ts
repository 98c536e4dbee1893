import type { Instant } from '../../core/time.ts';
import { harmless, padTo, shorten } from '../layout.ts';
import type { ProcessContext } from '../process-context.ts';

/** Shorter readings get no bar. */
const quietMs = 1000;
const betweenMs = 100;
const barColumns = 24;

/** Shows on a terminal how far the reading of a log has come, if it takes longer than a second. */
export class ProgressBar {
  readonly #context: ProcessContext;
  readonly #begun: Instant;
  #drawn: number;
  #isShown = false;

  constructor(context: ProcessContext) {
    this.#context = context;
    this.#begun = context.clock.now();
    this.#drawn = this.#begun + quietMs - betweenMs;
  }

  /** `all`: bytes of the file; null if unknown. */
  show(name: string, bytes: number, all: number | null): void {
    const { stderr, clock } = this.#context;
    if (!stderr.isTTY) return;
    const now = clock.now();
    if (now - this.#drawn < betweenMs) return;
    this.#drawn = now;
    this.#isShown = true;
    stderr.write(`\r\u001b[K${progressText(name, bytes, all)}`);
  }

  clear(): void {
    if (this.#isShown) this.#context.stderr.write('\r\u001b[K');
    this.#isShown = false;
  }
}

/** One line for a terminal. */
export function progressText(name: string, bytes: number, all: number | null): string {
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
