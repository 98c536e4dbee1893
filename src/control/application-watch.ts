import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { ApplicationStatus, InstanceStatus } from '../core/schemas/status.ts';
import { instancesText, servingText, replacementProgress } from './replacements.ts';

/** A program that ends once while it starts, and is ready the next time, needs nobody. */
const persistsMs = 10_000;

interface NotReady {
  readonly instance: InstanceStatus;
  /** Instances that serve meanwhile, of this or of the earlier configuration. */
  readonly serving: readonly InstanceStatus[];
  readonly since: Instant;
  /** How many of them served when it was reported; null: it has not been. */
  reported: number | null;
}

/**
 * Reports applications of which an instance that the configuration wants has never become ready, and fails again and again or starts for longer than
 * it may: a new release, or a first start. It is over when the instance is ready, or is no longer wanted. An instance that was ready
 * once and ends again and again is the matter of `CrashLoopWatch`.
 */
export class ApplicationWatch {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #applications: () => readonly ApplicationStatus[];
  /** Instances that have been ready, by id. */
  #wasReady = new Set<string>();
  #notReady = new Map<string, NotReady>();
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(clock: Clock, events: EventSink, applications: () => readonly ApplicationStatus[]) {
    this.#clock = clock;
    this.#events = events;
    this.#applications = applications;
  }

  /** To be called after each change of an instance, and of what is wanted. */
  look(): void {
    if (this.#isClosed) return;
    const applications = this.#applications();
    this.#noteReady(applications);
    const now = this.#clock.now();
    const found = new Map<string, NotReady>();
    for (const application of applications) {
      const instance = this.#neverReady(application);
      if (instance === null) continue;
      const known = this.#notReady.get(application.id);
      const serving = application.instances.filter(isServing);
      found.set(application.id, {
        ...{ instance, serving, since: known?.since ?? now, reported: known?.reported ?? null },
      });
    }
    for (const [id, known] of this.#notReady) {
      if (known.reported === null || found.has(id)) continue;
      const application = applications.find((one) => one.id === id);
      // What is wanted now starts, and nothing serves: the outage goes on.
      if (application !== undefined && isStartingAlone(application)) found.set(id, { ...known, serving: [] });
      else this.#reportEnd(id, known.instance, application);
    }
    this.#notReady = found;
    this.#reportDue(now);
  }

  /** The instances end because the gateway does. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #noteReady(applications: readonly ApplicationStatus[]): void {
    const instances = applications.flatMap((application) => application.instances);
    // The ids of those that are gone are not used again.
    this.#wasReady = new Set(
      instances.filter((one) => this.#wasReady.has(one.id) || isServing(one)).map(({ id }) => id),
    );
  }

  #neverReady({ instances }: ApplicationStatus): InstanceStatus | null {
    const isFailing = ({ phase, restarts, late }: InstanceStatus): boolean =>
      late || phase === 'backing_off' || (phase === 'starting' && restarts > 0);
    return instances.find((one) => !isEarlier(one) && isFailing(one) && !this.#wasReady.has(one.id)) ?? null;
  }

  #reportDue(now: Instant): void {
    this.#timer?.cancel();
    this.#timer = null;
    let dueAt = Infinity;
    for (const [id, one] of this.#notReady) {
      const isWorse = one.reported !== null && one.reported > 0 && one.serving.length === 0;
      if (one.reported !== null && !isWorse) continue;
      if (isWorse || one.instance.late || now - one.since >= persistsMs) this.#report(id, one);
      else dueAt = Math.min(dueAt, one.since + persistsMs);
    }
    const again = (watch: ApplicationWatch): void => watch.look();
    if (dueAt < Infinity) this.#timer = this.#clock.schedule(after(now, dueAt - now), again, this as ApplicationWatch);
  }

  #report(application: string, one: NotReady): void {
    const { instance, serving } = one;
    one.reported = serving.length;
    const { id, restarts, late } = instance;
    const why = instance.reason.replace(/\.$/, '');
    const what = late
      ? `the instance ${lateText(instance)}`
      : `the instance ${id} has not become ready, though it was started ${times(restarts + 1)}; ${why}`;
    const others = serving.length === 0 ? 'no other instance serves' : meanwhileText(serving);
    this.#events.emit({
      kind: 'application_not_ready',
      subject: `application:${application}`,
      to: 'failing',
      reason: `${what}; ${others}`,
      evidence: { application, instance: id, restarts, serving: serving.map((earlier) => earlier.id) },
    });
  }

  #reportEnd(id: string, { id: instance, restarts }: InstanceStatus, application: ApplicationStatus | undefined): void {
    const ready = application?.instances.find((one) => !isEarlier(one) && isServing(one));
    this.#events.emit({
      kind: 'application_not_ready',
      subject: `application:${id}`,
      from: 'failing',
      to: ready === undefined ? 'replaced' : 'ready',
      reason:
        ready === undefined ? `the instance ${instance} is no longer wanted` : `the instance ${ready.id} is ready`,
      evidence: { application: id, instance: ready?.id ?? instance, restarts, serving: [] },
    });
  }
}

/** Instances that are wanted are there, and none serves, not even an earlier one. */
function isStartingAlone({ instances }: ApplicationStatus): boolean {
  return instances.some((one) => !isEarlier(one) && one.phase !== 'stopped') && !instances.some(isServing);
}

function meanwhileText(serving: readonly InstanceStatus[]): string {
  return serving.every(isEarlier) ? servingText(serving) : instancesText(serving.map(({ id }) => id));
}

function times(count: number): string {
  return count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;
}

/** An instance that an earlier configuration has started, and that is to be replaced. */
function isEarlier({ earlierCommand }: InstanceStatus): boolean {
  return earlierCommand !== null;
}

/** `failing`: it was ready, and its checks fail now. */
function isServing({ phase }: InstanceStatus): boolean {
  return phase === 'ready' || phase === 'failing';
}

/** An instance that starts for longer than it may. */
interface LateStart {
  readonly application: string;
  readonly instance: string;
  /** One sentence. */
  readonly reason: string;
}

/**
 * Applications of which an instance is not ready in time, and no instance of an earlier configuration serves. Of one that ends meanwhile,
 * `CrashLoops` tells.
 */
export function lateStarts(applications: readonly ApplicationStatus[]): readonly LateStart[] {
  return applications.flatMap((application) => {
    const replacement = replacementProgress(application);
    if (replacement.state === 'done' || replacement.serving.length > 0) return [];
    const late = application.instances.find((one) => one.late);
    if (late === undefined) return [];
    const ready = application.instances.filter(({ phase }) => phase === 'ready').map(({ id }) => id);
    const none =
      application.of === undefined
        ? 'no other instance serves, and requests get a 503'
        : 'no other instance of it works';
    const meanwhile = ready.length > 0 ? instancesText(ready) : none;
    return [{ application: application.id, instance: late.id, reason: `${lateText(late)}; ${meanwhile}.` }];
  });
}

/** 'web/1 is not ready after 60 s: GET / on port 41213 answered 500': the reason of a late instance begins so. */
function lateText({ id, reason }: Pick<InstanceStatus, 'id' | 'reason'>): string {
  return `${id} is ${reason.replace(/\.$/, '')}`;
}
