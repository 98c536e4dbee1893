import type { Instant } from '../../core/time.ts';
import { harmless, padTo, shorten } from '../layout.ts';
import type { Surroundings } from '../surroundings.ts';

/** Whoever waits less long needs no bar. */
const quietMs = 1000;
const betweenMs = 100;
const barColumns = 24;

/** How far the reading of a log has come, on a terminal, when it takes longer than a second. */
export class ProgressBar {
  readonly #around: Surroundings;
  readonly #begun: Instant;
  #drawn: number;
  #isShown = false;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#begun = around.clock.now();
    this.#drawn = this.#begun + quietMs - betweenMs;
  }

  /** `all`: of the file; null where nobody knows. */
  show(name: string, octets: number, all: number | null): void {
    const { stderr, clock } = this.#around;
    if (!stderr.isTTY) return;
    const now = clock.now();
    if (now - this.#drawn < betweenMs) return;
    this.#drawn = now;
    this.#isShown = true;
    stderr.write(`\r\u001b[K${progressText(name, octets, all)}`);
  }

  clear(): void {
    if (this.#isShown) this.#around.stderr.write('\r\u001b[K');
    this.#isShown = false;
  }
}

/** One line for a terminal. */
export function progressText(name: string, octets: number, all: number | null): string {
  const label = shorten(harmless(name), 30);
  if (all === null || all === 0) return `${label}  ${sizeText(octets)}`;
  const part = Math.min(1, octets / all);
  const bar = padTo('█'.repeat(Math.round(part * barColumns)), barColumns);
  return `${label} │${bar}│ ${String(Math.floor(part * 100)).padStart(3)} %  ${sizeText(octets)}`;
}

/** Octets as people say them: '512 octets', '12.3 MB'. */
export function sizeText(octets: number): string {
  if (octets < 1000) return `${octets} octets`;
  if (octets < 1e6) return `${(octets / 1e3).toFixed(1)} kB`;
  return octets < 1e9 ? `${(octets / 1e6).toFixed(1)} MB` : `${(octets / 1e9).toFixed(2)} GB`;
}
