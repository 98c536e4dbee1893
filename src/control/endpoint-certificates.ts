import type { EndpointId } from '../core/endpoint.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import type { EndpointCertificate } from '../core/tls-server.ts';
import type { ServerCertificate } from '../core/transport.ts';
import type { WatchedCertificate } from './certificate-watch.ts';

/** The certificates that endpoints have shown: to requests in any worker, and to health checks. The latest one counts. */
export class EndpointCertificates {
  readonly #upstreams: () => readonly Pick<UpstreamSnapshot, 'tls' | 'endpoints'>[];
  #latest = new Map<string, ServerCertificate>();

  constructor(upstreams: () => readonly Pick<UpstreamSnapshot, 'tls' | 'endpoints'>[]) {
    this.#upstreams = upstreams;
  }

  note({ endpoint, certificate }: EndpointCertificate): void {
    this.#latest.set(endpoint, certificate);
  }

  /** Null: the endpoint has shown none since it is known. */
  of(endpoint: EndpointId): ServerCertificate | null {
    return this.#latest.get(endpoint) ?? null;
  }

  /** Those of the endpoints that there are now; the others are forgotten. */
  watched(): readonly WatchedCertificate[] {
    const current = new Map<string, ServerCertificate>();
    for (const { tls, endpoints } of this.#upstreams()) {
      for (const { id } of tls === null ? [] : endpoints) {
        const certificate = this.#latest.get(id);
        if (certificate !== undefined) current.set(id, certificate);
      }
    }
    this.#latest = current;
    return [...current].map(([id, { names, notAfter }]) => ({ subject: `endpoint:${id}`, names, notAfter }));
  }
}
