import type { Configuration } from '../core/configuration.ts';
import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Timer } from '../core/time.ts';

const dayMs = 86_400_000;
const lookEveryMs = 3_600_000;

/** Days before the end at which an event says so. At 0 the certificate has expired. */
const warnDays = [21, 7, 1, 0] as const;

/** A certificate of a listener or of the admin API, or one that an endpoint has shown. */
export interface WatchedCertificate {
  /** 'listener:https', 'admin', 'endpoint:app/10.0.0.1:443' */
  readonly subject: string;
  readonly names: readonly string[];
  /** In milliseconds since the Unix epoch. */
  readonly notAfter: number;
}

/** Those that this gateway shows: at its listeners, and at the address of its admin API. */
export function ownCertificates({
  listeners,
  admin,
}: Pick<Configuration, 'listeners' | 'admin'>): readonly WatchedCertificate[] {
  const ofListeners = listeners.flatMap(({ id, tls }) =>
    (tls?.certificates ?? []).map(({ names, notAfter }) => ({ subject: `listener:${id}`, names, notAfter })),
  );
  if (admin.tls === undefined) return ofListeners;
  const { names, notAfter } = admin.tls.certificate;
  return [...ofListeners, { subject: 'admin', names, notAfter }];
}

/** Reports certificates that are about to expire, each step once. */
export class CertificateWatch {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #certificates: () => readonly WatchedCertificate[];
  /** The last step that was reported, by subject, name and end. */
  #reported = new Map<string, number>();
  #timer: Timer | null = null;

  constructor(clock: Clock, events: EventSink, certificates: () => readonly WatchedCertificate[]) {
    this.#clock = clock;
    this.#events = events;
    this.#certificates = certificates;
  }

  /** Looks now, and each hour from now on. Also to be called when the configuration has changed. */
  look(): void {
    this.#timer?.cancel();
    const reported = new Map<string, number>();
    for (const certificate of this.#certificates()) {
      const { subject, names, notAfter } = certificate;
      const key = `${subject} ${names.join()} ${notAfter}`;
      const step = this.#stepOf(notAfter);
      if (step === null) continue;
      reported.set(key, step);
      if (step < (this.#reported.get(key) ?? Infinity)) this.#emit(certificate);
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

  #emit({ subject, names, notAfter }: WatchedCertificate): void {
    const leftMs = notAfter - this.#clock.wallTime();
    const day = new Date(notAfter).toISOString().slice(0, 10);
    const isOurs = !subject.startsWith('endpoint:');
    const whose = `the certificate ${isOurs ? '' : 'of the endpoint '}for ${names[0] ?? 'no name'}`;
    const remedy = isOurs ? 'replace its files and reload' : 'renew it there';
    const refused = isOurs ? 'clients refuse it' : 'connections to it fail unless `verify` is false';
    this.#events.emit({
      kind: 'certificate_expiring',
      subject,
      to: leftMs > 0 ? 'expiring' : 'expired',
      reason:
        leftMs > 0
          ? `${whose} expires ${inTime(leftMs)}, on ${day}: ${remedy}`
          : `${whose} has expired on ${day}: ${refused}; ${remedy}`,
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
