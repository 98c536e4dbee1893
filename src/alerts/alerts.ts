import {
  type Alert,
  type AlertChannelSpec,
  type AlertKind,
  alertKinds,
  type AlertsSpec,
  type AlertTargetSpec,
} from '../core/alert.ts';
import type { AlertTargetStatus, AlertTestResult } from '../core/schemas/alerts.ts';
import type { Event, EventSink, IncidentFacts, PresentIncident } from '../core/event.ts';
import type { Random } from '../core/random.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { AlertLedger, type LedgerDecision, type OpenAlert } from './alert-ledger.ts';
import { alertOfEvent, openedAlert } from './alert-of-event.ts';
import { AlertQueue, sendWithin } from './alert-queue.ts';
import { type AlertsContent, type AlertStorage, AlertsWriter } from './alerts-file.ts';
import type { AlertChannel } from './channel.ts';
import { resolvedPrefix } from './alert-json.ts';

/**
 * How long after its start a gateway has reported what still goes on. What an earlier process has reported and this one has not by then is over:
 * most often the restart has ended it. Null: such an alert goes on. Incidents have an end of their own, and the next attempt to obtain a certificate may be
 * hours away.
 */
const settledAfterMs: Readonly<Record<AlertKind, number | null>> = {
  incident: null,
  certificate: null,
  gateway: 60_000,
  disk: 60_000,
  records: 60_000,
  slo: 60_000,
  // Each start reports those whose last run has failed.
  job: 60_000,
  dependency: 60_000,
  // An instance may take minutes until it has failed, or has failed several times.
  release: 900_000,
  application: 900_000,
  // Reported again a minute after the start, or by the `release` of its application.
  upstream: 900_000,
};

/** The ends of what an earlier process has reported and this one, which started at the wall time `startedAt`, has not. `kinds`: those that are settled. */
function endsAfterRestart(
  open: ReadonlyMap<string, OpenAlert>,
  seen: ReadonlySet<string>,
  kinds: readonly AlertKind[],
  { startedAt, now }: { readonly startedAt: number; readonly now: number },
): readonly Alert[] {
  return [...open].flatMap(([key, { alert }]): readonly Alert[] => {
    // What has a key of its own each time has no end.
    if (alert === undefined || seen.has(key) || key !== alert.about) return [];
    if (alert.kind === 'test' || !kinds.includes(alert.kind)) return [];
    const since = new Date(startedAt).toISOString();
    const ended: Alert = {
      ...alert,
      id: `${alert.id}-restart-${startedAt}`,
      key,
      at: now,
      change: 'resolved',
      severity: 'info',
      title: `${resolvedPrefix}${alert.title}`,
      text: `The gateway has started again at ${since}, and has not seen this since.`,
      evidence: [],
      nextStep: null,
      steps: [],
    };
    return [ended];
  });
}

interface AlertsParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly deployment: () => string;
  readonly member: string;
  /** By its key; null: it does not go on. */
  readonly incidentOf: (key: string) => PresentIncident | null;
  readonly channelOf: (spec: AlertChannelSpec) => AlertChannel;
  /** Whether the process has just started: then what an earlier one has reported is over if this one does not report it. */
  readonly isStart: boolean;
  /** Null: what is not delivered when the process ends is lost. */
  readonly storage: AlertStorage | null;
}

interface Target {
  readonly ledger: AlertLedger;
  readonly queue: AlertQueue;
}

/** The details of an incident come soon after it has opened: its first message waits so long for them. */
const detailsWaitMs = 3000;

/** An incident that is as the one before it is told when it still fails so long after it has opened. */
const lastsMs = 30_000;

/** How often that is looked at. */
const heldEveryMs = 5000;

/** Tells people: turns events into alerts, and sends each to the targets that it concerns. */
export class Alerts {
  readonly #parts: AlertsParts;
  readonly #targets = new Map<string, Target>();
  readonly #writer: AlertsWriter | null;
  /** Keys of what this process has reported. */
  readonly #seen = new Set<string>();
  readonly #startedAt: number;
  #settling: readonly Timer[] = [];
  #heldTimer: Timer | null = null;
  #spec: AlertsSpec;
  #kept: AlertsContent;

  constructor(spec: AlertsSpec, parts: AlertsParts) {
    this.#parts = parts;
    this.#spec = spec;
    this.#kept = parts.storage?.read() ?? { targets: {} };
    this.#writer = parts.storage === null ? null : new AlertsWriter(parts.storage, () => this.#content());
    this.#startedAt = parts.clock.wallTime();
    this.use(spec);
    if (parts.isStart && Object.keys(this.#kept.targets).length > 0) this.#settleLater();
    this.#watchHeld();
  }

  #settleLater(): void {
    const { clock } = this.#parts;
    const byTime = Map.groupBy(alertKinds, (kind) => settledAfterMs[kind]);
    this.#settling = [...byTime].flatMap(([ms, kinds]) =>
      ms === null
        ? []
        : clock.schedule(after(clock.now(), ms), (alerts: Alerts) => alerts.#settle(kinds), this as Alerts),
    );
  }

  #settle(kinds: readonly AlertKind[]): void {
    const time = { startedAt: this.#startedAt, now: this.#parts.clock.wallTime() };
    for (const target of this.#targets.values())
      for (const end of endsAfterRestart(target.ledger.open, this.#seen, kinds, time))
        this.#carryOut(this.#decide(end, target), target, { at: end.at, holdMs: 0, from: 0 });
    this.#writer?.changed();
  }

  /** Targets with the same name go on with what waits for them. */
  use(spec: AlertsSpec): void {
    this.#spec = spec;
    for (const [id, { queue }] of this.#targets) {
      if (spec.targets.some((target) => target.id === id)) continue;
      queue.close();
      this.#targets.delete(id);
    }
    for (const target of spec.targets) this.#useTarget(target);
    this.#writer?.changed();
  }

  #useTarget(target: AlertTargetSpec): void {
    const known = this.#targets.get(target.id);
    const channel = this.#parts.channelOf(target.channel);
    if (known !== undefined) return known.queue.use(target, channel);
    const { clock, random, events } = this.#parts;
    const kept = this.#kept.targets[target.id];
    const parts = {
      ...{ clock, random, events },
      linkOf: (alert: Alert) => dashboardLink(this.#spec.link, alert),
      onChange: () => this.#writer?.changed(),
    };
    this.#targets.set(target.id, {
      ledger: new AlertLedger(new Map(Object.entries(kept?.open ?? {}))),
      queue: new AlertQueue(target, channel, parts, kept?.queue ?? []),
    });
  }

  onEvent(event: Event): void {
    if (event.kind === 'incident_examined') return this.#onExamined(event.evidence.key, event.evidence.findings);
    if (event.kind === 'clock_changed')
      for (const { ledger, queue } of this.#targets.values()) {
        ledger.clockChanged(event.evidence.movedMs);
        queue.clockChanged(event.evidence.movedMs);
      }
    if (event.kind === 'incident_muted') return this.#onMuted(event.evidence);
    const alert = alertOfEvent(event, { deployment: this.#parts.deployment() });
    if (alert === null) return;
    if (this.#settling.length > 0) this.#seen.add(alert.key);
    const holdMs = event.kind === 'incident_opened' ? detailsWaitMs : 0;
    const mutedUntil = mutedUntilOf(event);
    for (const target of this.#targets.values()) {
      const isCorrection = event.kind === 'incident_corrected' && !target.ledger.hasReported(alert.key);
      const meant = isCorrection ? this.#uncorrected(alert, event) : alert;
      this.#carryOut(this.#decide(meant, target), target, { at: alert.at, holdMs, from: mutedUntil });
    }
    this.#watchHeld();
    this.#writer?.changed();
  }

  /** Who was not told that an incident opened is told that, with its present cause, and no correction. */
  #uncorrected(corrected: Alert, { evidence, reason }: Extract<Event, { kind: 'incident_corrected' }>): Alert {
    const now = this.#parts.incidentOf(evidence.key);
    const text = now?.reason ?? evidence.suspects[0]?.sentence ?? reason;
    const opened = openedAlert(evidence, text, corrected);
    return { ...opened, evidence: [...opened.evidence, ...(now?.findings ?? [])] };
  }

  #watchHeld(): void {
    if (this.#heldTimer !== null || [...this.#targets.values()].every(({ ledger }) => ledger.held.length === 0)) return;
    const { clock } = this.#parts;
    const look = (alerts: Alerts): void => alerts.#tellWhatLasts();
    this.#heldTimer = clock.schedule(after(clock.now(), heldEveryMs), look, this as Alerts);
  }

  #tellWhatLasts(): void {
    this.#heldTimer = null;
    for (const target of this.#targets.values())
      for (const key of target.ledger.held) {
        const now = this.#parts.incidentOf(key.replace(/^incident:/, ''));
        if (now !== null && now.lastAt >= now.openedAt + lastsMs) this.#tellHeld(now, target);
      }
    this.#watchHeld();
    this.#writer?.changed();
  }

  #tellHeld({ facts, reason, subject, findings }: PresentIncident, target: Target): void {
    const { clock, deployment, member } = this.#parts;
    const at = clock.wallTime();
    const origin = { id: `${facts.key}-lasts`, at, deployment: deployment(), member, subject };
    const alert = openedAlert(facts, reason, origin);
    const complete = { ...alert, evidence: [...alert.evidence, ...findings] };
    const decision = target.ledger.lasts(complete, { target: target.queue.target });
    const from = facts.mutedUntil === undefined ? 0 : Date.parse(facts.mutedUntil);
    this.#carryOut(decision, target, { at, holdMs: 0, from });
  }

  #decide(alert: Alert, { ledger, queue }: Target): LedgerDecision {
    return ledger.decide(alert, { target: queue.target, grownEveryMs: this.#spec.grownEveryMs });
  }

  /** `at`: of the event. `from`: not before this wall time, however bad it becomes. */
  #carryOut(
    decision: LedgerDecision,
    { queue }: Target,
    { at, holdMs, from }: { readonly at: number; readonly holdMs: number; readonly from: number },
  ): void {
    if (decision.withdraws !== undefined) queue.withdraw(decision.withdraws);
    if (decision.before !== undefined) queue.add(decision.before, at);
    if (decision.send) queue.add(decision.alert, Math.max(from, decision.dueAt + holdMs));
  }

  /** What waits to be sent about an incident is held until the mute ends, so that a target learns then what it has missed; or no longer. */
  #onMuted({ key: incident, until }: Extract<Event, { kind: 'incident_muted' }>['evidence']): void {
    const dueAt = until === null ? this.#parts.clock.wallTime() : Date.parse(until);
    const key = `incident:${incident}`;
    for (const { ledger, queue } of this.#targets.values()) queue.hold(ledger.open.get(key)?.as ?? key, dueAt);
  }

  #onExamined(incident: string, findings: readonly string[]): void {
    const complete = (alert: Alert): Alert => ({ ...alert, evidence: [...alert.evidence, ...findings] });
    for (const { queue } of this.#targets.values()) queue.complete(`incident:${incident}`, complete);
  }

  get status(): readonly AlertTargetStatus[] {
    return [...this.#targets.values()].map(({ queue }) => queue.status);
  }

  /** Sends a test to one target, or to all, past their queues; what waits follows where a test was accepted. Null: there is no such target. */
  async test(id: string | null): Promise<readonly AlertTestResult[] | null> {
    const targets = [...this.#targets.values()].filter(({ queue }) => id === null || queue.target.id === id);
    if (id !== null && targets.length === 0) return null;
    return Promise.all(targets.map(({ queue }) => this.#test(queue)));
  }

  async #test(queue: AlertQueue): Promise<AlertTestResult> {
    const { target, channel } = queue;
    const { clock } = this.#parts;
    const startedAt = clock.now();
    const alert = this.#testAlert();
    const message = { alert, link: dashboardLink(this.#spec.link, alert) };
    const result = await sendWithin(channel, message, target.channel, clock, new AbortController());
    if (result.ok) queue.noteTest();
    return {
      target: target.id,
      type: target.channel.type,
      destination: channel.destination,
      ok: result.ok,
      reason: result.reason,
      nextStep: result.ok ? null : result.nextStep,
      exchange: result.exchange,
      tookMs: Math.round(clock.now() - startedAt),
    };
  }

  #testAlert(): Alert {
    const { clock, deployment, member } = this.#parts;
    const at = clock.wallTime();
    return {
      ...{
        id: `test-${at}`,
        key: `test:${at}`,
        about: `test:${at}`,
        upstreams: [],
        kind: 'test',
        change: 'opened',
        severity: 'info',
        at,
      },
      ...{ deployment: deployment(), member, subject: 'gateway', upstream: null, routes: [] },
      title: 'this is a test',
      text: '`candor alert test` has sent this message. Nothing is wrong.',
      evidence: [],
      nextStep: null,
      incident: null,
      steps: [],
    };
  }

  #content(): AlertsContent {
    const targets = [...this.#targets].map(([id, { ledger, queue }]) => [
      id,
      { open: Object.fromEntries(ledger.open), queue: queue.waiting },
    ]);
    return { targets: Object.fromEntries(targets) as AlertsContent['targets'] };
  }

  /** Resolves when what waits is on the disk. */
  async close(): Promise<void> {
    for (const timer of this.#settling) timer.cancel();
    this.#heldTimer?.cancel();
    for (const { queue } of this.#targets.values()) queue.close();
    await this.#writer?.close();
  }
}

/** A muted incident is told of again when its mute ends; its end is told at once. 0: it is not muted. */
function mutedUntilOf({ kind, evidence }: Event): number {
  const { mutedUntil } = evidence as Partial<IncidentFacts>;
  return kind === 'incident_resolved' || mutedUntil === undefined ? 0 : Date.parse(mutedUntil);
}

/** To the incident, or to the first page. */
export function dashboardLink(
  base: string | null,
  { incident, kind, routes }: Pick<Alert, 'incident' | 'kind' | 'routes'>,
): string | null {
  if (base === null) return null;
  const [route] = kind === 'slo' ? routes : [];
  const own = route === undefined ? 'now' : `routes/${encodeURIComponent(route)}`;
  return `${base.replace(/\/+$/, '')}/#/${incident === null ? own : `incidents/${incident}`}`;
}
