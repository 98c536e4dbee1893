/** What may be written of a feature, and what becomes of it. */
import type * as z from 'zod';
import type { Result } from '#failures/result.ts';
import type { RouteMatch } from '../core/route-spec.ts';
import type { ErrorDetail } from '../schema/error-detail.ts';
import type { Findings, Path } from '../schema/findings.ts';

/** Settings of no feature that hold for a route, or for those of the file that say nothing else. */
export interface SettingsBeside {
  /** Null: no response is held. */
  readonly commitDelayMs: number | null | undefined;
  readonly exchangeMs: number | null | undefined;
  readonly responseHeadMs: number;
  /** Every upstream that its requests go to has one endpoint. */
  readonly hasOneEndpoint: boolean;
}

/** A route, upstream or application as it is written. */
interface WrittenScope<R> {
  readonly path: Path;
  readonly read: R;
}

interface WrittenRoute<R> extends WrittenScope<R> {
  /** The name of the upstream or application; null: the route answers by itself. */
  readonly to: string | null;
  readonly match: RouteMatch;
  readonly beside: SettingsBeside;
}

interface WrittenUpstream<R> extends WrittenScope<R> {
  readonly name: string;
}

/** An application, with what else stands in it. */
type WrittenApplication<R> = WrittenUpstream<R & { readonly [key: string]: unknown }>;

export interface Written<R, U, F, A = object> {
  readonly file: { readonly read: F; readonly beside: SettingsBeside };
  /** A listener has `tls`. */
  readonly listensWithTls: boolean;
  /** No application is left out for a mistake in it: what none of them names is named by none. */
  readonly hasAllApplications: boolean;
  /** A listener asks clients for certificates. */
  readonly asksForCertificates: boolean;
  /** Every listener is reached from this machine alone. */
  readonly isLocal: boolean;
  readonly routes: readonly WrittenRoute<R>[];
  /** Names of all upstreams and applications, also of those that are written in short. */
  readonly targets: ReadonlySet<string>;
  /** Upstreams that are asked over the internet without TLS, by name, each with one of their hosts. */
  readonly inClear: ReadonlyMap<string, string>;
  /** And applications. */
  readonly upstreams: readonly WrittenUpstream<U>[];
  readonly applications: readonly WrittenApplication<A>[];
}

/** What a spec is made of beside what is written. */
interface SpecContext {
  /** What stands in a file that the feature has named; '' if it could not be read, which is an error by itself. */
  readonly contentOf: (path: string) => string;
}

interface RouteContext extends SpecContext {
  /** Where relative paths begin. */
  readonly directory: string;
}

interface UpstreamContext extends SpecContext {
  /** Of the upstream or application. */
  readonly name: string;
}

interface ApplicationContext extends UpstreamContext, RouteContext {}

/** A file whose text is read. */
export interface TextFile {
  /** In errors: 'a list of users'. */
  readonly what: string;
  readonly bytesMax: number;
  /** Nobody but the gateway should read it: an error where visitors can, a warning where other users of the machine can. */
  readonly isSecret?: true;
  /** What makes such a file, before its path; absent: nothing of ours. */
  readonly maker?: string;
  /** Of a file that is no text: what stands for its content in the configuration, or what is wrong with it. */
  readonly digest?: (content: Buffer, name: string) => Promise<Result<string, ErrorDetail>>;
}

export interface NamedFile {
  /** What it is, or one of the kinds that `config/wanted-files.ts` judges. */
  readonly kind: TextFile | 'session_key' | 'served_folder';
  readonly path: string;
  /** Where it is named, below the route, upstream or application, or in the file. */
  readonly at: Path;
  /** Finds what is wrong in the file itself. `at` is where it is named. */
  readonly review?: (text: string, at: Path, findings: Findings) => void;
}

/** How a key of a feature is written, for people who have written something else. */
export interface KeyForms {
  /** A value that it takes, in one line. */
  readonly example: string;
  /** What to do in place of a word such as `false`, and of one such as `true`; absent: the example says it. */
  readonly off?: string;
  readonly on?: string;
  /** What to do in place of any other value; absent: the example says it. */
  readonly otherwise?: string;
  /** Keys of its section for which people write the value alone: the first that takes it is meant. */
  readonly stands?: readonly string[];
}

/** A feature in the file: `R` is what is read of it in a route, `U` in an upstream or application, `F` at the top, `A` in an application alone. */
export interface FeatureKeys<R = object, U = object, F = object, A = object> {
  readonly name: string;
  /** What may be written of it in a route, in an upstream or application, and at the top for all routes. */
  readonly routeKeys?: z.ZodRawShape;
  readonly upstreamKeys?: z.ZodRawShape;
  readonly fileKeys?: z.ZodRawShape;
  /** What may be written of it in an application alone, and of the gateway at the top. */
  readonly applicationKeys?: z.ZodRawShape;
  readonly topKeys?: z.ZodRawShape;
  /** Of each of these keys; of one within it, such as `access.countries`, too. */
  readonly forms?: Readonly<Record<string, KeyForms>>;
  /** It answers the requests of a route in place of an upstream: a route has one such feature, or `to`. Its name is its key in the route. */
  readonly isAction?: true;
  /** Whether it answers some requests, as it is written, and `to` the others: a route may have both then. Absent: no. */
  readonly standsBesideTo?: (written: unknown) => boolean;
  /** Keys for requests to endpoints that have an effect where it answers too. */
  readonly effective?: readonly string[];
  /** Routes with it answer checks of load balancers, which come in clear text. */
  readonly answersChecks?: true;
  /** It does something with endpoints: a route that answers by itself does not have it. */
  readonly needsUpstream?: true;
  /** The spec of a route; null: the route does not have the feature. */
  readonly ofRoute?: (read: R, file: F, context: RouteContext) => object | null;
  readonly ofUpstream?: (read: U, context: UpstreamContext) => object | null;
  /** The spec of an application as processes, and of the file as a whole. */
  readonly ofApplication?: (read: A, context: ApplicationContext) => object | null;
  readonly ofFile?: (read: F, context: RouteContext) => object | null;
  /**
   * It answers the requests that routes send to an application, in place of instances: the spec of such a route, of what stands in the application; null: it does
   * not. `isBelow`: the route takes a path and what is below it.
   */
  readonly ofRouteToApplication?: (
    read: A,
    route: { readonly isBelow: boolean },
    context: ApplicationContext,
  ) => object | null;
  /** Files that it names, which are read before the spec is made. */
  readonly filesOfRoute?: (read: R) => readonly NamedFile[];
  readonly filesOfUpstream?: (read: U) => readonly NamedFile[];
  readonly filesOfApplication?: (read: A) => readonly NamedFile[];
  readonly filesOfFile?: (read: F) => readonly NamedFile[];
  /** Names of headers by which a route tells endpoints what applications believe, such as who the user is: no client may send them, on any route. */
  readonly headersReserved?: (read: R, file: F) => readonly string[];
  /** Names of upstreams and applications that it asks by itself for requests of a route. */
  readonly upstreamsOfRoute?: (read: R, file: F) => readonly string[];
  /** The key of whose scopes the gateway counts a limited number; absent: it counts nothing in memory that workers share. */
  readonly sharedBy?: string;
  /** Finds what is wrong with it, or without effect, beside other settings. */
  readonly review?: (written: Written<R, U, F, A>, findings: Findings) => void;
}

/** The feature, as the registry has it. */
export function featureKeys<R, U, F = object, A = object>(feature: FeatureKeys<R, U, F, A>): FeatureKeys {
  return feature as unknown as FeatureKeys;
}

/** Where a key may stand that routes have, or the file for all of them. */
type Scope<K extends string, T> = { readonly [P in K]?: T | 'none' | undefined };

/** What holds for a route of such a key; null for `none`. Checks of load balancers come from anywhere, without credentials: of the file nothing holds for them. */
export function inForce<K extends string, T extends object>(name: K, route: Scope<K, T>, file: Scope<K, T>): T | null {
  const isCheck = (route as { readonly readiness?: boolean }).readiness === true;
  const read = route[name] ?? (isCheck ? 'none' : file[name]) ?? 'none';
  return read === 'none' ? null : (read as T);
}

interface Read {
  readonly read: object;
}

/** Warns of what the file says for all routes under such a key, where each has its own. */
export function reviewReplaced(
  name: string,
  { file, routes }: { readonly file: Read; readonly routes: readonly Read[] },
  findings: Findings,
): void {
  const written = ({ read }: Read): unknown => (read as Readonly<Record<string, unknown>>)[name];
  const isReplaced = routes.length > 0 && routes.every((route) => written(route) !== undefined);
  if (typeof written(file) === 'object' && isReplaced)
    findings.warnAtKey([name], 'every route has its own', 'remove it here, or there');
}

/** The settings of a key that the file may have for all routes: each that the route does not write is the file's. Null: the nearest says `false`, or nothing does. */
export function laidOver<T extends object>(
  ofRoute: T | boolean | undefined,
  ofFile: T | boolean | undefined,
): T | null {
  const nearest = ofRoute ?? ofFile ?? false;
  if (nearest === false) return null;
  return { ...(typeof ofFile === 'object' ? ofFile : {}), ...(nearest === true ? {} : nearest) } as T;
}
