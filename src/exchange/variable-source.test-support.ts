import type { ClientFacts } from '../core/exchange.ts';
import type { TlsFacts } from '../core/transport.ts';
import type { VariableSource } from '../core/variables.ts';
import { hostOf } from '../wire/host.ts';
import { plainPath } from '../wire/plain-path.ts';

interface Seen {
  readonly authority?: string;
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: Readonly<Record<string, string>>;
  readonly captures?: Readonly<Record<string, string>>;
  readonly tls?: Partial<TlsFacts> | null;
}

/** A request as variables see it. */
export function variableSource({
  authority = 'example.org',
  target = '/',
  headers = {},
  cookies = {},
  captures = {},
  tls = null,
}: Seen): VariableSource {
  const client = { address: '203.0.113.7', port: 52114, scheme: tls === null ? 'http' : 'https', tls, listener: 'web' };
  return {
    ...{ id: '0190', method: 'GET', version: 'HTTP/1.1', route: 'shop', deployment: 'candor', startedWall: 0 },
    ...{ authority, target, host: hostOf(authority), path: plainPath(target).replace(/\?.*/s, '') },
    client: client as ClientFacts,
    header: (name) => headers[name] ?? null,
    cookie: (name) => cookies[name] ?? null,
    capture: (name) => captures[name] ?? null,
  };
}
