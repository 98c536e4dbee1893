import {
  contentKinds,
  declinedForm,
  deniedForm,
  emptyForm,
  formByItself,
  jsonKind,
  limitedForm,
  listKind,
  lostForm,
  missingForm,
  redirectForm,
  sizeCells,
  startOfSize,
  surplusForm,
  unaskedForm,
  unclosedForm,
  unfitForm,
  unreadableForm,
  unsafeKey,
  upgradeKey,
} from '../core/content-kind.ts';
import { answerParts, type PatternAnswers } from '../core/route-traffic.ts';

/** Half of what is older is forgotten. */
const halfMs = 600_000;
/** Clients choose the paths that an application with one page for everything answers well. */
export const patternsMax = 1000;
/** Of fewer answers it is not known which are usual. */
const knownMin = 30;
const usualShareMin = 0.05;

/** A third of the size of the smallest 2 % of its form, or less. */
const shortQuantile = 0.02;
const shortCells = 6;
/** Of smaller answers the size says nothing. */
const sizedMinBytes = 256;

/** Visitors never want these. That a thing is in conflict (409) tells of its state. */
const refusals: ReadonlySet<number> = new Set([
  ...[deniedForm, limitedForm, missingForm, declinedForm, lostForm, surplusForm],
  ...[unreadableForm, unclosedForm, unaskedForm, unfitForm],
]);
/** In place of other answers they are a page for everybody, an error in words, or nothing. */
const substitutes: ReadonlySet<number> = new Set([
  ...[emptyForm, redirectForm],
  ...(['none', 'text', 'html', 'error'] as const).map((kind) => contentKinds.indexOf(kind)),
]);

/** Answers at paths of one pattern to requests of one kind, and those of them that are worse than usual. */
export interface ComparedAnswers {
  /** '/orders/#'; '/orders, not GET'. */
  readonly pattern: string;
  answers: number;
  worse: number;
  /** Of the worse ones; `short` of another form is its own, with `shortForm` added. */
  readonly forms: Map<number, number>;
  /** A bit for each client of the worse ones, of 32. */
  clients: number;
}

export const shortForm = 64;

interface Usual {
  count: number;
  readonly forms: Map<number, { count: number; readonly sizes: Map<number, number> }>;
}

/** What an application answers at paths of each pattern while no release is rolled out, and at the old one of two. */
export class UsualAnswers {
  #patterns = new Map<string, Usual>();
  #halvedAt = -Infinity;

  add(all: readonly PatternAnswers[], now: number): void {
    if (now - this.#halvedAt >= halfMs) this.#halve(now);
    for (const { pattern, form, cell, count } of parted(all)) {
      let usual = this.#patterns.get(pattern);
      if (usual === undefined) {
        if (this.#patterns.size >= patternsMax) continue;
        this.#patterns.set(pattern, (usual = { count: 0, forms: new Map() }));
      }
      let known = usual.forms.get(form);
      if (known === undefined) usual.forms.set(form, (known = { count: 0, sizes: new Map() }));
      usual.count += count;
      known.count += count;
      if (cell > 0) known.sizes.set(cell, (known.sizes.get(cell) ?? 0) + count);
    }
  }

  /** Patterns of which too little is known are left out. */
  compared(all: readonly PatternAnswers[]): readonly ComparedAnswers[] {
    const found = new Map<string, ComparedAnswers>();
    for (const { pattern, form, cell, count, clients } of parted(all)) {
      const usual = this.#patterns.get(pattern);
      if (usual === undefined || usual.count < knownMin) continue;
      let compared = found.get(pattern);
      if (compared === undefined)
        found.set(pattern, (compared = { pattern, answers: 0, worse: 0, forms: new Map(), clients: 0 }));
      compared.answers += count;
      const worse = worseForm(usual, form, cell);
      if (worse === null) continue;
      compared.worse += count;
      compared.forms.set(worse, (compared.forms.get(worse) ?? 0) + count);
      compared.clients |= clients;
    }
    return [...found.values()];
  }

  /** Of its answers, those that would be worse than usual. */
  usualShare(pattern: string): number {
    const usual = this.#patterns.get(pattern);
    if (usual === undefined) return 0;
    let worse = 0;
    for (const [form, { count }] of usual.forms) if (worseForm(usual, form, 0) !== null) worse += count;
    return worse / usual.count;
  }

  get count(): number {
    return this.#patterns.size;
  }

  #halve(now: number): void {
    this.#halvedAt = now;
    for (const [pattern, usual] of this.#patterns) {
      usual.count = 0;
      for (const [form, known] of usual.forms) {
        known.count /= 2;
        if (known.count < 1) usual.forms.delete(form);
        else usual.count += known.count;
        for (const [cell, count] of known.sizes) known.sizes.set(cell, count / 2);
      }
      if (usual.count === 0) this.#patterns.delete(pattern);
    }
  }

  saved(): SavedUsual {
    return [...this.#patterns].map(([pattern, { forms }]) => [
      pattern,
      [...forms].map(([form, { count, sizes }]) => [form, count, [...sizes]] as const),
    ]);
  }

  /** Before anything is added. */
  restore(saved: SavedUsual, now: number): void {
    this.#halvedAt = now;
    for (const [pattern, forms] of saved) {
      const usual: Usual = { count: 0, forms: new Map() };
      for (const [form, count, sizes] of forms) {
        usual.count += count;
        usual.forms.set(form, { count, sizes: new Map(sizes) });
      }
      this.#patterns.set(pattern, usual);
    }
  }
}

/** For a process that takes over. */
export type SavedUsual = readonly (readonly [
  pattern: string,
  forms: readonly (readonly [
    form: number,
    count: number,
    sizes: readonly (readonly [cell: number, count: number])[],
  ])[],
])[];

/** Null: as good as usual, or as good as another. */
function worseForm({ count, forms }: Usual, form: number, cell: number): number | null {
  if (refusals.has(form)) return form;
  const known = forms.get(form);
  if ((known?.count ?? 0) < usualShareMin * count) {
    const reshaped = form === jsonKind ? listKind : form === listKind ? jsonKind : null;
    const isReshaped = reshaped !== null && 2 * (forms.get(reshaped)?.count ?? 0) >= count;
    return substitutes.has(form) || isReshaped ? form : null;
  }
  if (cell === 0 || known === undefined) return null;
  const least = leastOf(known.sizes);
  return least !== null && startOfSize(least) >= sizedMinBytes && cell <= least - shortCells ? form + shortForm : null;
}

function leastOf(sizes: ReadonlyMap<number, number>): number | null {
  let all = 0;
  for (const count of sizes.values()) all += count;
  if (all === 0) return null;
  let [cell, sum] = [0, 0];
  while (sum < shortQuantile * all) sum += sizes.get(++cell) ?? 0;
  return cell;
}

interface PartedAnswer {
  readonly pattern: string;
  readonly form: number;
  readonly cell: number;
  readonly count: number;
  readonly clients: number;
}

function* parted(all: readonly PatternAnswers[]): Iterable<PartedAnswer> {
  for (const { pattern, answers } of all)
    for (let at = 0; at < answers.length; at += answerParts) {
      const [key, count, clients] = answers.slice(at, at + answerParts) as [number, number, number];
      if (key >= upgradeKey) continue;
      const [form, cell] = [formByItself(Math.floor((key % unsafeKey) / sizeCells)), key % sizeCells];
      yield { pattern: key >= unsafeKey ? `${pattern}, not GET` : pattern, form, cell, count, clients };
    }
}
