import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { CrashLoop } from './crash-loops.ts';
import type { ApplicationStatus } from '../core/schemas/status.ts';

/** A loop ends when its instance has run long enough: no change of the instance says so. */
const lookAgainMs = 5_000;

/** Sources of `CrashLoopWatch`, which are read at each look. */
interface CrashLoopSources {
  readonly loops: () => readonly CrashLoop[];
  readonly applications: () => readonly ApplicationStatus[];
}

/**
 * Reports applications of which an instance that was ready ends again and again: before a request fails, and although none may ever fail since it
 * waits for the next start. Of instances that were never ready `ApplicationWatch` tells.
 */
export class CrashLoopWatch {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #sources: CrashLoopSources;
  /** Loops as they were last reported, by application. */
  readonly #reported = new Map<string, CrashLoop>();
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(clock: Clock, events: EventSink, sources: CrashLoopSources) {
    this.#clock = clock;
    this.#events = events;
    this.#sources = sources;
  }

  /** To be called after each change of an instance. */
  look(): void {
    if (this.#isClosed) return;
    const loops = this.#sources.loops().filter(({ wasReady }) => wasReady);
    for (const loop of loops) {
      const before = this.#reported.get(loop.application);
      const isWorse = before !== undefined && before.serving.length > 0 && loop.serving.length === 0;
      if (before !== undefined && !isWorse) continue;
      this.#reported.set(loop.application, loop);
      this.#report(loop);
    }
    for (const [application, loop] of this.#reported) {
      if (loops.some((one) => one.application === application)) continue;
      this.#reported.delete(application);
      this.#reportEnd(loop);
    }
    this.#lookAgain();
  }

  /** The instances end because the gateway does. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #lookAgain(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#reported.size === 0) return;
    const again = (watch: CrashLoopWatch): void => watch.look();
    this.#timer = this.#clock.schedule(after(this.#clock.now(), lookAgainMs), again, this as CrashLoopWatch);
  }

  #report({ application, instance, ends, serving, reason, nextStep }: CrashLoop): void {
    this.#events.emit({
      kind: 'application_crash_loop',
      subject: `application:${application}`,
      to: 'failing',
      reason: `the instance ${reason.replace(/\.$/, '')}`,
      evidence: { application, instance, ends, serving, fix: nextStep },
    });
  }

  #reportEnd({ application, instance }: CrashLoop): void {
    const found = this.#sources.applications().find(({ id }) => id === application);
    const isThere = found?.instances.some(({ id }) => id === instance) === true;
    this.#events.emit({
      kind: 'application_crash_loop',
      subject: `application:${application}`,
      from: 'failing',
      to: 'stable',
      reason: `the instance ${instance} ${isThere ? 'no longer ends again and again' : 'is no longer wanted'}`,
      evidence: { application, instance, ends: 0, serving: [], fix: null },
    });
  }
}
