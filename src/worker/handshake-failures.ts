import type { FailedHandshakes } from '../core/tls-server.ts';
import type { FailedHandshake } from '../downstream/ports.ts';

/** Different failures that one report may have. Listeners, reasons and error codes are few; an attacker adds none. */
const kindsMax = 256;

/** Counts failed TLS handshakes between two reports to the main thread. */
export class HandshakeFailures {
  #counted = new Map<string, FailedHandshakes>();

  count({ listener, reason, code, address, serverName }: FailedHandshake): void {
    const kind = `${listener} ${reason} ${code}`;
    const counted = this.#counted.get(kind);
    if (counted === undefined && this.#counted.size >= kindsMax) return;
    this.#counted.set(kind, { listener, reason, code, address, serverName, count: (counted?.count ?? 0) + 1 });
  }

  /** Those since the last call. */
  take(): readonly FailedHandshakes[] {
    if (this.#counted.size === 0) return [];
    const taken = [...this.#counted.values()];
    this.#counted = new Map();
    return taken;
  }
}
