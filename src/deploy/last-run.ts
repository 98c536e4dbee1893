import type { InstanceExit } from '../core/endpoint.ts';
import type { Instant } from '../core/time.ts';
import type { ProgramExit } from './host.ts';
import type { Phase } from './instance-life.ts';
import { exitText } from './instance-text.ts';

/** What is remembered of an instance's last run when the next one has begun: how it ended, and its last words. */
export class LastRun {
  #exit: InstanceExit | null = null;
  #ending: string | null = null;
  #lines: readonly string[] = [];
  #programExit: ProgramExit = { code: null, signal: null, outOfMemory: null };
  #phaseAtExit: Phase = 'starting';

  /** For whoever lost a connection to it; null where no run has ended yet, and once another has begun: that one has not. */
  get exit(): InstanceExit | null {
    return this.#exit;
  }

  /** How it ended, or why it did not begin, one sentence; null where none has. */
  get ending(): string | null {
    return this.#ending;
  }

  /** Its output, as far as kept. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  get programExit(): ProgramExit {
    return this.#programExit;
  }

  /** In which phase its end found it. */
  get phaseAtExit(): Phase {
    return this.#phaseAtExit;
  }

  /** A program runs again: an exit of the one before explains nothing that happens to this one. */
  clearExit(): void {
    this.#exit = null;
  }

  notStarted(reason: string): void {
    this.#ending = reason;
  }

  exited(exit: ProgramExit, phase: Phase, at: Instant, lastLine: string | null): void {
    this.#programExit = exit;
    this.#phaseAtExit = phase;
    this.#note(at, lastLine);
  }

  /** The last line often comes just after the end. Returns when the end was. */
  noteLastLine(lastLine: string | null, now: Instant): Instant {
    const at = (this.#exit?.atInstant as Instant | undefined) ?? now;
    this.#note(at, lastLine);
    return at;
  }

  keepLines(lines: readonly string[]): void {
    if (lines.length > 0) this.#lines = lines;
  }

  #note(at: Instant, lastLine: string | null): void {
    const { code, signal, outOfMemory } = this.#programExit;
    this.#exit = { atInstant: at, code, signal, outOfMemory: outOfMemory === true, lastLine };
    // Of an end that was asked for, what the program last wrote is no reason.
    this.#ending = exitText(this.#programExit, this.#phaseAtExit === 'stopping' ? null : lastLine);
  }
}
