import { AccessHead, LearntDay } from './access-head.ts';
import type { Finding } from './finding.ts';
import { type LineTemplate, matchTemplate, templateOf } from './line-template.ts';
import type { Summary, Tally } from './summary.ts';

/** More kinds of lines than this in one file are looked at one by one. */
const formsMax = 32;

/** Longer lines are for the slow path, which cuts them. */
const lineLengthMax = 16_384;

/** Answers after which a line without a fault is the rule; which of them a form may have is learnt one by one. */
const isOrdinaryStatus = (status: number): boolean =>
  (status >= 200 && status < 400) || status === 401 || status === 403 || status === 404;

interface LineForm {
  readonly template: LineTemplate;
  readonly tally: Tally;
  /** By status: 1 where the slow path found nothing wrong with such a line. */
  readonly harmlessStatuses: Uint8Array;
}

/** What is known of one dialect's lines. */
interface Learnt {
  readonly forms: LineForm[];
  readonly day: LearntDay;
}

/**
 * The fast path: counts access lines in which nothing went wrong without making text of them.
 *
 * It decides nothing itself. The slow path reads the first line of each form (a template and a status), and the first
 * line of each day; where it found nothing wrong, further lines of that form need not be read again while the lines
 * are of the same dialect. This holds for dialects without a memory, whose verdict rests on the status and on the
 * upstreams' fields.
 */
export class FastPath {
  readonly #summary: Summary;
  readonly #head = new AccessHead();
  readonly #learnt = new Map<number, Learnt>();
  #dialect = -1;
  #current: Learnt | null = null;

  constructor(summary: Summary) {
    this.#summary = summary;
  }

  /** The dialect that read the last line, and would be asked first about the next: only its lines are skipped. */
  follow(dialect: number): void {
    if (dialect === this.#dialect) return;
    this.#dialect = dialect;
    this.#current = this.#learnt.get(dialect) ?? null;
  }

  /**
   * Counts the lines from `start` on that it knows, up to `end`, which is behind a line feed. Returns the beginning of
   * the first line that it does not know.
   */
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
      this.#summary.addHarmless(form.tally, atMs);
      at = this.#lineEnd + 1;
    }
    return at;
  }

  /** Where the line of the form that was found last ends. */
  #lineEnd = 0;

  #formOf(forms: LineForm[], bytes: Uint8Array): LineForm | null {
    const { status, statusAt, end } = this.#head;
    for (let index = 0; index < forms.length; index++) {
      const form = forms[index] as LineForm;
      if (form.harmlessStatuses[status] !== 1) continue;
      const lineEnd = matchTemplate(form.template, bytes, end, statusAt);
      if (lineEnd < 0) continue;
      this.#lineEnd = lineEnd;
      // What came last comes next, in most logs.
      if (index > 0) [forms[0], forms[index]] = [form, forms[0] as LineForm];
      return form;
    }
    return null;
  }

  /**
   * Takes note of what the slow path said of the line from `start` to the line feed at `end`. Only for a finding of a
   * dialect without memory, which had read the line before as well: it is the one that `follow` was told of.
   */
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
