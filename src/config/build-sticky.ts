import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { StickySpec, UpstreamSpec } from '../core/upstream-spec.ts';
import type { BuildContext } from './build-context.ts';
import { defaults } from './defaults.ts';
import type { EndpointKeysRead } from './application-schema.ts';

export function buildSticky(
  upstream: string,
  read: EndpointKeysRead['sticky'],
  context: BuildContext,
): Pick<UpstreamSpec, 'sticky'> {
  if (read === undefined || read === false) return {};
  const { name, lifetime, path, domain, secure, http_only, same_site, draining, key_file } = read === true ? {} : read;
  const reading = key_file === undefined ? undefined : context.readings.get(resolve(context.directory, key_file));
  const sticky: StickySpec = {
    cookie: name ?? cookieNameOf(upstream),
    path: path ?? defaults.sticky.path.written,
    domain: domain ?? null,
    cookieLifetimeMs: lifetime === undefined || lifetime === 'session' ? null : lifetime,
    secure: secure ?? 'auto',
    httpOnly: http_only ?? true,
    sameSite: same_site ?? 'lax',
    keepsDraining: draining === 'keep',
    key: reading?.ok === true ? reading.text.trim() : null,
  };
  return { sticky };
}

/** Each upstream has its own, and names of upstreams are nobody else's business. */
function cookieNameOf(upstream: string): string {
  return `candor_${createHash('sha256').update(upstream).digest('hex').slice(0, 8)}`;
}
