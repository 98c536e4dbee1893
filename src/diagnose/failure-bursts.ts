import { truncateFix, truncateText, truncateTexts, endpointOf } from './fault-counts.ts';
import type { Finding } from './finding.ts';
import type { Example, LeftOut, FailureBurst, FailureBurstRoot } from './summary-report.ts';

/** A longer gap between two failures begins a new burst. */
const gapMs = 60_000;

/** Fewer failures are no burst. */
const failuresMin = 5;

/**
 * How long a gateway may take an endpoint out after a failure: nginx's `fail_timeout` is 10 s, Envoy's ejection 30 s,
 * Apache's `retry` 60 s, unless configured otherwise.
 */
const ejectionMs = 60_000;

/** Bursts that may be in progress at the same time. */
const openMax = 1000;

/** Ended bursts that are remembered; the largest are reported. */
const endedMax = 200;

const reportedMax = 20;

interface Group {
  readonly first: Finding;
  readonly root: FailureBurstRoot;
  startMs: number;
  endMs: number;
  count: number;
  consequences: number;
}

/** Finds bursts: failures of one kind in close succession. */
export class FailureBursts {
  readonly #open = new Map<string, Group>();
  /** By gateway: the burst of the last failure with a cause of its own. */
  readonly #lastRoot = new Map<string, Group>();
  #ended: Group[] = [];
  readonly #dropped = { kinds: 0, count: 0 };

  /** A failure without a time belongs to no burst. */
  add(finding: Finding, example: Example): void {
    if (finding.atMs === null) return;
    const cause = finding.isConsequence ? this.#causeOf(finding, finding.atMs) : null;
    const group = cause ?? this.#groupOf(finding, finding.atMs, example);
    group.startMs = Math.min(group.startMs, finding.atMs);
    group.endMs = Math.max(group.endMs, finding.atMs);
    if (finding.isConsequence) group.consequences += 1;
    else {
      group.count += 1;
      this.#lastRoot.set(finding.gateway, group);
    }
  }

  /** Removes a failure that turned out to be of another kind. */
  remove(finding: Finding): void {
    const group = this.#open.get(keyOf(finding));
    if (group === undefined || finding.atMs === null) return;
    if (finding.isConsequence) group.consequences = Math.max(0, group.consequences - 1);
    else group.count = Math.max(0, group.count - 1);
  }

  report(): { readonly bursts: readonly FailureBurst[]; readonly leftOut: LeftOut } {
    const all = [...this.#ended, ...[...this.#open.values()].filter(isBurst)].sort((a, b) => sizeOf(b) - sizeOf(a));
    const rest = all.slice(reportedMax);
    const bursts = all.slice(0, reportedMax).sort((a, b) => a.startMs - b.startMs);
    return {
      bursts: bursts.map(burstOf),
      leftOut: {
        kinds: this.#dropped.kinds + rest.length,
        count: rest.reduce((sum, group) => sum + sizeOf(group), this.#dropped.count),
      },
    };
  }

  /** The burst that a consequence followed from: of the same upstream, or the latest one of the same gateway. */
  #causeOf(finding: Finding, atMs: number): Group | null {
    const same = this.#open.get(keyOf(finding));
    if (same !== undefined && same.count > 0 && isNear(same, atMs, ejectionMs)) return same;
    const last = this.#lastRoot.get(finding.gateway);
    return last !== undefined && isNear(last, atMs, ejectionMs) ? last : null;
  }

  #groupOf(finding: Finding, atMs: number, example: Example): Group {
    const key = keyOf(finding);
    const open = this.#open.get(key);
    if (open !== undefined && isNear(open, atMs, gapMs)) return open;
    if (open !== undefined) this.#end(key, open);
    else if (this.#open.size >= openMax) this.#makeRoom(atMs);
    const { isConsequence } = finding;
    const [sentence, evidence, fix] = [
      truncateText(finding.sentence),
      truncateTexts(finding.evidence),
      truncateFix(finding.fix),
    ];
    const root = { ...example, isConsequence, sentence, evidence, fix };
    const group = { first: finding, root, startMs: atMs, endMs: atMs, count: 0, consequences: 0 };
    this.#open.set(key, group);
    return group;
  }

  #end(key: string, group: Group): void {
    this.#open.delete(key);
    if (!isBurst(group)) return;
    this.#ended.push(group);
    if (this.#ended.length < endedMax * 2) return;
    this.#ended.sort((a, b) => sizeOf(b) - sizeOf(a));
    for (const dropped of this.#ended.slice(endedMax)) {
      this.#dropped.kinds += 1;
      this.#dropped.count += sizeOf(dropped);
    }
    this.#ended = this.#ended.slice(0, endedMax);
  }

  /** Ends the bursts that are over. If that frees too few entries, ends the older half, so that this is seldom needed. */
  #makeRoom(atMs: number): void {
    for (const [key, group] of this.#open) if (!isNear(group, atMs, gapMs)) this.#end(key, group);
    if (this.#open.size < openMax / 2) return;
    const byAge = [...this.#open].sort(([, a], [, b]) => a.endMs - b.endMs);
    for (const [key, group] of byAge.slice(0, openMax / 2)) this.#end(key, group);
  }
}

function keyOf({ gateway, upstream, shape, stage }: Finding): string {
  return `${gateway} ${shape} ${stage} ${upstream === null ? '' : endpointOf(upstream)}`;
}

function isNear({ startMs, endMs }: Group, atMs: number, withinMs: number): boolean {
  return atMs <= endMs + withinMs && atMs >= startMs - withinMs;
}

const sizeOf = ({ count, consequences }: Group): number => count + consequences;

const isBurst = (group: Group): boolean => sizeOf(group) >= failuresMin;

function burstOf(group: Group): FailureBurst {
  const { gateway, shape, type, stage } = group.first;
  const { startMs, endMs, count, consequences, root } = group;
  const minutes = Math.max(1000, endMs - startMs) / 60_000;
  const perMinute = Math.round((sizeOf(group) / minutes) * 10) / 10;
  const upstream = group.first.upstream === null ? null : endpointOf(group.first.upstream);
  return { gateway, upstream, shape, type, stage, startMs, endMs, count, consequences, perMinute, root };
}
