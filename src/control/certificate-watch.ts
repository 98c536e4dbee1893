import type { ListenerSpec } from '../core/configuration.ts';
import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Timer } from '../core/time.ts';

const dayMs = 86_400_000;
const lookEveryMs = 3_600_000;

/** Days before the end at which an event says so. At 0 the certificate has expired. */
const warnDays = [21, 7, 1, 0] as const;

/** Reports certificates of listeners that are about to expire, each step once. */
export class CertificateWatch {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #listeners: () => readonly ListenerSpec[];
  /** The last step that was reported, by listener, name and end. */
  #reported = new Map<string, number>();
  #timer: Timer | null = null;

  constructor(clock: Clock, events: EventSink, listeners: () => readonly ListenerSpec[]) {
    this.#clock = clock;
    this.#events = events;
    this.#listeners = listeners;
  }

  /** Looks now, and each hour from now on. Also to be called when the configuration has changed. */
  look(): void {
    this.#timer?.cancel();
    const reported = new Map<string, number>();
    for (const { id, tls } of this.#listeners()) {
      for (const { names, notAfter } of tls?.certificates ?? []) {
        const key = `${id} ${names.join()} ${notAfter}`;
        const step = this.#stepOf(notAfter);
        if (step === null) continue;
        reported.set(key, step);
        if (step < (this.#reported.get(key) ?? Infinity)) this.#emit(id, names, notAfter);
      }
    }
    this.#reported = reported;
    const again = (watch: CertificateWatch): void => watch.look();
    this.#timer = this.#clock.schedule(after(this.#clock.now(), lookEveryMs), again, this as CertificateWatch);
  }

  close(): void {
    this.#timer?.cancel();
  }

  #stepOf(notAfter: number): number | null {
    const left = (notAfter - this.#clock.wallTime()) / dayMs;
    return warnDays.findLast((days) => left <= days) ?? null;
  }

  #emit(listener: string, names: readonly string[], notAfter: number): void {
    const leftMs = notAfter - this.#clock.wallTime();
    const day = new Date(notAfter).toISOString().slice(0, 10);
    const subject = names[0] ?? 'without a name';
    this.#events.emit({
      kind: 'certificate_expiring',
      subject: `listener:${listener}`,
      to: leftMs > 0 ? 'expiring' : 'expired',
      reason:
        leftMs > 0
          ? `the certificate for ${subject} expires ${inTime(leftMs)}, on ${day}: replace its files and reload`
          : `the certificate for ${subject} has expired on ${day}: clients refuse it; replace its files and reload`,
      evidence: {
        names,
        notAfter: new Date(notAfter).toISOString(),
        daysLeft: Math.max(0, Math.floor(leftMs / dayMs)),
      },
    });
  }
}

function inTime(ms: number): string {
  const days = Math.floor(ms / dayMs);
  return days >= 1 ? `in ${days} ${days === 1 ? 'day' : 'days'}` : 'within a day';
}
