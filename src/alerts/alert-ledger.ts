import { type Alert, type AlertSeverity, type AlertTargetSpec, isSevere } from '../core/alert.ts';

/** What a target has been told and that is not over. */
export interface OpenAlert {
  readonly severity: AlertSeverity;
  /** The last step that was reported; null: it has no steps. */
  readonly step: string | null;
  /** When the last message was due, in milliseconds since the Unix epoch; it may wait still. */
  readonly at: number;
}

export interface LedgerSettings {
  readonly target: Pick<AlertTargetSpec, 'kinds' | 'changes' | 'severityMin' | 'upstreams' | 'routes'>;
  readonly grownEveryMs: number;
}

export type LedgerDecision =
  /** Not before `dueAt`, a wall time. A later message about the same thing replaces one that waits. */
  { readonly send: true; readonly alert: Alert; readonly dueAt: number } | { readonly send: false };

/** Things that are open at the same time; more are one incident that this ledger does not see as one. */
const openMax = 1000;

/** One that is never resolved, such as a certificate that was removed, is forgotten: reported again, it is opened again. */
const keptMs = 30 * 86_400_000;

const silent: LedgerDecision = { send: false };

/** Decides which alerts one target gets: one for each thing and change. Knows time only by its alerts. */
export class AlertLedger {
  readonly #open: Map<string, OpenAlert>;

  /** `open`: what an earlier process has told the target. */
  constructor(open: ReadonlyMap<string, OpenAlert> = new Map()) {
    this.#open = new Map(open);
  }

  get open(): ReadonlyMap<string, OpenAlert> {
    return this.#open;
  }

  decide(alert: Alert, { target, grownEveryMs }: LedgerSettings): LedgerDecision {
    const known = this.#open.get(alert.key);
    const sendIf = (change: Alert['change'], dueAt: number): LedgerDecision =>
      target.changes.includes(change) ? { send: true, alert: { ...alert, change }, dueAt } : silent;
    if (alert.change === 'resolved') {
      if (known === undefined) return silent;
      this.#open.delete(alert.key);
      return sendIf('resolved', alert.at);
    }
    if (!concerns(alert, target)) return silent;
    if (known === undefined) {
      if (!isSevere(alert.severity, target.severityMin)) return silent;
      this.#note(alert, alert.at);
      return sendIf('opened', alert.at);
    }
    const isWorse = alert.severity !== known.severity && isSevere(alert.severity, known.severity);
    if (alert.change === 'opened' && !isWorse && alert.step === known.step) return silent;
    // A message that waits still is replaced by this one.
    const dueAt = isWorse ? alert.at : known.at > alert.at ? known.at : Math.max(alert.at, known.at + grownEveryMs);
    this.#note(alert, dueAt);
    return sendIf('grown', dueAt);
  }

  #note({ key, severity, step, at }: Alert, dueAt: number): void {
    this.#open.delete(key);
    this.#open.set(key, { severity, step, at: dueAt });
    for (const [other, { at: since }] of this.#open) if (since < at - keptMs) this.#open.delete(other);
    const [oldest] = this.#open.keys();
    if (this.#open.size > openMax && oldest !== undefined) this.#open.delete(oldest);
  }
}

function concerns({ kind, upstream, routes }: Alert, target: LedgerSettings['target']): boolean {
  if (kind === 'test') return true;
  if (!target.kinds.includes(kind)) return false;
  if (target.upstreams.length > 0 && upstream !== null && !target.upstreams.includes(upstream)) return false;
  return target.routes.length === 0 || routes.length === 0 || routes.some((route) => target.routes.includes(route));
}
