import type { ApplicationSpec } from '../core/configuration.ts';
import { suggestNearest } from '../config/nearest.ts';
import { orList } from '../schema/error-detail.ts';
import { addressText } from '../core/endpoint.ts';
import { overlayEndpointOf, type OverlaySetting } from '../core/overlay.ts';
import { type RouteSpec, upstreamsOf } from '../core/route-spec.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';

/** The possible targets of overlay entries: the current routes, upstreams and endpoints. */
export interface OverlayTargets {
  readonly routes: readonly (Pick<RouteSpec, 'action'> & { readonly id: string })[];
  readonly upstreams: readonly Pick<UpstreamSnapshot, 'id' | 'endpoints'>[];
  /** Applications and their workers; absent: none. */
  readonly applications?: readonly TargetedApplication[];
}

type TargetedApplication = Pick<ApplicationSpec, 'command' | 'port' | 'answeredBy'> & {
  readonly id: string;
  readonly of?: string;
};

type TargetResult<T> =
  | { readonly ok: true; readonly target: T }
  /** `why`: one or two sentences. */
  | { readonly ok: false; readonly why: string };

type PauseTarget = { readonly scope: 'route' | 'upstream'; readonly target: string };

/** A route by its id, or all routes to an upstream or application. A name of both is that of the route, unless it begins with `upstream:`. */
export function findRoutes(name: string, { routes, upstreams }: OverlayTargets): TargetResult<readonly string[]> {
  if (routes.some(({ id }) => id === name)) return { ok: true, target: [name] };
  const upstream = upstreams.find(({ id }) => id === name || `upstream:${id}` === name)?.id;
  if (upstream === undefined)
    return unknown(`There is no route or upstream ${name}`, name, [...idsOf(routes), ...idsOf(upstreams)]);
  const found = routesTo(upstream, routes);
  return found.length > 0 ? { ok: true, target: found } : { ok: false, why: `No route leads to ${upstream}.` };
}

/** The ids of the routes that lead to an upstream. */
export function routesTo(upstream: string, routes: OverlayTargets['routes']): readonly string[] {
  return idsOf(routes.filter(({ action }) => upstreamsOf(action).some((one) => one === upstream)));
}

/** `route:<id>` and `upstream:<id>` are explicit; another name may be a route or an upstream. */
export function findPauseTarget(name: string, { routes, upstreams }: OverlayTargets): TargetResult<PauseTarget> {
  const found = [
    ...matching('route', name, idsOf(routes)),
    ...matching('upstream', name, idsOf(upstreams)),
  ] satisfies PauseTarget[];
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return { ok: true, target: only };
  if (only === undefined)
    return unknown(`There is no route or upstream ${name}`, name, [...idsOf(routes), ...idsOf(upstreams)]);
  const choices = found.map(({ scope, target }) => `${scope}:${target}`);
  return { ok: false, why: `${name} is the name of a route and of an upstream. Write ${orList(choices)}.` };
}

function matching(scope: PauseTarget['scope'], name: string, ids: readonly string[]): PauseTarget[] {
  const prefix = `${scope}:`;
  return ids.filter((id) => id === name || prefix + id === name).map((target) => ({ scope, target }));
}

/** What runs of an application without a server, for people who have asked for something that it has not. */
function workersOf(name: string, applications: NonNullable<OverlayTargets['applications']>): string {
  const workers = idsOf(applications.filter(({ of }) => of === name));
  return workers.length === 0 ? '' : ` Its workers are ${workers.slice(0, 8).join(', ')}.`;
}

/** An application or a worker that can be stopped or, with `isScaled`, have another number of instances. */
export function findApplication(
  name: string,
  { applications = [] }: OverlayTargets,
  isScaled: { readonly to: number } | null = null,
): TargetResult<string> {
  const found = applications.find(({ id }) => id === name);
  if (found === undefined) {
    // People leave out the application of a worker that they think of.
    const [worker, ...others] = idsOf(applications.filter(({ id }) => id.endsWith(`.${name}`)));
    const text = `There is no application or worker ${name}`;
    return worker !== undefined && others.length === 0
      ? { ok: false, why: `${text}: did you mean "${worker}"?` }
      : unknown(text, name, idsOf(applications));
  }
  if (isScaled !== null && found.command.length === 0) {
    const why = `The application ${name} has no command that could run in instances.${workersOf(name, applications)}`;
    return { ok: false, why };
  }
  if (isScaled === null && found.answeredBy !== undefined) {
    const why = `The application ${name} has no program that could be stopped: the gateway answers with its ${found.answeredBy}.`;
    const instead = ` \`candor maintenance\` answers the requests of its routes with 503.${workersOf(name, applications)}`;
    return { ok: false, why: why + instead };
  }
  if (isScaled !== null && isScaled.to > 1 && found.port !== null)
    return { ok: false, why: `${name} has the fixed port ${found.port}, on which one instance can listen.` };
  return { ok: true, target: found.id };
}

/** Finds an endpoint by its id, or by its address or instance id if only one endpoint has it. */
export function findEndpoint(name: string, targets: OverlayTargets): TargetResult<string> {
  const endpoints = targets.upstreams.flatMap(({ endpoints: all }) => all);
  const found = endpoints.filter((endpoint) => endpoint.id === name || overlayEndpointOf(endpoint) === name);
  const alike = found.length > 0 ? found : endpoints.filter((endpoint) => namesOf(endpoint).includes(name));
  const [only, ...others] = alike;
  if (only !== undefined && others.length === 0) return { ok: true, target: overlayEndpointOf(only) };
  if (only !== undefined) {
    const ids = alike.map(({ id }) => id);
    return { ok: false, why: `${alike.length} endpoints are called ${name}. Write ${orList(ids.slice(0, 8))}.` };
  }
  return unknown(`There is no endpoint ${name}`, name, [...idsOf(endpoints), ...endpoints.flatMap(namesOf)]);
}

/** The upstream of which an endpoint is the only one that gets requests as usual; null: another one does, or it does not itself. */
export function lastReadyOf(endpoint: string, { upstreams }: OverlayTargets): string | null {
  const isNamed = (one: EndpointSnapshot): boolean => overlayEndpointOf(one) === endpoint;
  const upstream = upstreams.find(({ endpoints }) => endpoints.some(isNamed));
  const ready = upstream?.endpoints.filter(({ state }) => state === 'healthy' || state === 'unchecked') ?? [];
  return ready.length > 0 && ready.every(isNamed) ? (upstream?.id ?? null) : null;
}

function namesOf({ address, instance }: EndpointSnapshot): string[] {
  const names = [addressText(address)];
  return instance === undefined ? names : [instance, ...names];
}

function idsOf(all: readonly { readonly id: string }[]): string[] {
  return all.map(({ id }) => id);
}

function unknown(text: string, name: string, known: readonly string[]): { readonly ok: false; readonly why: string } {
  const suggestion = suggestNearest(name, new Set(known));
  if (suggestion !== null) return { ok: false, why: `${text}: ${suggestion}` };
  const some = [...new Set(known)].slice(0, 8);
  return { ok: false, why: some.length === 0 ? `${text}.` : `${text}. Known are ${some.join(', ')}.` };
}

/** Whether the target of a setting exists. */
export function isMatched(setting: OverlaySetting, { routes, upstreams, applications = [] }: OverlayTargets): boolean {
  switch (setting.kind) {
    case 'maintenance':
      return setting.route === null || setting.host !== undefined || routes.some(({ id }) => id === setting.route);
    case 'pause':
      return (setting.scope === 'route' ? routes : upstreams).some(({ id }) => id === setting.target);
    case 'scale':
    case 'stop':
      return applications.some(({ id }) => id === setting.application);
    case 'weight':
    case 'drain':
    case 'eject':
      return upstreams.some(({ endpoints }) =>
        endpoints.some((endpoint) => overlayEndpointOf(endpoint) === setting.endpoint),
      );
  }
}
