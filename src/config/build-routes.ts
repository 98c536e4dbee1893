import { resolve } from 'node:path';
import type { BufferSpec, QueryEdits, RouteAction, RouteSpec, Timeouts, TunnelSpec } from '../core/route-spec.ts';
import type { RouteId, UpstreamId } from '../core/endpoint.ts';
import { buildRequestHeaders, buildResponseHeaders } from './build-headers.ts';
import { answersRequests } from './build-application.ts';
import type { BuildContext } from './build-context.ts';
import { applicationAnswer, routeFeatures } from './build-features.ts';
import { featuresOfFile } from '../features/keys.ts';
import type { FeatureSpecs } from '../core/feature.ts';
import { defaults } from './defaults.ts';
import type { Draft } from './draft.ts';
import { bytesOrNone, ms, msOrNone } from '../schema/fallback.ts';
import { matchOf, routeIds } from './match.ts';
import type { BufferRead, RouteRead, TimeoutsRead, WebsocketRead } from './route-schema.ts';

/** Without routes, everything goes to the only upstream there is. */
export function buildRoutes(draft: Draft, context: BuildContext): RouteSpec[] {
  const served = [...draft.applications].filter(
    ([name, application]) => answersRequests(application) || applicationAnswer(name, application, {}, context) !== null,
  );
  const only = [...draft.upstreams.keys(), ...served.map(([name]) => name)][0];
  const routes: RouteRead[] =
    draft.raw['routes'] === undefined && only !== undefined ? [{ to: only }] : [...draft.routes.values()];
  const ids = routeIds(routes);
  const shared = new SharedSettings();
  return routes.map((route, at) => buildRoute(route, ids[at]!, draft, context, shared));
}

/**
 * Gives routes with equal settings the same object, as most routes have. Messages between threads keep that: with 5,000 routes,
 * each with its own objects, workers spent most of a reload on collecting garbage.
 */
class SharedSettings {
  readonly #known = new Map<string, unknown>();

  /** The object that `make` has made for an equal `source` of this `kind`. */
  of<T>(kind: string, source: unknown, make: () => T): T {
    const key = `${kind} ${JSON.stringify(source)}`;
    if (!this.#known.has(key)) this.#known.set(key, make());
    return this.#known.get(key) as T;
  }
}

function buildRoute(
  read: RouteRead,
  id: string,
  draft: Draft,
  context: BuildContext,
  shared: SharedSettings,
): RouteSpec {
  const { plain } = draft;
  const requestHeaders = buildRequestHeaders(plain, read);
  const responseHeaders = buildResponseHeaders(plain, read);
  const rewrite = {
    pathPrefix: read.rewrite?.path ?? null,
    host: read.rewrite?.host ?? defaults.route.rewriteHost.written,
    ...queryPart(read.rewrite?.query),
  };
  const timeouts = buildTimeouts(read.timeouts ?? {}, plain.timeouts ?? {});
  const tunnel = buildTunnel(read.websocket ?? {}, plain.websocket ?? {});
  const buffer = buildBuffer(read.buffer ?? {}, plain.buffer ?? {});
  const { to } = read;
  const application = typeof to === 'string' ? draft.applications.get(to) : undefined;
  const answer = application === undefined ? null : applicationAnswer(to as string, application, read, context);
  const features =
    answer === null
      ? routeFeatures(read, plain, context)
      : { ...routeFeatures(withoutTarget(read), plain, context), [answer.feature]: answer.spec };
  const pages = { ...plain.error_pages, ...read.error_pages };
  return {
    id: id as RouteId,
    match: matchOf(read),
    action: answer === null ? buildAction(read, features) : { kind: 'feature', feature: answer.feature },
    rewrite: shared.of('rewrite', rewrite, () => rewrite),
    requestHeaders: shared.of('edits', requestHeaders, () => requestHeaders),
    responseHeaders: shared.of('edits', responseHeaders, () => responseHeaders),
    timeouts: shared.of('timeouts', timeouts, () => timeouts),
    tunnel: shared.of('tunnel', tunnel, () => tunnel),
    commitDelayMs: buildCommitDelay(read.commit_delay, plain.commit_delay),
    buffer: shared.of('buffer', buffer, () => buffer),
    ...(features === undefined ? {} : { features: shared.of('features', features, () => features) }),
    errorPages: shared.of('pages', pages, () => buildPages(pages, context)),
    disclosure: read.disclosure ?? plain.disclosure ?? 'public',
  };
}

/** The gateway answers its requests by itself. */
function withoutTarget({ to, ...read }: RouteRead): RouteRead {
  return read;
}

function queryPart(read: NonNullable<RouteRead['rewrite']>['query']): { readonly query?: QueryEdits } {
  if (read === undefined) return {};
  const { remove = [], set = {}, add = {} } = read;
  return { query: { remove, set: Object.entries(set), add: linesOf(add) } };
}

function linesOf(all: Readonly<Record<string, readonly string[]>>): readonly (readonly [string, string])[] {
  return Object.entries(all).flatMap(([name, values]) => values.map((value) => [name, value] as const));
}

function buildAction({ to, split_by }: RouteRead, features: FeatureSpecs = {}): RouteAction {
  const answering =
    to === undefined ? featuresOfFile.find(({ name, isAction }) => isAction && name in features) : undefined;
  if (answering !== undefined) return { kind: 'feature', feature: answering.name };
  const all = typeof to === 'object' ? Object.entries(to) : [];
  const [[upstream] = [to ?? '']] = all.toSorted(([, one], [, other]) => other - one);
  const shares = all.map(([name, weight]) => ({ upstream: name as UpstreamId, weight }));
  const split = shares.length > 1 ? { split: { shares, by: split_by ?? null } } : {};
  return { kind: 'upstream', upstream: upstream as UpstreamId, ...split };
}

/** The documents themselves, by status. */
export function buildPages(paths: Readonly<Record<string, string>>, context: BuildContext): Record<string, string> {
  const pages = Object.entries(paths).flatMap(([status, path]) => {
    const reading = context.readings.get(resolve(context.directory, path));
    return reading?.ok === true ? [[status, reading.text] as const] : [];
  });
  return Object.fromEntries(pages);
}

/** `none` is no delay at all. */
function buildCommitDelay(route: number | null | undefined, file: number | null | undefined): number {
  return msOrNone(route === undefined ? file : route, defaults.commitDelay) ?? 0;
}

const unbuffered: BufferSpec = { requestBytesMax: 0, requestWaitMs: 0, responseBytesMax: 0 };

/** A route that says `none` buffers nothing; one that says a part of it takes the rest from the defaults if the file says `none`. */
function buildBuffer(route: BufferRead, file: BufferRead): BufferSpec {
  const absent = defaults.buffer;
  if (route === 'none') return unbuffered;
  if (file === 'none' && Object.keys(route).length === 0) return unbuffered;
  const either = { ...(file === 'none' ? {} : file), ...route };
  return {
    requestBytesMax: bytesOrNone(either.request, absent.request) ?? 0,
    requestWaitMs: msOrNone(either.request_wait, absent.requestWait) ?? 0,
    responseBytesMax: bytesOrNone(either.response, absent.response) ?? 0,
  };
}

/** What a route says, then what the file says, then the defaults. */
function buildTimeouts(route: TimeoutsRead, file: TimeoutsRead): Timeouts {
  const absent = defaults.timeouts;
  const either = { ...file, ...route };
  return {
    dnsMs: ms(either.dns, absent.dns),
    connectMs: ms(either.connect, absent.connect),
    tlsMs: ms(either.tls, absent.tls),
    responseHeadMs: ms(either.response_head, absent.responseHead),
    idleMs: ms(either.idle, absent.idle),
    exchangeMs: msOrNone(either.exchange, absent.exchange),
  };
}

/** What a route says, then what the file says, then the defaults. */
function buildTunnel(route: WebsocketRead, file: WebsocketRead): TunnelSpec {
  const absent = defaults.websocket;
  const either = { ...file, ...route };
  return { idleMs: ms(either.idle_timeout, absent.idleTimeout), pingMs: msOrNone(either.ping, absent.ping) };
}
