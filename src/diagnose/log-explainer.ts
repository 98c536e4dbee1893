import { allDialects, closedFormats } from './all-dialects.ts';
import type { Dialect, DialectReader } from './dialect.ts';
import type { Finding } from './finding.ts';
import { stripPrefix } from './line-prefix.ts';
import { judgedText } from './line-text.ts';
import { withoutImpossible } from './sound-finding.ts';

/** What a line says; null where no dialect recognises it. */
export type LineVerdict = Finding | null;

/**
 * Reads the lines of one file, of whichever gateways they are. Formats of other tools around a line (syslog, Docker,
 * Compose, Kubernetes, journald) are taken off where somebody recognises what is inside. Never throws.
 */
export class LogExplainer {
  readonly #dialects: readonly Dialect[];
  readonly #readers: (DialectReader | undefined)[];
  /** Most lines are of the same format as the one before. */
  #last = -1;

  constructor(dialects: readonly Dialect[] = allDialects) {
    this.#dialects = dialects;
    this.#readers = dialects.map(() => undefined);
  }

  /** The dialect that read the last line that was recognised, by its place in the array; -1 before there was one. */
  get last(): number {
    return this.#last;
  }

  /** Whether the dialect's verdict on a line does not depend on earlier lines: all that it opens is one and the same reader. */
  isWithoutMemory(dialect: number): boolean {
    const asked = this.#dialects[dialect];
    return asked !== undefined && asked.open().read === asked.open().read;
  }

  /** A line without its end. What is beyond 64 KiB of it is not looked at. */
  read(line: string): LineVerdict {
    const judged = judgedText(line);
    return this.#readAgain(judged) ?? this.#readAny(judged);
  }

  /** As the line before was read, where there can be no better reading. */
  #readAgain(line: string): LineVerdict {
    const dialect = this.#dialects[this.#last];
    if (dialect === undefined) return null;
    const certainty = dialect.recognise(line);
    const isEnough = certainty === 2 || (certainty === 1 && closedFormats.has(dialect.format));
    return isEnough ? this.#readWith(this.#last, line) : null;
  }

  #readAny(line: string): LineVerdict {
    const stripped = stripPrefix(line);
    const inner = stripped === null ? [] : this.#candidates(stripped.line);
    const whole = this.#candidates(line);
    for (const certainty of [2, 1]) {
      const finding = this.#readFirst(whole, certainty, line);
      if (finding !== null) return finding;
      const inside = stripped === null ? null : this.#readFirst(inner, certainty, stripped.line);
      if (inside !== null)
        return inside.atMs === null ? withoutImpossible({ ...inside, atMs: stripped?.atMs ?? null }) : inside;
    }
    return null;
  }

  /** How sure each dialect is that the line is of its format. */
  #candidates(line: string): readonly number[] {
    return this.#dialects.map((dialect) => dialect.recognise(line));
  }

  /** By the first dialect that is so sure and keeps its word; the one that read the line before goes first. */
  #readFirst(certainties: readonly number[], certainty: number, line: string): LineVerdict {
    if (certainties[this.#last] === certainty) {
      const finding = this.#readWith(this.#last, line);
      if (finding !== null) return finding;
    }
    for (let dialect = 0; dialect < certainties.length; dialect++) {
      if (certainties[dialect] !== certainty) continue;
      const finding = this.#readWith(dialect, line);
      if (finding !== null) return finding;
    }
    return null;
  }

  #readWith(dialect: number, line: string): LineVerdict {
    const reader = (this.#readers[dialect] ??= (this.#dialects[dialect] as Dialect).open());
    const finding = reader.read(line);
    if (finding === null) return null;
    this.#last = dialect;
    return withoutImpossible(finding);
  }
}
