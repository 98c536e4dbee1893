import type { Release, ReleaseSource, ReleaseVerdict, RolloutState, RolloutStrategy } from '../core/release.ts';
import type { ReleaseLine } from './release-line.ts';

/** A rollout as the journal has it. */
interface PastRollout {
  readonly rollout: number;
  readonly from: number | null;
  readonly to: number;
  /** Of its releases, which may not be kept any more; null: none, or the journal does not know any more. */
  readonly fromName: string | null;
  readonly toName: string | null;
  /** What its release was made from; null: the journal does not know any more. */
  readonly source: ReleaseSource | null;
  readonly strategy: RolloutStrategy;
  readonly actor: string;
  readonly beganAt: string;
  readonly state: RolloutState;
  /** Of the new release, 0 to 1. */
  readonly share: number;
  readonly verdict: ReleaseVerdict | null;
  readonly reason: string | null;
  readonly endedAt: string | null;
}

export interface ReleaseHistory {
  /** That may be rolled back to; the newest first. */
  readonly releases: readonly StoredRelease[];
  /** The release promoted last; null: none was. */
  readonly inForce: Release | null;
  /** The one in force before; null: there is none any more. */
  readonly previous: Release | null;
  /** The newest first. */
  readonly rollouts: readonly PastRollout[];
  /** The newest one, where the journal has no end of it. */
  readonly open: PastRollout | null;
  readonly nextRelease: number;
  readonly nextRollout: number;
}

interface StoredRelease {
  readonly release: Release;
  /** False: it never was in force, or was taken back. */
  readonly wasInForce: boolean;
  /** Of its tree. */
  readonly bytes: number;
}

const rolloutsMax = 50;

/** What the lines of a journal say. A line about a release or a rollout that no line has begun means nothing. */
export function historyOf(lines: readonly ReleaseLine[]): ReleaseHistory {
  const reading = new HistoryReading();
  for (const line of lines) reading.add(line);
  return reading.result();
}

class HistoryReading {
  readonly #created = new Map<number, Extract<ReleaseLine, { kind: 'created' }>>();
  readonly #removed = new Set<number>();
  readonly #rollouts = new Map<number, PastRollout>();
  /** The last one last; no release twice in a row. */
  promotions: readonly Extract<ReleaseLine, { kind: 'promoted' }>[] = [];
  #lastRelease = 0;
  #lastRollout = 0;

  add(line: ReleaseLine): void {
    switch (line.kind) {
      case 'created':
        this.#created.set(line.release.number, line);
        this.#lastRelease = Math.max(this.#lastRelease, line.release.number);
        return;
      case 'began':
        this.#begin(line);
        return;
      case 'step':
        this.#change(line.rollout, { state: line.state, share: line.share });
        return;
      case 'promoted':
        this.#promote(line);
        this.#change(line.rollout, { state: 'promoted', share: 1 });
        return;
      case 'ended':
        this.#change(line.rollout, {
          state: line.state,
          verdict: line.verdict,
          reason: line.reason,
          endedAt: line.at,
        });
        return;
      case 'removed':
        this.#removed.add(line.release);
        return;
      case 'unknown':
        return;
    }
  }

  /** Where a rollout gives the release before it all requests again, its own release is none to go back to. */
  #promote(line: Extract<ReleaseLine, { kind: 'promoted' }>): void {
    const rollout = this.#rollouts.get(line.rollout);
    const last = this.promotions.at(-1)?.release;
    if (rollout?.from === line.release && last === rollout.to) this.promotions = this.promotions.slice(0, -1);
    if (this.#created.has(line.release) && this.promotions.at(-1)?.release !== line.release)
      this.promotions = [...this.promotions, line];
  }

  /** The rollout before has ended too, if only by a crash. */
  #begin(line: Extract<ReleaseLine, { kind: 'began' }>): void {
    const { rollout, from, to, strategy, actor, at } = line;
    const before = this.#rollouts.get(this.#lastRollout);
    if (before?.endedAt === null) {
      const reason = 'the gateway ended before the rollout did';
      this.#change(before.rollout, { state: 'interrupted', reason, endedAt: at });
    }
    this.#lastRollout = Math.max(this.#lastRollout, rollout);
    this.#rollouts.set(rollout, {
      rollout,
      from,
      to,
      fromName: from === null ? null : (this.#created.get(from)?.release.name ?? null),
      toName: this.#created.get(to)?.release.name ?? null,
      source: this.#created.get(to)?.release.from ?? null,
      strategy,
      actor,
      beganAt: at,
      state: 'preparing',
      share: 0,
      verdict: null,
      reason: null,
      endedAt: null,
    });
  }

  #change(rollout: number, change: Partial<PastRollout>): void {
    const known = this.#rollouts.get(rollout);
    if (known !== undefined) this.#rollouts.set(rollout, { ...known, ...change });
  }

  result(): ReleaseHistory {
    const promoted = this.promotions.map(({ release }) => release);
    const inForce = promoted.at(-1);
    const previous = promoted.findLast((number) => number !== inForce && !this.#removed.has(number));
    const rollouts = [...this.#rollouts.values()].toReversed().slice(0, rolloutsMax);
    const newest = rollouts[0];
    return {
      releases: [...this.#created.values()]
        .filter(({ release }) => release.number === inForce || !this.#removed.has(release.number))
        .toSorted((a, b) => b.release.number - a.release.number)
        .map(({ release, bytes }) => ({ release, bytes, wasInForce: promoted.includes(release.number) })),
      inForce: this.#releaseOf(inForce),
      previous: this.#releaseOf(previous),
      rollouts,
      open: newest?.endedAt === null ? newest : null,
      nextRelease: this.#lastRelease + 1,
      nextRollout: this.#lastRollout + 1,
    };
  }

  #releaseOf(number: number | undefined): Release | null {
    return number === undefined ? null : (this.#created.get(number)?.release ?? null);
  }
}

/**
 * The lines that the same history needs, in their order. Of a release that was removed the environment, which has secrets, is
 * left out.
 */
export function compactLines(lines: readonly ReleaseLine[]): readonly ReleaseLine[] {
  const reading = new HistoryReading();
  for (const line of lines) reading.add(line);
  const history = reading.result();
  const rollouts = new Set(history.rollouts.map(({ rollout }) => rollout));
  const live = new Set(history.releases.map(({ release }) => release.number));
  const named = new Set([...live, history.nextRelease - 1, ...history.rollouts.flatMap(({ from, to }) => [from, to])]);
  const promotions = [...live].map((number) => reading.promotions.findLast(({ release }) => release === number));
  const steps = new Map(lines.flatMap((line) => (line.kind === 'step' ? [[line.rollout, line] as const] : [])));
  const isNeeded = (line: ReleaseLine): boolean => {
    switch (line.kind) {
      case 'created':
        return named.has(line.release.number);
      case 'removed':
        return named.has(line.release);
      case 'step':
        return rollouts.has(line.rollout) && steps.get(line.rollout) === line;
      case 'promoted':
        return rollouts.has(line.rollout) || promotions.includes(line);
      case 'began':
      case 'ended':
        return rollouts.has(line.rollout);
      case 'unknown':
        return true;
    }
  };
  return lines.filter(isNeeded).map((line) => (line.kind === 'created' ? withoutUnused(line, live) : line));
}

function withoutUnused(line: Extract<ReleaseLine, { kind: 'created' }>, live: ReadonlySet<number>): ReleaseLine {
  return live.has(line.release.number) ? line : { ...line, release: { ...line.release, environment: {} } };
}
