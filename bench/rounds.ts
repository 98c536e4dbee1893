import { type Disturbance, whyDisturbed } from './quiet.ts';

/** The result of one turn of one gateway in a round. */
interface Turn<T> {
  readonly value: T;
  readonly disturbance: Disturbance;
  /** A reason beyond those of the cores for which the turn does not count, or null. */
  readonly why?: string | null;
}

/** A turn that counts, or, if the repetitions are used up, the last one of its round, which was not quiet. */
export interface Counted<I, T> {
  readonly item: I;
  readonly round: number;
  readonly value: T;
  /** Null: it was quiet. */
  readonly why: string | null;
}

/** A turn that was repeated. */
export interface ThrownAway<I> {
  readonly item: I;
  readonly round: number;
  readonly why: string;
}

export interface Rounds<I, T> {
  readonly counted: readonly Counted<I, T>[];
  readonly thrownAway: readonly ThrownAway<I>[];
}

interface RoundCounts {
  readonly rounds: number;
  /** Of each item, in all rounds together. */
  readonly repetitionsMax: number;
}

/**
 * Measures the items in turn, round after round. A turn that was disturbed is repeated at the end of its round, so that it stays
 * near the others of the round. Each item has `repetitionsMax` of them, over all rounds. When they are used up, the
 * round keeps the turn that was disturbed, with the reason.
 */
export async function measureQuietly<I, T>(
  items: readonly I[],
  { rounds, repetitionsMax }: RoundCounts,
  measure: (item: I, round: number) => Promise<Turn<T>>,
  onRound: (round: number, counted: readonly Counted<I, T>[], thrownAway: readonly ThrownAway<I>[]) => void,
): Promise<Rounds<I, T>> {
  const counted: Counted<I, T>[] = [];
  const thrownAway: ThrownAway<I>[] = [];
  const repetitionsLeft = new Map(items.map((item) => [item, repetitionsMax]));
  for (let round = 1; round <= rounds; round++) {
    const seen = [counted.length, thrownAway.length] as const;
    let due: readonly I[] = items;
    while (due.length > 0) {
      const again: I[] = [];
      for (const item of due) {
        const { value, disturbance, why: other = null } = await measure(item, round);
        const why = whyDisturbed(disturbance) ?? other;
        const left = repetitionsLeft.get(item) ?? 0;
        if (why === null || left === 0) {
          counted.push({ item, round, value, why });
          continue;
        }
        repetitionsLeft.set(item, left - 1);
        thrownAway.push({ item, round, why });
        again.push(item);
      }
      due = again;
    }
    onRound(round, counted.slice(seen[0]), thrownAway.slice(seen[1]));
  }
  return { counted, thrownAway };
}

/** With fewer quiet rounds than this a median says nothing, and the disturbed rounds count too, with a mark. */
const quietRoundsMin = 3;

/**
 * The rounds of one gateway from which its figures are taken: the quiet ones. If too few are, all of them, and the
 * figures carry a mark. A run of fewer rounds needs all of them quiet.
 */
export function countingRounds<T extends { readonly why: string | null }>(
  rounds: readonly T[],
): { readonly rounds: readonly T[]; readonly isMarked: boolean } {
  const quiet = rounds.filter(({ why }) => why === null);
  if (quiet.length >= Math.min(quietRoundsMin, rounds.length)) return { rounds: quiet, isMarked: false };
  return { rounds, isMarked: true };
}

/** What became of the rounds of one gateway with one kind of request. */
export interface RoundsSummary<I> {
  readonly item: I;
  readonly rounds: number;
  readonly quiet: number;
  readonly thrownAway: number;
  /** The figures are of disturbed rounds too. */
  readonly isMarked: boolean;
  /** Why turns were thrown away or marked: the reason of the last one; null if all were quiet. */
  readonly why: string | null;
}

/** A summary for each item that had a disturbed turn. */
export function summarizeRounds<I, T>({ counted, thrownAway }: Rounds<I, T>): readonly RoundsSummary<I>[] {
  const items = [...new Set(counted.map(({ item }) => item))];
  return items.flatMap((item) => {
    const own = counted.filter((one) => one.item === item);
    const repeated = thrownAway.filter((one) => one.item === item);
    const reasons = [...repeated, ...own].flatMap(({ why }) => (why === null ? [] : [why]));
    if (reasons.length === 0) return [];
    return [
      {
        item,
        rounds: own.length,
        quiet: own.filter(({ why }) => why === null).length,
        thrownAway: repeated.length,
        isMarked: countingRounds(own).isMarked,
        why: reasons.at(-1) ?? null,
      },
    ];
  });
}

/** The values of the rounds that count, of all items. */
export function countingValues<I, T>({ counted }: Rounds<I, T>): readonly T[] {
  const groups = Map.groupBy(counted, ({ item }) => item);
  return [...groups.values()].flatMap((some) => countingRounds(some).rounds.map(({ value }) => value));
}
