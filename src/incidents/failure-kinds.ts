import type { Whose } from '#failures/shape.ts';
import type { CountedCause, FailureFamily } from '../core/live-incident.ts';
import type { CountedFailure, FailureDelta } from './upstream-failures.ts';

/** Kinds that are counted. */
const kindsMax = 200;

interface KindCount {
  readonly family: FailureFamily;
  readonly firstSecond: number;
  lastSecond: number;
  failed: number;
  attemptsFailed: number;
  /** Requests, by whom their records name. */
  readonly parties: Map<Whose, number>;
}

/** The failures of an incident, by their kind. */
export class FailureKinds {
  readonly #kinds = new Map<CountedFailure, KindCount>();

  count({ kind, family, second, whose, failed, attemptsFailed }: FailureDelta): void {
    const parties = new Map(whose === null ? [] : [[whose, failed]]);
    this.#add(kind, { ...{ family, failed, attemptsFailed, parties }, firstSecond: second, lastSecond: second });
  }

  absorb(other: FailureKinds): void {
    for (const [kind, count] of other.#kinds) this.#add(kind, count);
  }

  #add(kind: CountedFailure, count: KindCount): void {
    const known = this.#kinds.get(kind);
    if (known !== undefined) {
      known.lastSecond = Math.max(known.lastSecond, count.lastSecond);
      known.failed += count.failed;
      known.attemptsFailed += count.attemptsFailed;
      for (const [whose, failed] of count.parties) known.parties.set(whose, (known.parties.get(whose) ?? 0) + failed);
    } else if (this.#kinds.size < kindsMax) this.#kinds.set(kind, { ...count });
  }

  get(kind: CountedFailure): Readonly<KindCount> | null {
    return this.#kinds.get(kind) ?? null;
  }

  /** Of the failures of a family; null: there is none. */
  commonest(family: FailureFamily): CountedFailure | null {
    const kinds = [...this.#kinds].filter(([, kind]) => kind.family === family);
    const [first] = kinds.sort(([, a], [, b]) => countOf(b) - countOf(a) || a.firstSecond - b.firstSecond);
    return first?.[0] ?? null;
  }

  /** Of the failures of a family; null: there is none. */
  lastSecondOf(family: FailureFamily): number | null {
    const seconds = [...this.#kinds.values()].flatMap((kind) => (kind.family === family ? [kind.lastSecond] : []));
    return seconds.length === 0 ? null : Math.max(...seconds);
  }

  /** The most frequent first. */
  causes(most: number, isConsequence: (family: FailureFamily) => boolean): readonly CountedCause[] {
    const all = [...this.#kinds].map(([cause, kind]) => ({
      ...{ cause, count: countOf(kind), failed: kind.failed, attemptsFailed: kind.attemptsFailed },
      isConsequence: isConsequence(kind.family),
    }));
    return all.sort((a, b) => b.count - a.count).slice(0, most);
  }
}

/** A request that failed, and the attempt by which it failed, are counted once. */
export const countOf = ({ failed, attemptsFailed }: Pick<KindCount, 'failed' | 'attemptsFailed'>): number =>
  Math.max(failed, attemptsFailed);
