import { allDialects, closedFormats } from './all-dialects.ts';
import type { Dialect, DialectReader } from './dialect.ts';
import { classOf, type Finding, type FindingClass } from './finding.ts';
import { judgedText } from './line-text.ts';
import { readPart } from './pasted/read-part.ts';
import { joinedLines, shippedEntries, withoutBlanks } from './wrappers/json-wrappers.ts';
import { type UnwrappedLine, unwrap, unwrapLayers } from './wrappers/unwrap.ts';

interface LogExplainerOptions {
  /** Whether parts of lines are explained, too: lines that people cut, quoted or numbered. They are, unless false. */
  readonly parts?: boolean;
}

/** A line inside of another, and how sure each dialect is of it. */
interface Inner {
  readonly unwrapped: UnwrappedLine;
  readonly candidates: readonly number[];
}

/** One of several lines in one. */
export interface SeparateLine {
  readonly text: string;
  readonly verdict: LineVerdict;
}

/** The verdict on a line; null if no dialect recognises it. */
export type LineVerdict = Finding | null;

/**
 * Reads the lines of one file, of any mix of gateways. Removes the text that other tools put around a line (syslog,
 * Docker, Compose, Kubernetes, journald, shippers) if a dialect recognises the line inside. Never throws.
 */
export class LogExplainer {
  readonly #dialects: readonly Dialect[];
  readonly #readers: (DialectReader | undefined)[];
  /** Most lines are of the same format as the one before. */
  #last = -1;

  readonly #hasParts: boolean;

  constructor(dialects: readonly Dialect[] = allDialects, { parts = true }: LogExplainerOptions = {}) {
    this.#dialects = dialects;
    this.#hasParts = parts;
    this.#readers = dialects.map(() => undefined);
  }

  /** The index of the dialect that read the last recognised line; -1 before the first one. */
  get last(): number {
    return this.#last;
  }

  /** Whether the dialect's verdict on a line does not depend on earlier lines: it returns the same reader for every file. */
  isWithoutMemory(dialect: number): boolean {
    const asked = this.#dialects[dialect];
    return asked !== undefined && asked.open().read === asked.open().read;
  }

  /** Reads a line without its end; of several that run together in it, the one that tells the worst. Text after 64 KiB is ignored. */
  read(line: string): LineVerdict {
    const each = this.readEach(line);
    return each === null ? this.readOne(line) : worstOf(each.map(({ verdict }) => verdict));
  }

  /**
   * Reads each of several lines in one: lines that run together, which are likely and not certain, and the entries of a JSON
   * document. Null for a single line.
   */
  readEach(line: string): readonly SeparateLine[] | null {
    const joined = joinedLines(line);
    if (joined !== null) return joined.map((text) => ({ text, verdict: asLikely(this.readOne(text)) }));
    return shippedEntries(line)?.map((text) => ({ text, verdict: this.readOne(text) })) ?? null;
  }

  /** Reads a line that `readEach` does not take apart. */
  readOne(line: string): LineVerdict {
    const text = judgedText(line);
    const found = this.#readText(text);
    if (found !== null || !this.#hasParts) return found;
    const compact = withoutBlanks(text);
    return compact === null ? null : this.#readText(compact);
  }

  #readText(text: string): LineVerdict {
    const judged = text.charCodeAt(0) <= space && /^\s{1,80}\{"/.test(text) ? text.trimStart() : text;
    const found = this.#readAgain(judged) ?? this.#readAny(judged);
    // Forms of access logs have single spaces, so that others are not recognised at all.
    const isSpaced = found !== null && found.kind !== 'access' && judged.includes('  ') && isDoubleSpaced.test(judged);
    if ((found !== null && !isSpaced) || !this.#hasParts) return found;
    const { last } = this;
    if (found !== null) return this.#readSingleSpaced(judged, found);
    const part = readPart(judged, (text, isSure) => this.#readOnce(text, isSure));
    this.#last = last;
    return part;
  }

  /** Double spaces may hide what a line tells; a few of them are usual in some formats. */
  #readSingleSpaced(line: string, found: Finding): Finding {
    if (found.shape !== 'none' && found.shape !== 'unknown') return found;
    const single = this.#readOnce(line.replace(/ {2,}/g, ' '), true);
    return single === null || single.shape === 'none' ? found : single;
  }

  /** Reads a text that is no line of the log. Dialects with memory do not remember it. */
  #readOnce(text: string, isSure: boolean): LineVerdict {
    const once = new LogExplainer(this.#dialects, { parts: false });
    return isSure
      ? (once.#readFirst(once.#candidates(text), 2, text) ?? once.#readFirstOf(once.#innerOf(unwrap(text)), 2))
      : once.read(text);
  }

  /** Reads the line with the dialect of the line before, if no other dialect can be surer. */
  #readAgain(line: string): LineVerdict {
    const dialect = this.#dialects[this.#last];
    if (dialect === undefined) return null;
    const certainty = dialect.recognise(line);
    const isEnough = certainty === 2 || (certainty === 1 && closedFormats.has(dialect.format));
    return isEnough ? this.#readWith(this.#last, line) : null;
  }

  /** Reads the line, or one inside of it, with the surest dialect; of equally sure ones, the one that reads the whole line. */
  #readAny(line: string): LineVerdict {
    const whole = this.#candidates(line);
    const found = this.#readFirst(whole, 2, line);
    if (found !== null) return found;
    const inner: Inner[] = [];
    for (const layer of unwrapLayers(line)) {
      const ofLayer = this.#innerOf(layer);
      const inside = this.#readFirstOf(ofLayer, 2);
      if (inside !== null) return inside;
      inner.unshift(...ofLayer);
    }
    return this.#readFirst(whole, 1, line) ?? this.#readFirstOf(inner, 1);
  }

  #innerOf(lines: readonly UnwrappedLine[]): readonly Inner[] {
    return lines.map((unwrapped) => ({ unwrapped, candidates: this.#candidates(unwrapped.line) }));
  }

  #readFirstOf(inner: readonly Inner[], certainty: 1 | 2): LineVerdict {
    for (const { unwrapped, candidates } of inner) {
      const inside = this.#readFirst(candidates, certainty, unwrapped.line);
      if (inside !== null) return withOrigin(inside, unwrapped);
    }
    return null;
  }

  /** How sure each dialect is that the line is of its format. */
  #candidates(line: string): readonly number[] {
    return this.#dialects.map((dialect) => dialect.recognise(line));
  }

  /** Reads the line with the first dialect of this certainty that succeeds; the dialect of the line before goes first. */
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

const space = 0x20;

function asLikely(verdict: LineVerdict): LineVerdict {
  return verdict === null ? null : { ...verdict, confidence: 'likely' };
}

const order: readonly FindingClass[] = ['failure', 'unclear', 'denial', 'app_error', 'client_abort', 'none'];

/** The verdict of a failure, if there is one. */
export function worstOf(verdicts: readonly LineVerdict[]): LineVerdict {
  const read = verdicts.filter((verdict) => verdict !== null);
  return read.toSorted((a, b) => order.indexOf(classOf(a)) - order.indexOf(classOf(b)))[0] ?? null;
}

/** Three words with two spaces on each side. */
const isDoubleSpaced = / {2}\S+ {2}\S+ {2}\S/;

/** The time of the text around a line counts if the line has none. Its other facts are evidence for a failure. */
function withOrigin(inside: Finding, { atMs, origin }: UnwrappedLine): Finding {
  const evidence = inside.shape === 'none' ? inside.evidence : [...inside.evidence, ...origin];
  return withoutImpossible({ ...inside, evidence, atMs: inside.atMs ?? atMs });
}

/** The largest time value, in milliseconds from the epoch (ECMA-262 §21.4.1.1). */
const timeMaxMs = 8.64e15;

/** Removes invalid numbers from a finding: a line may contain any number, and adding up has to stay correct and bounded. */
function withoutImpossible(finding: Finding): Finding {
  const { atMs, status, durationMs } = finding;
  if (isTime(atMs) && isStatus(status) && isDuration(durationMs)) return finding;
  return {
    ...finding,
    atMs: isTime(atMs) ? atMs : null,
    status: isStatus(status) ? status : null,
    durationMs: isDuration(durationMs) ? durationMs : null,
  };
}

const isTime = (ms: number | null): boolean => ms === null || Math.abs(ms) <= timeMaxMs;

const isStatus = (status: number | null): boolean =>
  status === null || (Number.isInteger(status) && status >= -1 && status <= 999);

const isDuration = (ms: number | null): boolean => ms === null || Number.isFinite(ms);
