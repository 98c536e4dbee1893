import type { OutputLine } from '../core/output-line.ts';

/** Some seconds of applications that print as much as is stored. */
const charactersMax = 4 * 1024 * 1024;

/** A line that says nothing costs something too. */
const lineCharacters = 64;

/** Lines of applications that are not stored yet, in their order. If the disk is full for long, the oldest are given up. */
export class WaitingOutput {
  #lines: OutputLine[] = [];
  #characters = 0;
  /**
   * By application and reason: an empty line in place of those that are given up, which has their number and the time of the last. Lines that came too
   * fast, whose number a line had that is given up, are not counted with it.
   */
  readonly #givenUp = new Map<string, OutputLine>();

  /** What is to be stored. */
  get list(): readonly OutputLine[] {
    return [...this.#givenUp.values(), ...this.#lines];
  }

  /** Lines that were added and are not given up. */
  get count(): number {
    return this.#lines.length;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** Returns how many are given up. */
  add(lines: readonly OutputLine[]): number {
    for (const line of lines) this.#lines.push(line);
    for (const { text } of lines) this.#characters += text.length + lineCharacters;
    let lost = 0;
    for (const line of this.#lines) {
      if (this.#characters <= charactersMax) break;
      this.#characters -= line.text.length + lineCharacters;
      this.#giveUp(line);
      lost += 1;
    }
    if (lost > 0) this.#lines = this.#lines.slice(lost);
    return lost;
  }

  /** A line without a text only has the number of others. */
  #giveUp({ text, ...line }: OutputLine): void {
    if (line.leftOut > 0) this.#leaveOut(line);
    if (text !== '' || line.leftOut === 0) this.#leaveOut({ ...line, leftOut: 1, leftOutWhy: 'store_failed' });
  }

  #leaveOut(line: Omit<OutputLine, 'text'>): void {
    const key = `${line.leftOutWhy ?? ''} ${line.source.application}`;
    const before = this.#givenUp.get(key)?.leftOut ?? 0;
    this.#givenUp.set(key, { ...line, text: '', leftOut: before + line.leftOut });
  }

  /** They are stored. */
  clear(): void {
    this.#givenUp.clear();
    this.#lines = [];
    this.#characters = 0;
  }
}
