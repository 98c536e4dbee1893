import type { OutputLine } from '../core/output-line.ts';

/** Some seconds of applications that print as much as is stored. */
const charactersMax = 4 * 1024 * 1024;

/** A line that says nothing costs something too. */
const lineCharacters = 64;

/** Lines of applications that are not stored yet, in their order. If the disk is full for long, the oldest are given up. */
export class WaitingOutput {
  #lines: OutputLine[] = [];
  #characters = 0;

  get list(): readonly OutputLine[] {
    return this.#lines;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** Returns how many are given up. */
  add(lines: readonly OutputLine[]): number {
    for (const line of lines) this.#lines.push(line);
    for (const { text } of lines) this.#characters += text.length + lineCharacters;
    let lost = 0;
    while (this.#characters > charactersMax) {
      this.#characters -= (this.#lines[lost]?.text.length ?? 0) + lineCharacters;
      lost += 1;
    }
    if (lost > 0) this.#lines = this.#lines.slice(lost);
    return lost;
  }

  /** They are stored. */
  clear(): void {
    this.#lines = [];
    this.#characters = 0;
  }
}
