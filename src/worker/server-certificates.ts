import type { EndpointCertificate } from '../core/tls-server.ts';
import type { ServerCertificate } from '../core/transport.ts';

/** Endpoints that are remembered: more than an upstream has. */
const endpointsMax = 10_000;

/** The certificates that endpoints have shown this worker. Each is reported to the main thread when it is another one than before. */
export class ServerCertificates {
  /** When the last certificate of each endpoint expires. */
  readonly #last = new Map<string, number>();
  #changed: EndpointCertificate[] = [];

  note(endpoint: string, certificate: ServerCertificate): void {
    if (this.#last.get(endpoint) === certificate.notAfter) return;
    // Endpoints come and go with the answers of name servers.
    if (this.#last.size >= endpointsMax) this.#last.clear();
    this.#last.set(endpoint, certificate.notAfter);
    this.#changed.push({ endpoint, certificate });
  }

  /** Those since the last call. */
  take(): readonly EndpointCertificate[] {
    if (this.#changed.length === 0) return this.#changed;
    const taken = this.#changed;
    this.#changed = [];
    return taken;
  }
}
