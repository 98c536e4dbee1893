import { isIP } from 'node:net';
import type { SettingsBeside, Written } from '../features/feature-keys.ts';
import { featuresOfFile } from '../features/keys.ts';
import { ms } from '../schema/fallback.ts';
import { orList, quoted } from '../schema/error-detail.ts';
import type { Path } from '../schema/findings.ts';
import { answersRequests } from './build-application.ts';
import { isPublicHost } from '../schema/public-host.ts';
import { type Draft, isMap } from './draft.ts';
import { file as fileSchema } from './schema.ts';
import { listenAddressOf } from './review-addresses.ts';
import { defaults } from './defaults.ts';
import { matchOf } from './match.ts';
import { tlsOfListener } from './wanted-files.ts';
import type { ErrorCollector } from './error-collector.ts';
import { type RouteRead, targetsOf } from './route-schema.ts';

/** Half of what the shared memory has room for: during a reload those of two configurations are counted. */
const sharedMax = 256;

/** What is wrong with features, or without effect, beside other settings. */
export function reviewFeatures(draft: Draft, collector: ErrorCollector): void {
  const written = writtenScopes(draft);
  for (const { review } of featuresOfFile) review?.(written, collector);
  reviewShared(written, collector);
}

function writtenScopes(draft: Draft): Written<object, object, object> {
  const { routes, upstreams, applications, listeners, plain } = draft;
  return {
    file: { read: plain, beside: settingsBeside(draft, {}) },
    hasAllApplications: hasAllApplications(draft),
    listensWithTls: [...listeners.values()].some((one) => tlsOfListener(one) !== null),
    asksForCertificates: [...listeners.values()].some((one) => tlsOfListener(one)?.client_certificates !== undefined),
    isLocal: listeners.size > 0 && [...listeners.values()].every((one) => isLoopback(listenAddressOf(one).host)),
    targets: new Set([...upstreams.keys(), ...applications.keys()]),
    inClear: hostsInClear(draft),
    upstreams: [
      ...[...upstreams].flatMap(([name, read]) =>
        'endpoints' in read ? [{ path: ['upstreams', name], name, read }] : [],
      ),
      ...[...applications].map(([name, read]) => ({ path: ['applications', name], name, read })),
    ],
    applications: [...applications].map(([name, read]) => ({ path: ['applications', name], name, read })),
    routes: [...routes].map(([at, read]) => ({
      ...{ path: ['routes', at], to: targetsOf(read)[0] ?? null, read, match: matchOf(read) },
      beside: settingsBeside(draft, read),
    })),
  };
}

/** As `buildTls` decides. */
function hostsInClear({ upstreams }: Draft): ReadonlyMap<string, string> {
  return new Map(
    [...upstreams].flatMap(([name, read]) => {
      const { endpoints, tls } = 'endpoints' in read ? read : { endpoints: read, tls: undefined };
      if (tls === undefined ? endpoints.some(({ scheme }) => scheme === 'https') : tls !== false) return [];
      const hosts = endpoints.flatMap(({ address }) => (address.kind === 'unix' ? [] : [address.host]));
      const open = hosts.find(isPublicHost);
      return open === undefined ? [] : [[name, open] as const];
    }),
  );
}

/** An unknown key at the top may be `applications`, misspelled. */
function hasAllApplications({ raw, applications }: Draft): boolean {
  const { applications: written } = raw;
  if (written !== undefined) return isMap(written) && Object.keys(written).length === applications.size;
  return Object.keys(raw).every((key) => key.startsWith('x-') || Object.hasOwn(fileSchema.shape, key));
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function settingsBeside(draft: Draft, { to, commit_delay, timeouts }: Partial<RouteRead>): SettingsBeside {
  const { plain } = draft;
  return {
    commitDelayMs: commit_delay === undefined ? plain.commit_delay : commit_delay,
    exchangeMs: timeouts?.exchange === undefined ? plain.timeouts?.exchange : timeouts.exchange,
    responseHeadMs: timeouts?.response_head ?? ms(plain.timeouts?.response_head, defaults.timeouts.responseHead),
    hasOneEndpoint: hasOneEndpoint(draft, to === undefined ? null : targetsOf({ to })),
  };
}

/** `to`: null: every upstream and application. A name may have several addresses. */
function hasOneEndpoint({ upstreams, applications }: Draft, to: readonly string[] | null): boolean {
  const written = [...upstreams].filter(([name]) => to?.includes(name) ?? true);
  const run = [...applications].filter(([name, read]) => answersRequests(read) && (to?.includes(name) ?? true));
  if (written.length + run.length === 0) return false;
  return (
    run.every(([, { instances = 1 }]) => instances === 1) &&
    written.every(([, read]) => {
      const endpoints = 'endpoints' in read ? read.endpoints : read;
      return (
        endpoints.length === 1 && endpoints.every(({ address }) => address.kind === 'unix' || isAddress(address.host))
      );
    })
  );
}

function isAddress(host: string): boolean {
  return isIP(host) !== 0;
}

/** The gateway counts so many scopes in memory that all workers share. */
function reviewShared({ routes, upstreams, file }: Written<object, object, object>, collector: ErrorCollector): void {
  const counted: { readonly key: string; readonly path: Path }[] = [];
  for (const { sharedBy: key, ofRoute, ofUpstream } of featuresOfFile) {
    if (key === undefined) continue;
    for (const { path, name, read } of upstreams)
      if (ofUpstream?.(read, { name, contentOf: () => '' }) != null) counted.push({ key, path });
    for (const { path, read } of routes)
      if (ofRoute?.(read, file.read, { directory: '/', contentOf: () => '' }) != null) counted.push({ key, path });
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
