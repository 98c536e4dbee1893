import type { Filter } from '../core/filter.ts';
import { hostOf } from '../wire/host.ts';

/**
 * Tells browsers to use TLS alone for this host (RFC 6797). `secondsOf` returns for how long the listener wants it for a host of its
 * certificates; null: it does not. Only within our own TLS: in clear text the header has no meaning (§7.2), and behind a proxy that ends TLS it is the proxy's to decide.
 */
export function hstsFilter(secondsOf: (listener: string, host: string) => number | null): Filter {
  return {
    name: 'hsts',
    stage: 'https',
    onResponseHead({ client, request }, head) {
      const seconds = client.tls === null ? null : secondsOf(client.listener, hostOf(request.authority));
      if (seconds !== null && head.get('Strict-Transport-Security') === null)
        head.set('Strict-Transport-Security', `max-age=${seconds}`);
    },
  };
}
