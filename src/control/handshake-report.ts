import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { tlsAlertName, tlsAlertOf } from '../core/tls-codes.ts';
import type { FailedHandshakes, HandshakeFailureReason } from '../core/tls-server.ts';
import { type CurrentListeners, ListenerTotals } from './listener-totals.ts';

/** A flood of failed handshakes is one event, not thousands. */
const reportEveryMs = 10_000;

/** Different failures that are waited for; a listener has as many as there are reasons. */
const kindsMax = 512;

/** Completes "a client's TLS handshake failed: …". */
const texts: Readonly<Record<HandshakeFailureReason, string>> = {
  no_shared_version: 'it speaks only versions of TLS that the listener does not accept (tls.version_min)',
  no_shared_cipher: 'it has no cipher suite or key type in common with the listener (tls.profile)',
  no_shared_protocol: 'it speaks only protocols that the gateway does not (ALPN)',
  unknown_name: 'no certificate has the host name that it asked for',
  no_certificate_yet: 'there is no certificate yet',
  certificate_refused: 'it does not accept the certificate',
  client_certificate_missing: 'it showed no client certificate',
  client_certificate_invalid: 'its client certificate is not valid',
  alert: 'it broke the handshake off',
  closed: 'it closed the connection during the handshake',
  timeout: 'it did not complete the handshake in time (client.head_timeout)',
  unusable_certificate: 'OpenSSL does not accept the certificate or its key: check the files, and reload',
  limit:
    'its address began so many that it would have had to wait for too long (client.tls_handshake_rate_max), or too many were in progress',
  garbage: 'what it sent is no valid handshake',
};

interface Pending {
  count: number;
  last: FailedHandshakes;
  nextAt: Instant;
}

/** Counts failed TLS handshakes, and reports each kind: at once, then every ten seconds while it lasts. */
export class HandshakeReport {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #stateOf: (host: string) => string;
  readonly #pending = new Map<string, Pending>();
  readonly #totals: ListenerTotals<FailedHandshakeTotal>;

  /** `stateOf`: why a host has no certificate yet, a clause. */
  constructor(clock: Clock, events: EventSink, stateOf: (host: string) => string, listeners: CurrentListeners) {
    this.#totals = new ListenerTotals(clock, ({ reason }) => reason, listeners);
    this.#stateOf = stateOf;
    this.#clock = clock;
    this.#events = events;
  }

  /** Since the start, by listener and reason. */
  get totals(): readonly FailedHandshakeTotal[] {
    return this.#totals.all;
  }

  /** Also called without failures, because those that wait may be due. */
  note(failures: readonly FailedHandshakes[]): void {
    this.#totals.add(failures.map(({ listener, reason, count }) => ({ listener, reason, count })));
    for (const failure of failures) this.#add(failure);
    if (this.#pending.size === 0) return;
    const now = this.#clock.now();
    for (const [kind, pending] of this.#pending) {
      if (now < pending.nextAt) continue;
      if (pending.count === 0) this.#pending.delete(kind);
      else this.#emit(pending, now);
    }
  }

  #add(failure: FailedHandshakes): void {
    const { listener, reason, code, count } = failure;
    const kind = `${listener} ${reason} ${code}`;
    const pending = this.#pending.get(kind);
    if (pending !== undefined) {
      pending.count += count;
      pending.last = failure;
    } else if (this.#pending.size < kindsMax)
      this.#pending.set(kind, { count, last: failure, nextAt: this.#clock.now() });
  }

  #emit(pending: Pending, now: Instant): void {
    const { count, last } = pending;
    const { listener, reason, code, address, serverName } = last;
    pending.count = 0;
    pending.nextAt = after(now, reportEveryMs);
    const client = `${address}${serverName === null ? '' : ` for ${serverName}`}`;
    const what =
      count === 1 ? `the TLS handshake of ${client} failed` : `${count} TLS handshakes failed, the last of ${client}`;
    this.#events.emit({
      kind: 'tls_handshakes_failed',
      subject: `listener:${listener}`,
      reason: `${what}: ${this.#textOf(last)}${detailOf(code)}`,
      evidence: { reason, code: code === '' ? null : code, count, address, serverName },
    });
  }

  #textOf({ reason, serverName }: FailedHandshakes): string {
    if (reason !== 'no_certificate_yet' || serverName === null) return texts[reason];
    return `no certificate yet: ${this.#stateOf(serverName)}`;
  }
}

export interface FailedHandshakeTotal {
  readonly listener: string;
  readonly reason: HandshakeFailureReason;
  readonly count: number;
}

function detailOf(code: string): string {
  if (code === '') return '';
  const alert = tlsAlertOf(code);
  if (alert === null) return ` (${code})`;
  return ` (it sent the alert ${tlsAlertName(alert) ?? alert})`;
}
