import { bitCount } from '../core/bit-count.ts';
import { divertedForm, formByItself, madeCell, redirectForm, sizeCells, strayForm } from '../core/content-kind.ts';

/** Half of what is usual is forgotten in an hour: this share of it is kept when a slice is learnt. */
const keptOfSlice = 0.998;

/** A form of which a larger share is usual changes with what visitors ask for. */
const usualShareMin = 0.05;

/** Short is what has three quarters of an octave less than the smallest 2 % of its form: 0.6 of its size at most. */
const shortQuantile = 0.02;
const shortCells = 3;
/** Long is what has more than four times the largest but 2 %. */
const longCells = 8;
/** Of so many the smallest and the largest 2 % are known. */
const sizesKnownMin = 100;
/** Where redirects usually lead: to few addresses, which have nearly all of them. */
const targetsMax = 4;
const targetsShareMin = 0.9;
const targetsKnownMin = 40;

/** Where a route has many groups of clients, what so few of them get counts so often in a slice. */
export const manyClients = 6;
const fewClients = 2;
const learntPerClient = 3;

/** Short and long answers of a form, as forms of their own; of redirects, short ones are those that lead elsewhere. */
export const short = 64;
export const long = 128;
/** Redirects to what a form has made, as a form of their own: usual everywhere. */
const made = short - 1;

/** Answers of one kind in a slice. */
export interface LearntCount {
  count: number;
  /** A bit for each client, of 32. */
  clients: number;
}

class UsualForm {
  count = 0;
  readonly sizes = new Float64Array(sizeCells);
  /** Of those with a count. */
  firstCell = sizeCells;
  lastCell = 0;
  isUnusual = true;

  add(count: number, cell: number): void {
    this.count += count;
    if (cell === 0) return;
    (this.sizes[cell] as number) += count;
    this.firstCell = Math.min(this.firstCell, cell);
    this.lastCell = Math.max(this.lastCell, cell);
  }

  fade(): void {
    this.count *= keptOfSlice;
    for (let cell = this.firstCell; cell <= this.lastCell; cell++) (this.sizes[cell] as number) *= keptOfSlice;
  }
}

/** What a route has answered in the last hour: the forms of its answers, and their sizes. */
export class UsualForms {
  readonly #forms = new Map<number, UsualForm>();
  /** How many answers are known. */
  known = 0;
  /** How often other forms have become usual. */
  changes = 0;
  /** The smallest and the largest usual cell of the forms whose sizes are known. */
  readonly #leastCells = new Map<number, number>();
  readonly #mostCells = new Map<number, number>();
  /** Cells of the addresses to which redirects usually lead; empty: to many, or that is not known. */
  #targets: ReadonlySet<number> = new Set();

  /** The form, of a short answer that of short ones. */
  formOf(key: number): number {
    const [counted, cell] = [Math.floor(key / sizeCells), key % sizeCells];
    // Where redirects are usual, pages have them for some of their visitors.
    const isRedirect = counted === divertedForm || counted === strayForm;
    const form = isRedirect && !this.isUnusual(redirectForm) ? redirectForm : counted;
    if (cell === 0 || form > redirectForm) return form;
    if (form === redirectForm && cell === madeCell) return made;
    if (form === redirectForm) return this.#targets.size === 0 || this.#targets.has(cell) ? form : form + short;
    const [least, most] = [this.#leastCells.get(form), this.#mostCells.get(form)];
    if (least !== undefined && cell <= least - shortCells) return form + short;
    return most !== undefined && cell > most + longCells ? form + long : form;
  }

  isUnusual(form: number): boolean {
    return form >= short || (form !== made && (this.#forms.get(form)?.count ?? 0) < usualShareMin * this.known);
  }

  /** Null: nothing is known. */
  get mostUsual(): number | null {
    const [most] = [...this.#forms].sort(([, a], [, b]) => b.count - a.count);
    return most?.[0] ?? null;
  }

  /** The cell of the median of its sizes; null: it has none. */
  medianOf(form: number): number | null {
    const sizes = this.#forms.get(form)?.sizes;
    return sizes === undefined ? null : cellAt(sizes, 0.5);
  }

  /** Returns whether other forms are usual now. `hasManyClients`: the route has `manyClients`. */
  learn(counts: ReadonlyMap<number, LearntCount>, hasManyClients: () => boolean): boolean {
    for (const form of this.#forms.values()) form.fade();
    let hasMany: boolean | null = null;
    for (const [key, { count: whole, clients }] of counts) {
      // What a scanner gets for minutes is not what the route usually answers.
      const isOfFew = bitCount(clients) <= fewClients && (hasMany ??= hasManyClients());
      const count = isOfFew ? Math.min(whole, learntPerClient * bitCount(clients)) : whole;
      const counted = Math.floor(key / sizeCells);
      const name = formByItself(counted) === redirectForm ? redirectForm : counted;
      let form = this.#forms.get(name);
      if (form === undefined) this.#forms.set(name, (form = new UsualForm()));
      form.add(count, key % sizeCells);
    }
    const wasKnown = this.known > 0;
    this.known = 0;
    for (const { count } of this.#forms.values()) this.known += count;
    this.#learnSizes();
    let isOther = wasKnown !== this.known > 0;
    for (const [name, form] of this.#forms) {
      const isUnusual = this.isUnusual(name);
      isOther ||= isUnusual !== form.isUnusual;
      form.isUnusual = isUnusual;
    }
    if (isOther) this.changes++;
    return isOther;
  }

  #learnSizes(): void {
    this.#leastCells.clear();
    this.#mostCells.clear();
    for (const [name, { count, sizes }] of this.#forms) {
      if (name === redirectForm) this.#targets = usualTargets(sizes);
      if (count < sizesKnownMin) continue;
      const [least, most] = [cellAt(sizes, shortQuantile), cellAt(sizes, 1 - shortQuantile)];
      if (least === null || most === null) continue;
      this.#leastCells.set(name, least);
      this.#mostCells.set(name, most);
    }
  }
}

function usualTargets(counts: Float64Array): ReadonlySet<number> {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const most = [...counts.entries()].toSorted(([, a], [, b]) => b - a).slice(0, targetsMax);
  const sum = most.reduce((total, [, count]) => total + count, 0);
  if (all < targetsKnownMin || sum < targetsShareMin * all) return new Set();
  return new Set([...counts.entries()].flatMap(([cell, count]) => (count > 0 ? [cell] : [])));
}

/** The cell at a share of the counts; null: there is none. */
export function cellAt(sizes: Float64Array, share: number): number | null {
  let all = 0;
  for (let cell = 0; cell < sizes.length; cell++) all += sizes[cell] as number;
  if (all === 0) return null;
  let sum = 0;
  for (let cell = 0; cell < sizes.length; cell++) {
    sum += sizes[cell] as number;
    if (sum >= share * all) return cell;
  }
  return null;
}
