import { allDialects } from './all-dialects.ts';
import type { Dialect, LineReader } from './dialect.ts';
import type { Finding } from './finding.ts';
import { judgedLengthMax, stripPrefix } from './line-prefix.ts';

/** What a line says; null where no dialect recognises it. */
export type LineVerdict = Finding | null;

/**
 * Reads the lines of one file, of whichever gateways they are. Formats of other tools around a line (syslog, Docker,
 * Compose, Kubernetes, journald) are taken off where somebody recognises what is inside. Never throws.
 */
export class LogExplainer {
  readonly #dialects: readonly Dialect[];
  readonly #readers: (LineReader | undefined)[];
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
    const judged = line.length > judgedLengthMax ? line.slice(0, judgedLengthMax) : line;
    const whole = this.#choose(judged);
    if (whole.certainty === 2) return this.#readWith(whole.dialect, judged) ?? this.#readInner(judged, 1);
    const inner = this.#readInner(judged, whole.certainty + 1);
    if (inner !== null) return inner;
    return whole.certainty === 0 ? null : this.#readWith(whole.dialect, judged);
  }

  /** What is inside of another tool's format, where a dialect is at least so sure of it. */
  #readInner(line: string, certaintyMin: number): LineVerdict {
    const stripped = stripPrefix(line);
    if (stripped === null) return null;
    const { certainty, dialect } = this.#choose(stripped.line);
    if (certainty < certaintyMin) return null;
    const finding = this.#readWith(dialect, stripped.line);
    if (finding === null || finding.atMs !== null || stripped.atMs === null) return finding;
    return { ...finding, atMs: stripped.atMs };
  }

  #choose(line: string): { certainty: 0 | 1 | 2; dialect: number } {
    let dialect = this.#last;
    let certainty = this.#dialects[dialect]?.recognise(line) ?? 0;
    for (let other = 0; certainty < 2 && other < this.#dialects.length; other++) {
      if (other === this.#last) continue;
      const sure = (this.#dialects[other] as Dialect).recognise(line);
      if (sure > certainty) [certainty, dialect] = [sure, other];
    }
    return { certainty, dialect };
  }

  #readWith(dialect: number, line: string): LineVerdict {
    const reader = (this.#readers[dialect] ??= (this.#dialects[dialect] as Dialect).open());
    const finding = reader.read(line);
    if (finding !== null) this.#last = dialect;
    return finding;
  }
}
