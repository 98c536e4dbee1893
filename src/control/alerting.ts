import { hostname } from 'node:os';
import type { Alerts } from '../alerts/alerts.ts';
import type { AlertsSpec } from '../core/alert.ts';
import type { AlertTargetStatus, AlertTestResult } from '../core/schemas/alerts.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Event, PresentIncident } from '../core/event.ts';
import type { Random } from '../core/random.ts';
import type { Clock } from '../core/time.ts';
import type { EventHub } from '../record/event-hub.ts';
import type { StatusProblem } from '../core/schemas/status.ts';
import { version } from './status.ts';

interface AlertingParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventHub;
  readonly deployment: () => string;
  readonly member: string;
  readonly incidentOf: (key: string) => PresentIncident | null;
  /** While a predecessor runs, its file is its own: what it leaves is read when it has ended. */
  readonly predecessorEnded: Promise<void> | null;
}

/** A predecessor may take its time. */
const earlyMax = 1000;

/** Tells people of events, if the configuration has targets. What sends messages is loaded only then. */
export class Alerting {
  readonly #parts: AlertingParts;
  #alerts: Alerts | null = null;
  #unsubscribe: (() => void) | null = null;
  /** Configurations are applied one after the other. */
  #step: Promise<void> = Promise.resolve();
  #isClosed = false;
  /** Until the first configuration is applied. */
  #isStart = true;

  constructor(parts: AlertingParts) {
    this.#parts = parts;
  }

  /** Events from now on are for these targets; those that come while they are loaded, too. */
  use(configuration: Pick<Configuration, 'alerts' | 'stateFolder'>): Promise<void> {
    this.#step = this.#step.then(() => this.#use(configuration));
    return this.#step;
  }

  async #use({ alerts: spec, stateFolder }: Pick<Configuration, 'alerts' | 'stateFolder'>): Promise<void> {
    if (this.#isClosed) return;
    const isStart = this.#isStart;
    this.#isStart = false;
    if (spec === undefined) return this.#end();
    if (this.#alerts !== null) return this.#alerts.use(spec);
    await this.#start(spec, stateFolder, isStart);
  }

  async #start(spec: AlertsSpec, stateFolder: string | null, isStart: boolean): Promise<void> {
    const { clock, random, events, deployment, member, incidentOf, predecessorEnded } = this.#parts;
    const early: Event[] = [];
    let take = (event: Event): void => void (early.length < earlyMax && early.push(event));
    this.#unsubscribe = events.subscribe((event) => take(event));
    const [{ Alerts }, { AlertsFile }, { createChannel }] = await Promise.all([
      import('../alerts/alerts.ts'),
      import('../alerts/alerts-file.ts'),
      import('../alerts/create-channel.ts'),
    ]);
    await predecessorEnded;
    if (this.#isClosed) return;
    const context = { clock, userAgent: `Candor/${version}`, ownName: greetingName(hostname()) };
    const alerts = new Alerts(spec, {
      ...{ clock, random, events, deployment, member, incidentOf },
      channelOf: (channel) => createChannel(channel, context),
      isStart,
      storage: stateFolder === null ? null : new AlertsFile(stateFolder),
    });
    this.#alerts = alerts;
    take = (event) => alerts.onEvent(event);
    for (const event of early) take(event);
  }

  async #end(): Promise<void> {
    this.#unsubscribe?.();
    const alerts = this.#alerts;
    this.#alerts = null;
    await alerts?.close();
  }

  get status(): readonly AlertTargetStatus[] {
    return this.#alerts?.status ?? [];
  }

  /** Null: there is no such target, or none at all. */
  async test(target: string | null): Promise<readonly AlertTestResult[] | null> {
    const results = (await this.#alerts?.test(target)) ?? null;
    return results === null || results.length === 0 ? null : results;
  }

  /** Resolves when what waits is on the disk. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#end();
  }
}

/** Mail servers want a name that looks like one. */
function greetingName(name: string): string {
  return /^[a-z\d][a-z\d.-]*$/i.test(name) ? name : 'localhost';
}

/** Targets that do not accept what they are sent. */
export function alertProblems(targets: readonly AlertTargetStatus[], wallTime: number): readonly StatusProblem[] {
  return targets.flatMap(({ id, failure, queued }): readonly StatusProblem[] => {
    if (failure === null) return [];
    const waiting = queued === 0 ? '' : `; ${queued === 1 ? '1 message waits' : `${queued} messages wait`}`;
    const sinceS = Math.max(0, Math.round((wallTime - Date.parse(failure.since)) / 1000));
    const nextStep = `${failure.nextStep} \`candor alert test ${id}\` shows what is sent and what comes back.`.trim();
    return [
      { kind: 'alerts_failing', sinceS, reason: `Alerts do not reach ${id}: ${failure.reason}${waiting}.`, nextStep },
    ];
  });
}
