import { Flapping, flappingSentence } from '../policy/alert-flapping.ts';
import { againPrefix } from './alert-json.ts';
import { applicationPrefix, upstreamKey } from './application-alerts.ts';
import { type Alert, type AlertSeverity, type AlertTargetSpec, isSevere } from '../core/alert.ts';

/** What a target has been told and that is not over. */
export interface OpenAlert {
  /** The worst that was reported. */
  readonly severity: AlertSeverity;
  /** Those that were reported. */
  readonly steps: readonly string[];
  /** When the last message was due, in milliseconds since the Unix epoch; it may wait still. */
  readonly at: number;
  /** The key that the target knows it by, where it has come again under another one; absent: its own. */
  readonly as?: string;
  /** As it was last reported, without its evidence; absent: an incident. */
  readonly alert?: Alert;
  /** Of an incident, what it is about. */
  readonly about?: string;
}

/** Something that comes again and again. */
interface Recurring {
  readonly flapping: Flapping;
  /** It has ended, and the message of that waits; null: none waits. */
  ending: {
    readonly key: string;
    readonly kind: Alert['kind'];
    readonly open: OpenAlert;
    readonly dueAt: number;
  } | null;
}

interface LedgerSettings {
  readonly target: Pick<AlertTargetSpec, 'kinds' | 'changes' | 'severityMin' | 'upstreams' | 'routes'>;
  readonly grownEveryMs: number;
}

type LedgerDecision =
  /** Not before `dueAt`, a wall time. A later message about the same thing replaces one that waits. */
  | { readonly send: true; readonly alert: Alert; readonly dueAt: number; readonly withdraws?: string }
  /** `withdraws`: the key of a thing whose end need not be reported any more: it has come again. */
  | { readonly send: false; readonly withdraws?: string };

/** Things that are open at the same time; more are one incident that this ledger does not see as one. */
const openMax = 1000;

/** One that is never resolved, such as a certificate that was removed, is forgotten: reported again, it is opened again. */
const keptMs = 30 * 86_400_000;

/** Certificates that replace each other shortly before their end have steps of their own. */
const stepsMax = 50;

/** Alerts that say more about an upstream without an available endpoint than that. */
const takingOver: ReadonlySet<Alert['kind']> = new Set(['incident', 'release', 'application']);

const silent: LedgerDecision = { send: false };

/** An application that ends once in this time, or more often, soon is a crash loop: the end of one crash waits for the next one. */
const nextCrashMs = 200_000;

/** Things that come and go at the same time. */
const recurringMax = 1000;

/** Decides which alerts one target gets: one for each thing and change. Knows time only by its alerts. */
export class AlertLedger {
  readonly #open: Map<string, OpenAlert>;
  /** By what it is about. */
  readonly #recurring = new Map<string, Recurring>();

  /** `open`: what an earlier process has told the target. */
  constructor(open: ReadonlyMap<string, OpenAlert> = new Map()) {
    this.#open = new Map(open);
  }

  get open(): ReadonlyMap<string, OpenAlert> {
    return this.#open;
  }

  /** The wall clock has moved by `ms`. What has come and gone before counts no more. */
  clockChanged(ms: number): void {
    for (const [key, open] of this.#open) this.#open.set(key, { ...open, at: open.at + ms });
    this.#recurring.clear();
  }

  decide(alert: Alert, { target, grownEveryMs }: LedgerSettings): LedgerDecision {
    const known = this.#open.get(alert.key);
    const sendIf = (change: Alert['change'], dueAt: number): LedgerDecision =>
      target.changes.includes(change)
        ? { send: true, alert: { ...alert, change, key: known?.as ?? alert.key }, dueAt }
        : silent;
    if (alert.change === 'resolved') {
      if (known === undefined) return silent;
      this.#open.delete(alert.key);
      const dueAt = alert.at + this.#end(alert, known);
      return withCount(sendIf('resolved', dueAt), this.#countOf(alert));
    }
    if (!concerns(alert, target)) return silent;
    // Only who has been told a cause needs another one.
    if (alert.change === 'corrected') return known === undefined ? silent : sendIf('corrected', alert.at);
    if (known === undefined) {
      const taken = this.#ofLoop(alert, target.changes) ?? this.#takeOver(alert, target.changes);
      if (taken !== null) return taken;
      const again = this.#comeAgain(alert, target.changes);
      if (again !== null) return again;
      if (!isSevere(alert.severity, target.severityMin)) return silent;
      this.#note(alert, alert.at);
      return withCount(sendIf('opened', alert.at), this.#countOf(alert));
    }
    const isWorse = isMoreSevere(alert, known);
    const isNext = alert.steps.some((step) => !known.steps.includes(step));
    if (alert.change === 'opened' && !isWorse && !isNext) return silent;
    // A message that waits still is replaced by this one.
    const dueAt =
      isWorse || isNext ? alert.at : known.at > alert.at ? known.at : Math.max(alert.at, known.at + grownEveryMs);
    this.#note(withReported(alert, known), dueAt, known.as);
    return sendIf('grown', dueAt);
  }

  /** How long its end waits, since it may come again. */
  #end({ about, key, kind, at }: Alert, open: OpenAlert): number {
    const found = this.#recurring.get(about) ?? { flapping: new Flapping(), ending: null };
    const endedMs = found.flapping.end(at);
    const holdMs = isOfCrash({ about, kind }) ? Math.max(nextCrashMs, endedMs) : endedMs;
    found.ending = { key: open.as ?? key, kind, open, dueAt: at + holdMs };
    this.#recurring.delete(about);
    this.#recurring.set(about, found);
    for (const [other, { flapping }] of this.#recurring) if (flapping.isForgotten(at)) this.#recurring.delete(other);
    const [oldest] = this.#recurring.keys();
    if (this.#recurring.size > recurringMax && oldest !== undefined) this.#recurring.delete(oldest);
    return holdMs;
  }

  /** A crash loop and the incidents of its crashes are one thing. Null: the alert is of none, or the first of them. */
  #ofLoop(alert: Alert, changes: readonly Alert['change'][]): LedgerDecision | null {
    const loop = this.#open.get(alert.about);
    if (isOfCrash(alert) && loop !== undefined) {
      if (!isMoreSevere(alert, loop)) return silent;
      this.#open.set(alert.about, { ...loop, severity: alert.severity });
      return this.#grown(alert, loop.as ?? alert.about, changes);
    }
    const crash = [...this.#open].find(([key, { about }]) => about === alert.about && key !== alert.key);
    if (alert.kind !== 'application' || crash === undefined) return null;
    const [key, open] = crash;
    this.#open.delete(key);
    this.#note(withReported(alert, open), alert.at, open.as ?? key);
    return this.#grown(alert, open.as ?? key, changes);
  }

  #grown(alert: Alert, key: string, changes: readonly Alert['change'][]): LedgerDecision {
    if (!changes.includes('grown')) return silent;
    return { send: true, alert: { ...alert, change: 'grown', key }, dueAt: alert.at };
  }

  /** The alert about the upstream's outage becomes that about what has caused it, or what it does to requests. Null: there is none. */
  #takeOver(alert: Alert, changes: readonly Alert['change'][]): LedgerDecision | null {
    const [upstream, ...others] = alert.upstreams;
    if (!takingOver.has(alert.kind) || upstream === undefined || others.length > 0) return null;
    const key = upstreamKey(upstream);
    const open = this.#open.get(key);
    if (open === undefined) return null;
    this.#open.delete(key);
    const as = open.as ?? key;
    this.#note(withReported(alert, open), alert.at, as);
    return this.#grown(alert, as, changes);
  }

  /** Its end has not been reported yet: to the target it goes on. Null: it is new to it. */
  #comeAgain(alert: Alert, changes: readonly Alert['change'][]): LedgerDecision | null {
    const found = this.#recurring.get(alert.about);
    const ending = found?.ending ?? null;
    if (found === undefined || ending === null) return null;
    found.ending = null;
    if (alert.at >= ending.dueAt) return null;
    const isWorse = isMoreSevere(alert, ending.open);
    this.#note(withReported(alert, ending.open), alert.at, ending.key);
    const isOther = alert.kind !== ending.kind;
    const isOften = !isOfCrash(alert) && found.flapping.isReported(alert.at);
    const isReported = (isWorse || isOther || isOften) && changes.includes('grown');
    if (!isReported) return { send: false, withdraws: ending.key };
    const title = isWorse || isOther ? alert.title : `${againPrefix}${alert.title}`;
    const grown = { ...alert, title, change: 'grown' as const, key: ending.key };
    const decision = { send: true, alert: grown, dueAt: alert.at, withdraws: ending.key } as const;
    return withCount(decision, this.#countOf(alert));
  }

  #countOf({ about, at }: Alert): number {
    return this.#recurring.get(about)?.flapping.count(at) ?? 0;
  }

  #note(alert: Alert, dueAt: number, as?: string): void {
    const { key, severity, steps, at } = alert;
    this.#open.delete(key);
    this.#open.set(key, {
      severity,
      steps: steps.slice(-stepsMax),
      at: dueAt,
      ...(as === undefined || as === key ? {} : { as }),
      // An incident has an end of its own.
      ...(key === alert.about ? { alert: { ...alert, evidence: [] } } : { about: alert.about }),
    });
    for (const [other, { at: since }] of this.#open) if (since < at - keptMs) this.#open.delete(other);
    const [oldest] = this.#open.keys();
    if (this.#open.size > openMax && oldest !== undefined) this.#open.delete(oldest);
  }
}

/** An incident that the end of an application's process has caused (`alert-of-event.ts`). */
function isOfCrash({ kind, about }: Pick<Alert, 'kind' | 'about'>): boolean {
  return kind === 'incident' && about.startsWith(applicationPrefix);
}

function isMoreSevere({ severity }: Alert, known: OpenAlert): boolean {
  return severity !== known.severity && isSevere(severity, known.severity);
}

/** As bad as it has been reported: what becomes as bad again is not worse. */
function withReported(alert: Alert, known: OpenAlert): Alert {
  const severity = isMoreSevere(alert, known) ? alert.severity : known.severity;
  return { ...alert, severity, steps: [...new Set([...known.steps, ...alert.steps])] };
}

function withCount(decision: LedgerDecision, count: number): LedgerDecision {
  const sentence = flappingSentence(count);
  if (!decision.send || sentence === null) return decision;
  return { ...decision, alert: { ...decision.alert, text: `${decision.alert.text} ${sentence}` } };
}

function concerns({ kind, upstreams, routes }: Alert, target: LedgerSettings['target']): boolean {
  if (kind === 'test') return true;
  if (!target.kinds.includes(kind)) return false;
  const isOther = (one: string): boolean => !target.upstreams.includes(one);
  if (target.upstreams.length > 0 && upstreams.length > 0 && upstreams.every(isOther)) return false;
  return target.routes.length === 0 || routes.length === 0 || routes.some((route) => target.routes.includes(route));
}
