import type { InstanceExit } from '#failures/instance-exit.ts';
import { type SaidWords, wordsText } from '#failures/words-text.ts';
import type { Instant } from '../core/time.ts';
import { wasStopped } from '../core/recorded-exit.ts';
import type { ProgramExit } from './host.ts';
import type { Phase } from './instance-life.ts';
import { exitText } from './instance-text.ts';

/** What is kept of an instance's last run after the next one has begun: how it ended, and its last lines. */
export class LastRun {
  #exit: InstanceExit | null = null;
  #ending: string | null = null;
  #lines: readonly string[] = [];
  #programExit: ProgramExit = { code: null, signal: null, outOfMemory: null };
  #phaseAtExit: Phase = 'starting';
  #wasStarted = false;
  #isSilent = false;

  /** For requests that lost a connection to the program; null before the first exit, and once the next run has begun. */
  get exit(): InstanceExit | null {
    return this.#exit;
  }

  /** How the run ended, or why it did not begin, one sentence; null before the first end. */
  get ending(): string | null {
    return this.#ending;
  }

  /** The last lines of its output. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  get programExit(): ProgramExit {
    return this.#programExit;
  }

  /** How the last program ended by itself; null: none has, or the last one could not be started. */
  get ownExit(): ProgramExit | null {
    return this.#wasStarted ? this.#programExit : null;
  }

  /** The last program has ended, and all that it printed has no line with text. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** The phase in which the program exited. */
  get phaseAtExit(): Phase {
    return this.#phaseAtExit;
  }

  /** A program runs again: the earlier exit explains nothing that happens to this one. */
  clearExit(): void {
    this.#exit = null;
  }

  notStarted(reason: string): void {
    this.#wasStarted = false;
    this.#isSilent = false;
    this.#ending = reason;
  }

  /** `directory`: of the program, to which the places in its words are relative. */
  exited(exit: ProgramExit, phase: Phase, at: Instant, words: SaidWords | null, directory = '/'): void {
    this.#programExit = exit;
    this.#phaseAtExit = phase;
    this.#wasStarted = true;
    this.#isSilent = false;
    this.#note(at, words, directory);
  }

  /** The last line often comes just after the exit. Returns when the exit was. */
  noteWords(words: SaidWords | null, now: Instant, directory = '/'): Instant {
    const at = (this.#exit?.atInstant as Instant | undefined) ?? now;
    this.#note(at, words, directory);
    this.#isSilent = words === null;
    return at;
  }

  keepLines(lines: readonly string[]): void {
    if (lines.length > 0) this.#lines = lines;
  }

  #note(at: Instant, words: SaidWords | null, directory: string): void {
    const { code, signal, outOfMemory } = this.#programExit;
    const lastLine = words?.error ?? null;
    const isStopped = wasStopped({ from: this.#phaseAtExit });
    const stopped = isStopped ? { stopped: { replacedBy: null } } : {};
    this.#exit = { atInstant: at, code, signal, outOfMemory: outOfMemory === true, lastLine, ...stopped };
    // An end that was requested has no reason in the output.
    const said = isStopped || words === null ? null : wordsText(words, directory);
    this.#ending = exitText(isStopped ? { code, signal, outOfMemory } : this.#programExit, said);
  }
}
