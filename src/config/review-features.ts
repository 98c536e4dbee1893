import type { Written } from '../features/feature-keys.ts';
import { featuresOfFile } from '../features/keys.ts';
import { orList, quoted } from '../schema/error-detail.ts';
import type { Path } from '../schema/findings.ts';
import type { Draft } from './draft.ts';
import type { ErrorCollector } from './error-collector.ts';

/** Half of what the shared memory has room for: during a reload those of two configurations are counted. */
export const sharedMax = 256;

/** What is wrong with features, or without effect, beside other settings. */
export function reviewFeatures(draft: Draft, collector: ErrorCollector): void {
  const written = writtenScopes(draft);
  for (const { review } of featuresOfFile) review?.(written, collector);
  reviewShared(written, collector);
}

function writtenScopes({ routes, upstreams, applications }: Draft): Written<object, object> {
  return {
    upstreams: [
      ...[...upstreams].flatMap(([name, read]) =>
        'endpoints' in read ? [{ path: ['upstreams', name], name, read }] : [],
      ),
      ...[...applications].map(([name, read]) => ({ path: ['applications', name], name, read })),
    ],
    routes: [...routes].map(([at, read]) => ({ path: ['routes', at], to: read.to ?? null, read })),
  };
}

/** The gateway counts so many scopes in memory that all workers share. */
function reviewShared(written: Written<object, object>, collector: ErrorCollector): void {
  const counted: { readonly key: string; readonly path: Path }[] = [];
  for (const { sharedBy: key, ofRoute, ofUpstream } of featuresOfFile) {
    if (key === undefined) continue;
    for (const { path, read } of written.upstreams) if (ofUpstream?.(read) != null) counted.push({ key, path });
    for (const { path, read } of written.routes) if (ofRoute?.(read) != null) counted.push({ key, path });
  }
  const first = counted[sharedMax];
  if (first === undefined) return;
  const keys = [...new Set(counted.map(({ key }) => key))].toSorted((one, other) => other.localeCompare(one));
  collector.errorAtKey(
    [...first.path, first.key],
    `${counted.length} routes and upstreams have ${orList(keys.map(quoted))}, and the gateway counts ${sharedMax}`,
    'bound upstreams, and only those routes that need less than their upstream',
  );
}
