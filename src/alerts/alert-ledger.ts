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
  /** Of an incident, what were reported as its likeliest causes. */
  readonly causes?: readonly string[];
  /** Of an incident, those that it had. */
  readonly routes?: readonly string[];
  /** An incident that is as the one before it, and of which the target has not been told yet; absent: it has been. */
  readonly held?: HeldAlert;
}

interface HeldAlert {
  /** The end of the incident before it was not sent: to the target that one goes on. */
  readonly goesOn: boolean;
  /** The message of that end; null: the target does not want it, or was sent it. */
  readonly end: Alert | null;
}

type CausesAndRoutes = Required<Pick<OpenAlert, 'causes' | 'routes'>>;

/** Something that comes again and again. */
interface Recurring {
  readonly flapping: Flapping;
  /** It has ended, and the message of that waits; null: none waits. */
  ending: {
    readonly key: string;
    readonly kind: Alert['kind'];
    readonly open: OpenAlert;
    readonly dueAt: number;
    /** Null: the target does not want it. */
    readonly alert: Alert | null;
  } | null;
  /** Of the incident that the target was told of last; null: there is none. */
  reported: CausesAndRoutes | null;
}

interface LedgerSettings {
  readonly target: Pick<AlertTargetSpec, 'kinds' | 'changes' | 'severityMin' | 'upstreams' | 'routes'>;
  readonly grownEveryMs: number;
}

export type LedgerDecision =
  /** Not before `dueAt`, a wall time. A later message about the same thing replaces one that waits. */
  | ({ readonly send: true; readonly alert: Alert; readonly dueAt: number } & Withdrawal)
  | ({ readonly send: false } & Withdrawal);

interface Withdrawal {
  /** The key of a thing whose end need not be reported any more: it has come again, or `before` says so. */
  readonly withdraws?: string;
  /** The end of what the target still takes to go on, which is sent at once and first. */
  readonly before?: Alert;
}

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

/** The end of an incident is reported after so long at the latest. */
const incidentEndMaxMs = 60_000;

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

  /** Whether the target has been told of it, by this key or another one. */
  hasReported(key: string): boolean {
    const open = this.#open.get(key);
    return open !== undefined && open.held === undefined;
  }

  /** Keys of incidents of which the target has not been told yet. */
  get held(): readonly string[] {
    return [...this.#open].flatMap(([key, { held }]) => (held === undefined ? [] : [key]));
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
      const ended = this.#end(alert, known);
      if (isUnreported(known)) return silent;
      const decision = withCount(sendIf('resolved', alert.at + ended.holdMs), this.#countOf(alert));
      ended.of.ending = {
        ...{ key: known.as ?? alert.key, kind: alert.kind, open: known, dueAt: alert.at + ended.holdMs },
        alert: decision.send ? decision.alert : null,
      };
      return decision;
    }
    if (!concerns(alert, target)) return silent;
    if (known === undefined) {
      // Only who has been told a cause needs another one.
      if (alert.change === 'corrected') return silent;
      const taken = this.#ofLoop(alert, target.changes) ?? this.#takeOver(alert, target.changes);
      if (taken !== null) return taken;
      if (alert.kind === 'incident' && !isSevere(alert.severity, target.severityMin)) return silent;
      const again = this.#comeAgain(alert, target.changes);
      if (again !== null) return again;
      if (!isSevere(alert.severity, target.severityMin)) return silent;
      const ending = this.#endOfOther(alert);
      this.#note(alert, alert.at);
      return { ...withCount(sendIf('opened', alert.at), this.#countOf(alert)), ...ending };
    }
    if (known.held !== undefined) return this.#tellHeld(alert, known, target);
    if (alert.change === 'corrected') {
      this.#open.set(alert.key, { ...known, ...reportedOf(alert, known) });
      return sendIf('corrected', alert.at);
    }
    const isWorse = isMoreSevere(alert, known);
    const isNext = alert.steps.some((step) => !known.steps.includes(step));
    if (alert.change === 'opened' && !isWorse && !isNext) return silent;
    // A message that waits still is replaced by this one.
    const dueAt =
      isWorse || isNext ? alert.at : known.at > alert.at ? known.at : Math.max(alert.at, known.at + grownEveryMs);
    this.#note(withReported(alert, known), dueAt, { ...reportedOf(alert, known), as: known.as });
    return sendIf('grown', dueAt);
  }

  /** An incident that was held goes on to fail: it is told as opened, under its own key. */
  lasts(alert: Alert, { target }: Pick<LedgerSettings, 'target'>): LedgerDecision {
    const held = this.#open.get(alert.key)?.held;
    return held === undefined || !concerns(alert, target) ? silent : this.#tellOpened(alert, held, target);
  }

  /** What happens to a held incident: it is told as soon as it is another thing, or worse, than the target was told of. */
  #tellHeld(alert: Alert, known: OpenAlert, target: LedgerSettings['target']): LedgerDecision {
    const isOther = alert.about !== known.about || differs(alert, this.#recurring.get(alert.about)?.reported ?? null);
    const isNext = alert.steps.some((step) => !known.steps.includes(step));
    if (known.held === undefined || !(isOther || isNext || isMoreSevere(alert, known))) return silent;
    return this.#tellOpened(alert, known.held, target);
  }

  #tellOpened(alert: Alert, { end }: HeldAlert, { changes, severityMin }: LedgerSettings['target']): LedgerDecision {
    const before = end === null ? {} : { before: end };
    this.#open.delete(alert.key);
    if (!isSevere(alert.severity, severityMin)) return { send: false, ...before };
    this.#note(alert, alert.at);
    if (!changes.includes('opened')) return { send: false, ...before };
    const opened = { send: true, alert: { ...alert, change: 'opened' }, dueAt: alert.at } as const;
    return { ...withCount(opened, this.#countOf(alert)), ...before };
  }

  /** What it is part of, and how long its end waits, since it may come again. */
  #end(alert: Alert, open: OpenAlert): { readonly of: Recurring; readonly holdMs: number } {
    const { about, kind, at } = alert;
    const found = this.#recurring.get(about) ?? { flapping: new Flapping(), ending: null, reported: null };
    const flappingMs = found.flapping.end(at);
    const endedMs = kind === 'incident' ? Math.min(incidentEndMaxMs, flappingMs) : flappingMs;
    const holdMs = isOfCrash({ about, kind }) ? Math.max(nextCrashMs, endedMs) : endedMs;
    found.ending = null;
    if (open.held === undefined && kind === 'incident') found.reported = reportedOf(alert, open);
    this.#recurring.delete(about);
    this.#recurring.set(about, found);
    for (const [other, { flapping }] of this.#recurring) if (flapping.isForgotten(at)) this.#recurring.delete(other);
    const [oldest] = this.#recurring.keys();
    if (this.#recurring.size > recurringMax && oldest !== undefined) this.#recurring.delete(oldest);
    return { of: found, holdMs };
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
    if (isUnreported(open)) return null;
    this.#note(withReported(alert, open), alert.at, { as: open.as ?? key });
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
    this.#note(withReported(alert, open), alert.at, { as });
    return this.#grown(alert, as, changes);
  }

  /**
   * It is the same as what was told last. Where the end of that has not been reported yet, to the target it goes on; and where it comes and goes, an incident
   * is held until it lasts. Null: it is new to the target.
   */
  #comeAgain(alert: Alert, changes: readonly Alert['change'][]): LedgerDecision | null {
    const found = this.#recurring.get(alert.about);
    if (found === undefined || differs(alert, found.reported)) return null;
    const { ending, flapping } = found;
    found.ending = null;
    const isOften = !isOfCrash(alert) && flapping.isReported(alert.at);
    if (ending === null || alert.at >= ending.dueAt) {
      if (alert.kind !== 'incident' || isOften || flapping.count(alert.at) < 2) return null;
      this.#note(alert, alert.at, { held: { goesOn: false, end: null } });
      return silent;
    }
    const isWorse = isMoreSevere(alert, ending.open);
    const isOther = alert.kind !== ending.kind;
    const isReported = (isWorse || isOther || isOften) && changes.includes('grown');
    const isHeld = !isReported && alert.kind === 'incident';
    const held = isHeld ? { held: { goesOn: true, end: ending.alert } } : {};
    this.#note(withReported(alert, ending.open), alert.at, { as: ending.key, ...held });
    if (!isReported) return { send: false, withdraws: ending.key };
    const title = isWorse || isOther ? alert.title : `${againPrefix}${alert.title}`;
    const grown = { ...alert, title, change: 'grown' as const, key: ending.key };
    const decision = { send: true, alert: grown, dueAt: alert.at, withdraws: ending.key } as const;
    return withCount(decision, this.#countOf(alert));
  }

  /** The end of another incident than this one need not wait any more: this one follows it. */
  #endOfOther({ about, at, kind }: Alert): Withdrawal {
    const found = this.#recurring.get(about);
    const ending = found?.ending ?? null;
    if (found === undefined || ending === null || kind !== 'incident') return {};
    found.ending = null;
    return at >= ending.dueAt || ending.alert === null ? {} : { withdraws: ending.key, before: ending.alert };
  }

  #countOf({ about, at }: Alert): number {
    return this.#recurring.get(about)?.flapping.count(at) ?? 0;
  }

  #note(
    alert: Alert,
    dueAt: number,
    {
      as,
      held,
      ...reported
    }: Partial<CausesAndRoutes> & { readonly as?: string | undefined; readonly held?: HeldAlert } = {},
  ): void {
    const { key, severity, steps, at } = alert;
    this.#open.delete(key);
    this.#open.set(key, {
      severity,
      steps: steps.slice(-stepsMax),
      at: dueAt,
      ...(as === undefined || as === key ? {} : { as }),
      // An incident has an end of its own.
      ...(key === alert.about
        ? { alert: { ...alert, evidence: [] } }
        : { about: alert.about, ...reportedOf(alert, reported) }),
      ...(held === undefined ? {} : { held }),
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

/** The target knows it by no key. */
function isUnreported({ held }: OpenAlert): boolean {
  return held?.goesOn === false;
}

/** Another incident than the target was told last, as far as is known. All crashes of an application are one thing. */
function differs(alert: Alert, reported: Recurring['reported']): boolean {
  if (reported === null || alert.kind !== 'incident' || isOfCrash(alert)) return false;
  const { causes, routes } = reportedOf(alert, reported);
  return causes.length > reported.causes.length || routes.length > reported.routes.length;
}

/** What a target knows of an incident after a message, or its end. */
function reportedOf(
  { cause, routes: own }: Alert,
  { causes = [], routes = [] }: Partial<CausesAndRoutes>,
): CausesAndRoutes {
  return {
    causes: [...new Set([...causes, ...(cause === undefined ? [] : [cause])])],
    routes: [...new Set([...routes, ...own])],
  };
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
