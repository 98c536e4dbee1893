import type { Cause } from '#failures/failure.ts';
import type { ArmCounts, JudgedEvent, ReleaseArm } from '../core/release.ts';
import type { EvidenceKind } from './evidence-streams.ts';
import type { ComparedAnswers } from './usual-answers.ts';

/** Requests of one route that one release has answered, or has failed to, since the last time. Each counts once, whatever was retried. */
export interface ArmTraffic {
  readonly route: string;
  readonly arm: ReleaseArm;
  readonly requests: number;
  readonly failures: ReadonlyMap<Cause, number>;
  readonly serverErrors: number;
  readonly late: number;
  /** What was answered at paths of each pattern, and how many patterns the application has; absent: not known. */
  readonly patterns?: { readonly compared: readonly ComparedAnswers[]; readonly count: number };
  /** Hashes of clients: of these events, and of all requests. Needed where clients stay with a release. */
  readonly clients?: Partial<Readonly<Record<JudgedEvent | 'request', readonly number[]>>>;
}

/** What a successor of this process begins with. */
export interface SavedArm extends Omit<ArmCounts, 'failures'> {
  readonly failures: readonly (readonly [cause: Cause, count: number])[];
}

/** Sums of one release, on one route or all. */
export class ArmSum implements ArmCounts {
  requests = 0;
  serverErrors = 0;
  late = 0;
  readonly causes = new Map<Cause, number>();

  get failures(): number {
    return sumOf(this.causes);
  }

  get errors(): number {
    return this.failures + this.serverErrors;
  }

  countOf(kind: EvidenceKind): number {
    return eventsOf({ ...this.counts, failures: this.causes }, kind);
  }

  add({ requests, failures, serverErrors, late }: Pick<ArmTraffic, keyof ArmCounts> | SavedArm): void {
    this.requests += requests;
    this.serverErrors += serverErrors;
    this.late += late;
    for (const [cause, count] of failures) this.causes.set(cause, (this.causes.get(cause) ?? 0) + count);
  }

  /** The most frequent one. */
  get cause(): Cause | null {
    const [most] = [...this.causes].sort(([, a], [, b]) => b - a);
    return most?.[0] ?? null;
  }

  static of(counts: SavedArm): ArmSum {
    const sum = new ArmSum();
    sum.add(counts);
    return sum;
  }

  saved(): SavedArm {
    const { requests, causes, serverErrors, late } = this;
    return { requests, failures: [...causes], serverErrors, late };
  }

  get counts(): ArmCounts {
    const { requests, failures, serverErrors, late } = this;
    return { requests, failures, serverErrors, late };
  }
}

/** Without any of them nothing speaks against a release that did not before. */
export const hasEvents = (traffic: ArmTraffic): boolean => traffic.late > 0 || eventsOf(traffic, 'error') > 0;

/** How many events of a kind these are. */
export function eventsOf(
  { failures, serverErrors, late }: Pick<ArmTraffic, keyof ArmCounts>,
  kind: EvidenceKind,
): number {
  if (kind === 'late') return late;
  return (kind === 'server_error' ? 0 : sumOf(failures)) + (kind === 'failure' ? 0 : serverErrors);
}

function sumOf(failures: ArmTraffic['failures']): number {
  let sum = 0;
  for (const count of failures.values()) sum += count;
  return sum;
}
