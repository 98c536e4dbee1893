import { AccessHead, LearntDay } from './access-head.ts';
import type { Finding } from './finding.ts';
import { type LineTemplate, matchTemplate, templateOf } from './line-template.ts';
import type { CountedFile } from './line-reference.ts';
import { RequestHash } from './request-hash.ts';
import type { Summary, Tally } from './summary.ts';

/** Lines of further forms in one file take the slow path. */
const formsMax = 32;

/** Longer lines take the slow path, which truncates them. */
const lineLengthMax = 16_384;

/** Statuses that usually mean no failure. For each form, the fast path learns each status separately. */
const isOrdinaryStatus = (status: number): boolean =>
  (status >= 200 && status < 400) || status === 401 || status === 403 || status === 404;

/** Counts lines without decoding them to text, as the slow path would. */
export interface FastReader {
  /** Counts known lines. `end` is after a line feed. Returns the position of the first line that it has not counted. */
  skip(bytes: Uint8Array, start: number, end: number): number;
  /**
   * Learns from the slow path's verdict on the line from `start` to the line feed at `end`. Only for a dialect without
   * memory that also read the line before.
   */
  learn(bytes: Uint8Array, start: number, end: number, finding: Finding): void;
}

interface LineForm {
  readonly template: LineTemplate;
  readonly tally: Tally;
  /** By status: 1 if the slow path found no failure in such a line. */
  readonly harmlessStatuses: Uint8Array;
}

/** The forms and the day learnt for one dialect. */
interface Learnt {
  readonly forms: LineForm[];
  readonly day: LearntDay;
}

/**
 * Counts access lines without a failure, without decoding them to text.
 *
 * The fast path makes no verdicts. The slow path reads the first line of each form (a template and a status), and the
 * first line of each day. If it finds no failure, the fast path counts further lines of that form, as long as the
 * dialect stays the same. This is correct for dialects without memory, whose verdict depends on the status and on the
 * fields of the upstream.
 */
export class FastPath implements FastReader {
  readonly #summary: Summary;
  readonly #head = new AccessHead();
  readonly #hash = new RequestHash();
  readonly #learnt = new Map<number, Learnt>();
  #dialect = -1;
  #current: Learnt | null = null;

  readonly #file: CountedFile;

  constructor(summary: Summary, file: CountedFile) {
    this.#summary = summary;
    this.#file = file;
  }

  /** Sets the dialect that read the last line and would be asked first about the next. Only its lines are counted here. */
  follow(dialect: number): void {
    if (dialect === this.#dialect) return;
    this.#dialect = dialect;
    this.#current = this.#learnt.get(dialect) ?? null;
  }

  /** Counts the known lines from `start` to `end`, which is after a line feed. Returns the position of the first unknown line. */
  skip(bytes: Uint8Array, start: number, end: number): number {
    if (this.#current === null) return start;
    const { forms, day } = this.#current;
    const head = this.#head;
    let at = start;
    while (at < end && head.read(bytes, at)) {
      const form = this.#formOf(forms, bytes);
      if (form === null || this.#lineEnd - at > lineLengthMax) break;
      const atMs = day.atMs(bytes, head.timeAt);
      if (Number.isNaN(atMs)) break;
      this.#summary.addHarmless(form.tally, atMs, this.#file);
      if (this.#summary.answered.isWanted) this.#addAnswer(form.tally, atMs, bytes, at);
      at = this.#lineEnd + 1;
    }
    return at;
  }

  #addAnswer({ gateway }: Tally, atMs: number, bytes: Uint8Array, start: number): void {
    const { clientEnd, requestAt } = this.#head;
    this.#summary.addAnswer(this.#hash.ofBytes(gateway, bytes, start, clientEnd, requestAt), atMs);
  }

  /** Where the line of the last matching form ends. */
  #lineEnd = 0;

  #formOf(forms: LineForm[], bytes: Uint8Array): LineForm | null {
    const { status, statusAt, end } = this.#head;
    for (let index = 0; index < forms.length; index++) {
      const form = forms[index] as LineForm;
      if (form.harmlessStatuses[status] !== 1) continue;
      const lineEnd = matchTemplate(form.template, bytes, end, statusAt);
      if (lineEnd < 0) continue;
      this.#lineEnd = lineEnd;
      // In most logs the form that matched last matches next.
      if (index > 0) [forms[0], forms[index]] = [form, forms[0] as LineForm];
      return form;
    }
    return null;
  }

  /** Only for the dialect that `follow` was called with. */
  learn(bytes: Uint8Array, start: number, end: number, finding: Finding): void {
    if (finding.shape !== 'none' || finding.kind !== 'access' || finding.atMs === null) return;
    const head = this.#head;
    if (end - start > lineLengthMax || !head.read(bytes, start) || !isOrdinaryStatus(head.status)) return;
    const learnt = this.#current ?? { forms: [], day: new LearntDay() };
    if (!this.#learnForm(learnt.forms, bytes, end, this.#summary.tallyOf(finding))) return;
    learnt.day.learn(bytes, head.timeAt, finding.atMs);
    this.#learnt.set(this.#dialect, learnt);
    this.#current = learnt;
  }

  #learnForm(forms: LineForm[], bytes: Uint8Array, end: number, tally: Tally): boolean {
    const { status, statusAt, end: tailAt } = this.#head;
    let form = forms.find(({ template }) => matchTemplate(template, bytes, tailAt, statusAt) === end);
    if (form === undefined) {
      const template = forms.length < formsMax ? templateOf(bytes, tailAt, end, statusAt) : null;
      if (template === null) return false;
      form = { template, tally, harmlessStatuses: new Uint8Array(1000) };
      forms.push(form);
    }
    if (form.tally === tally) form.harmlessStatuses[status] = 1;
    return form.tally === tally;
  }
}
