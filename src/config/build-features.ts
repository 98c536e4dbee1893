import { hasPrefix } from '../core/path-match.ts';
import type { FeatureSpecs } from '../core/feature.ts';
import type { FeatureKeys } from '../features/feature-keys.ts';
import { featuresOfFile } from '../features/keys.ts';
import { type BuildContext, contentOf } from './build-context.ts';
import type { ApplicationRead, EndpointKeysRead } from './application-schema.ts';
import type { RouteRead } from './route-schema.ts';

/** What a route says of features; undefined: nothing. A route that answers by itself has none of those whose keys need an upstream. */
export function routeFeatures(read: RouteRead, file: object, context: BuildContext): FeatureSpecs | undefined {
  const given = { directory: context.directory, contentOf: (path: string) => contentOf(path, context) };
  return specsOf(({ ofRoute, needsUpstream }) =>
    read.to === undefined && needsUpstream === true ? null : (ofRoute?.(read, file, given) ?? null),
  );
}

/** What an upstream or an application says of features. */
export function upstreamFeatures(
  name: string,
  read: EndpointKeysRead,
  context: BuildContext,
): { readonly features?: FeatureSpecs } {
  const given = { name, contentOf: (path: string) => contentOf(path, context) };
  return featuresIn(({ ofUpstream }) => ofUpstream?.(read, given) ?? null);
}

/** What an application says of features as processes. */
export function applicationFeatures(
  name: string,
  read: ApplicationRead,
  context: BuildContext,
): { readonly features?: FeatureSpecs } {
  const given = { name, directory: context.directory, contentOf: (path: string) => contentOf(path, context) };
  return featuresIn(({ ofApplication }) => ofApplication?.(read, given) ?? null);
}

interface ApplicationAnswer {
  readonly feature: string;
  readonly spec: object;
}

/** What answers requests to an application in place of its instances. Null: they do. */
export function applicationAnswer(
  name: string,
  read: ApplicationRead,
  route: Pick<RouteRead, 'path'>,
  context: Pick<BuildContext, 'directory'>,
): ApplicationAnswer | null {
  const given = { name, directory: context.directory, contentOf: () => '' };
  for (const { name: feature, ofRouteToApplication } of featuresOfFile) {
    const spec = ofRouteToApplication?.(read, { isBelow: hasPrefix(route.path) }, given) ?? null;
    if (spec !== null) return { feature, spec };
  }
  return null;
}

/** What the file says of features of the gateway. */
export function fileFeatures(read: object, context: BuildContext): { readonly features?: FeatureSpecs } {
  const given = { directory: context.directory, contentOf: (path: string) => contentOf(path, context) };
  return featuresIn(({ ofFile }) => ofFile?.(read, given) ?? null);
}

function featuresIn(specOf: (feature: FeatureKeys) => object | null): { readonly features?: FeatureSpecs } {
  const features = specsOf(specOf);
  return features === undefined ? {} : { features };
}

function specsOf(specOf: (feature: FeatureKeys) => object | null): FeatureSpecs | undefined {
  const specs = featuresOfFile.flatMap((feature) => {
    const spec = specOf(feature);
    return spec === null ? [] : [[feature.name, spec] as const];
  });
  return specs.length === 0 ? undefined : Object.fromEntries(specs);
}

/** Names of headers by which features tell endpoints what applications believe, in lower case: no client may send them, on any route. */
export function headersReserved(
  routes: readonly RouteRead[],
  file: object,
): { readonly headersReserved?: readonly string[] } {
  const names = routes.flatMap((read) =>
    featuresOfFile.flatMap(({ headersReserved: of }) => of?.(read, file) ?? []).map((name) => name.toLowerCase()),
  );
  return names.length === 0 ? {} : { headersReserved: [...new Set(names)].toSorted() };
}
