import { digits } from '#failures/quantity-text.ts';
import { bitCount } from '../core/bit-count.ts';
import { formWords } from '../core/answer-words.ts';
import { lostForm } from '../core/content-kind.ts';
import type { ReleaseArm } from '../core/release.ts';
import { type Gains, MixtureEvidence } from './evidence-streams.ts';
import { type ComparedAnswers, shortForm, type UsualAnswers } from './usual-answers.ts';

/** Fewer answers, or a smaller difference of shares, are no reason to take a release back, however sure: a page was removed, or a form has one rule more. */
const worseMin = 3;
const differenceMin = 0.05;
/** Of what was answered well before. */
const lostDifferenceMin = 0.02;

/** Before a suspicion. */
const suspectedMin = 5;

/** A path pattern that was suspected has half of the whole weight. */
const suspectWeight = 0.5;
const patternsMin = 8;

/** What only pages of the old release ask for is a small part. */
const oldPagesMax = 0.5;
const stepOfMeant = 'if that is meant, deploy with --answers-change';
const stepOfLost = '`assets: previous` lets the old release answer what the new one has not';

type Names = Readonly<Record<ReleaseArm, string>>;

/** Of one path pattern and one release. */
interface Counts {
  answers: number;
  worse: number;
  readonly forms: Map<number, number>;
}

interface Pattern extends Readonly<Record<ReleaseArm, Counts>> {
  readonly weight: number;
  readonly mixtures: readonly MixtureEvidence[];
  clients: number;
}

type SavedCounts = readonly [answers: number, worse: number, forms: readonly (readonly [number, number])[]];

export type SavedAnswerEvidence = readonly {
  readonly pattern: string;
  readonly weight: number;
  readonly old: SavedCounts;
  readonly fresh: SavedCounts;
  readonly logs: readonly (readonly number[])[];
  readonly clients: number;
}[];

/** Evidence that a release answers worse than the one before, path pattern by path pattern, of requests that were drawn: each worse answer is an event (`ReleaseJudge`). */
export class AnswerEvidence {
  readonly #nulls: number;
  readonly #isSticky: boolean;
  readonly #patterns = new Map<string, Pattern>();
  #suspect: string | null = null;

  constructor(nulls: number, isSticky: boolean) {
    this.#nulls = nulls;
    this.#isSticky = isSticky;
  }

  /** Before anything of it was drawn: otherwise its weight stays as it is. */
  suspect(pattern: string): void {
    this.#suspect = pattern;
  }

  /** `patterns`: how many the application has. */
  add(arm: ReleaseArm, compared: ComparedAnswers, gains: Gains, second: number, patterns: number): void {
    let known = this.#patterns.get(compared.pattern);
    if (known === undefined)
      this.#patterns.set(compared.pattern, (known = this.#newPattern(compared.pattern, patterns)));
    addCounts(known[arm], compared);
    const events = this.#isSticky ? bitCount(compared.clients & ~known.clients) : compared.worse;
    known.clients |= compared.clients;
    if (events === 0) return;
    for (const [at, mixture] of known.mixtures.entries())
      mixture.add(
        second,
        events,
        (gains[at] as Gains[number]).map((gain) => events * gain),
      );
  }

  #newPattern(pattern: string, patterns: number): Pattern {
    const counted = Math.max(patternsMin, patterns);
    const [suspect, others] = this.#suspect === null ? [0, 1] : [suspectWeight, 1 - suspectWeight];
    // Those beyond would have more than the whole weight.
    const usual = this.#patterns.size >= counted ? 0 : others / counted;
    const weight = pattern === this.#suspect ? suspect : usual;
    const mixtures = Array.from({ length: this.#nulls }, () => new MixtureEvidence(false));
    return { weight, mixtures, old: noCounts(), fresh: noCounts(), clients: 0 };
  }

  /** Against one of the nulls, by the weights of all patterns. */
  evidence(at: number): number {
    let sum = 1;
    for (const { weight, mixtures, ...arms } of this.#patterns.values()) {
      const gain = Math.exp((mixtures[at] as MixtureEvidence).bounded) - 1;
      if (gain < 0 || isMuch(arms)) sum += weight * gain;
    }
    return Math.max(0, sum);
  }

  /** The pattern that speaks the loudest; null: none says anything. */
  strongest(names: Names): { readonly log: number; readonly text: string; readonly step: string } | null {
    let most: { readonly log: number; readonly pattern: string; readonly arms: Pattern } | null = null;
    for (const [pattern, arms] of this.#patterns) {
      const { log } = arms.mixtures[0] as MixtureEvidence;
      if (log > (most?.log ?? 0) && isMuch(arms)) most = { log, pattern, arms };
    }
    if (most === null) return null;
    const { pattern, arms, log } = most;
    const old = `${digits(arms.old.worse)} of ${digits(arms.old.answers)} of ${names.old}`;
    const isOfOldPages = isMostlyLost(arms.fresh) && shareOf(arms.fresh) < oldPagesMax;
    const step = isOfOldPages ? stepOfLost : stepOfMeant;
    return { log, step, text: `${worseText(names.fresh, pattern, arms.fresh)}, ${old}` };
  }

  saved(): SavedAnswerEvidence {
    return [...this.#patterns].map(([pattern, { weight, mixtures, clients, ...arms }]) => ({
      ...{ pattern, weight, clients, logs: mixtures.map(({ logs }) => logs) },
      ...{ old: savedCounts(arms.old), fresh: savedCounts(arms.fresh) },
    }));
  }

  restore(saved: SavedAnswerEvidence): void {
    for (const { pattern, weight, clients, logs, old, fresh } of saved)
      this.#patterns.set(pattern, {
        ...{ weight, clients, mixtures: logs.map((one) => new MixtureEvidence(false, one)) },
        ...{ old: restoredCounts(old), fresh: restoredCounts(fresh) },
      });
  }
}

/** What a release answers that gets all requests, compared with what was usual before. */
export class AnswersAfter {
  readonly #patterns = new Map<string, Counts>();

  add(compared: ComparedAnswers): void {
    let known = this.#patterns.get(compared.pattern);
    if (known === undefined) this.#patterns.set(compared.pattern, (known = noCounts()));
    addCounts(known, compared);
  }

  /** The path pattern where it answers worse than before; null: none. */
  suspicion(fresh: string, usual: UsualAnswers): { readonly pattern: string; readonly text: string } | null {
    for (const [pattern, counts] of this.#patterns) {
      const share = counts.worse / counts.answers;
      const before = usual.usualShare(pattern);
      if (counts.worse < suspectedMin || share < 2 * before || share - before < leastDifference(counts)) continue;
      return { pattern, text: `${worseText(fresh, pattern, counts)}, which were ${percent(before)} before` };
    }
    return null;
  }

  saved(): readonly (readonly [pattern: string, counts: SavedCounts])[] {
    return [...this.#patterns].map(([pattern, counts]) => [pattern, savedCounts(counts)]);
  }

  restore(saved: ReturnType<AnswersAfter['saved']>): void {
    for (const [pattern, counts] of saved) this.#patterns.set(pattern, restoredCounts(counts));
  }
}

/** '12 of 12 answers of r13 at /orders/# were 404' */
function worseText(release: string, pattern: string, { answers, worse, forms }: Counts): string {
  const [[form] = [0]] = [...forms].sort(([, a], [, b]) => b - a);
  const what = form >= shortForm ? `much shorter than usual (${formWords(form - shortForm)})` : formWords(form);
  return `${digits(worse)} of ${digits(answers)} answers of ${release} at ${pattern} were ${what}`;
}

function isMuch({ old, fresh }: Readonly<Record<ReleaseArm, Counts>>): boolean {
  return fresh.worse >= worseMin && shareOf(fresh) - shareOf(old) >= leastDifference(fresh);
}

const shareOf = ({ worse, answers }: Counts): number => (answers === 0 ? 0 : worse / answers);

const isMostlyLost = ({ worse, forms }: Counts): boolean => 2 * (forms.get(lostForm) ?? 0) >= worse;

const leastDifference = (counts: Counts): number => (isMostlyLost(counts) ? lostDifferenceMin : differenceMin);

const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;

const noCounts = (): Counts => ({ answers: 0, worse: 0, forms: new Map() });

function addCounts(sum: Counts, { answers, worse, forms }: Counts): void {
  sum.answers += answers;
  sum.worse += worse;
  for (const [form, count] of forms) sum.forms.set(form, (sum.forms.get(form) ?? 0) + count);
}

const savedCounts = ({ answers, worse, forms }: Counts): SavedCounts => [answers, worse, [...forms]];

const restoredCounts = ([answers, worse, forms]: SavedCounts): Counts => ({ answers, worse, forms: new Map(forms) });
