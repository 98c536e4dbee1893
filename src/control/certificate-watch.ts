import type { Configuration } from '../core/configuration.ts';
import type { ListenerCertificate } from '../core/listener-spec.ts';
import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Timer } from '../core/time.ts';

const dayMs = 86_400_000;
const lookEveryMs = 3_600_000;

/** Days before the end at which an event says so. At 0 the certificate has expired. */
const warnDays = [21, 7, 1, 0] as const;

/** The step of a certificate that is not valid yet. */
const notYetValid = -1;

/** A certificate of a listener or of the admin API, or one that an endpoint has shown. */
export interface WatchedCertificate {
  /** 'listener:https', 'admin', 'endpoint:app/10.0.0.1:443' */
  readonly subject: string;
  readonly names: readonly string[];
  /** In milliseconds since the Unix epoch; without it, `notBefore` is not judged. */
  readonly notBefore?: number;
  readonly notAfter: number;
}

/** Those that this gateway shows: at its listeners, and at the address of its admin API. */
export function ownCertificates({
  listeners,
  admin,
}: Pick<Configuration, 'listeners' | 'admin'>): readonly WatchedCertificate[] {
  const ofListeners = listeners.flatMap(({ id, tls }) =>
    (tls?.certificates ?? []).map((certificate) => watched(`listener:${id}`, certificate)),
  );
  return admin.tls === undefined ? ofListeners : [...ofListeners, watched('admin', admin.tls.certificate)];
}

function watched(subject: string, { names, notAfter, facts }: ListenerCertificate): WatchedCertificate {
  return { subject, names, notAfter, ...(facts === undefined ? {} : { notBefore: facts.notBefore }) };
}

/** Reports certificates that are about to expire, each step once. */
export class CertificateWatch {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #certificates: () => readonly WatchedCertificate[];
  /** The step at the last look, by subject, name and end. Infinity: it was far from its end. */
  #known = new Map<string, number>();
  #timer: Timer | null = null;

  constructor(clock: Clock, events: EventSink, certificates: () => readonly WatchedCertificate[]) {
    this.#clock = clock;
    this.#events = events;
    this.#certificates = certificates;
  }

  /** Looks now, at each next step, and at least each hour, as the wall clock may jump. Also to be called after a reload. */
  look(): void {
    this.#timer?.cancel();
    const known = new Map<string, number>();
    const wallTime = this.#clock.wallTime();
    let nextMs = lookEveryMs;
    for (const certificate of this.#certificates()) {
      const { subject, names, notAfter, notBefore = 0 } = certificate;
      const key = `${subject} ${names.join()} ${notAfter}`;
      const step = notBefore > wallTime ? notYetValid : this.#stepOf(notAfter);
      known.set(key, step);
      const before = this.#known.get(key) ?? null;
      if (step === notYetValid) {
        if (before !== notYetValid) this.#emitEarly(certificate, notBefore, wallTime);
      } else if (step < (before === null || before === notYetValid ? Infinity : before))
        this.#emit(certificate, before);
      for (const at of [notBefore, ...warnDays.map((days) => notAfter - days * dayMs)])
        if (at > wallTime) nextMs = Math.min(nextMs, at - wallTime);
    }
    this.#reportReplaced(known);
    this.#known = known;
    const again = (watch: CertificateWatch): void => watch.look();
    this.#timer = this.#clock.schedule(after(this.#clock.now(), nextMs), again, this as CertificateWatch);
  }

  close(): void {
    this.#timer?.cancel();
  }

  /** Those that were about to expire, or had, and in whose stead another one is far from its end. */
  #reportReplaced(known: ReadonlyMap<string, number>): void {
    for (const { subject, names, notAfter } of this.#certificates()) {
      const of = `${subject} ${names.join()} `;
      if (known.get(`${of}${notAfter}`) !== Infinity || this.#known.has(`${of}${notAfter}`)) continue;
      const wasDue = [...this.#known].some(([key, step]) => key.startsWith(of) && !known.has(key) && step < Infinity);
      if (!wasDue) continue;
      const day = new Date(notAfter).toISOString().slice(0, 10);
      this.#events.emit({
        kind: 'certificate_expiring',
        subject,
        ...{ from: 'expiring', to: 'valid' },
        reason: `the certificate for ${names[0] ?? 'no name'} was replaced by one that is valid until ${day}`,
        evidence: {
          names,
          notAfter: new Date(notAfter).toISOString(),
          daysLeft: Math.floor((notAfter - this.#clock.wallTime()) / dayMs),
        },
      });
    }
  }

  #stepOf(notAfter: number): number {
    const left = (notAfter - this.#clock.wallTime()) / dayMs;
    return warnDays.findLast((days) => left <= days) ?? Infinity;
  }

  #emitEarly({ subject, names, notAfter }: WatchedCertificate, notBefore: number, wallTime: number): void {
    const [from, now] = [new Date(notBefore).toISOString(), new Date(wallTime).toISOString()];
    const what = `the certificate for ${names[0] ?? 'no name'} is valid from ${from} on, and the clock of this machine says ${now}`;
    this.#events.emit({
      kind: 'certificate_not_yet_valid',
      subject,
      to: 'not_yet_valid',
      reason: `${what}: clients refuse it until then; wait, or correct the clock`,
      evidence: { names, notBefore: from, notAfter: new Date(notAfter).toISOString() },
    });
  }

  /** `before`: the step at the last look; null: there was none. */
  #emit({ subject, names, notAfter }: WatchedCertificate, before: number | null): void {
    const leftMs = notAfter - this.#clock.wallTime();
    const day = new Date(notAfter).toISOString().slice(0, 10);
    const isOurs = !subject.startsWith('endpoint:');
    const whose = `the certificate ${isOurs ? '' : 'of the endpoint '}for ${names[0] ?? 'no name'}`;
    const remedy = isOurs ? 'replace its files and reload' : 'renew it there';
    const refused = isOurs ? 'clients refuse it' : 'connections to it fail unless `verify` is false';
    this.#events.emit({
      kind: 'certificate_expiring',
      subject,
      from:
        before === null ? null : before === notYetValid ? 'not_yet_valid' : before === Infinity ? 'valid' : 'expiring',
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
