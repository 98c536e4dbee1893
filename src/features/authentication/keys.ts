import * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { quoted } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { oneOrMany, parsed, text } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import {
  type FeatureKeys,
  featureKeys,
  inForce,
  type NamedFile,
  reviewReplaced,
  type SettingsBeside,
} from '../feature-keys.ts';
import { parseRealm, parseUserHeader } from './keys-values.ts';
import { reviewAnswers } from './keys-answers.ts';
import { reviewConditions, reviewUses } from './keys-conditions.ts';
import { reviewRequired } from './keys-required.ts';
import type { SchemeBeside, SchemeContext, SchemeKeys } from './keys-scheme.ts';
import { schemesOfFile } from './keys-schemes.ts';
import { authenticationName, type AuthenticationSpec, type RequiredOfUsers } from './settings.ts';

const absent = {
  realm: declare('Restricted', 'It tells nothing of what is behind it.'),
};

const headerName = parsed(parseUserHeader, { kind: 'header name', examples: ['X-User'] });

const requireSection = section({
  users: key(oneOrMany(text), 'Names of users, of which one must be that of the client.'),
  groups: key(oneOrMany(text), 'Groups, of which the user must be in one.'),
  claims: key(
    z.record(z.string(), oneOrMany(text)),
    'Claims of the token or login, each with the value that it must have, or with several, of which one is enough.',
  ),
});

const schemeShape: Record<string, z.ZodOptional> = Object.fromEntries(
  schemesOfFile.map(({ name, schema, description }) => [name, key(schema, description)]),
);

const authenticationSection = section({
  ...schemeShape,
  require: key(
    requireSection,
    'Whom of those who have authenticated the route lets in. Each key that is there must hold; without it everybody may enter.',
  ),
  user_header: key(
    headerName,
    'A header in which applications get the name of the user, such as `X-User`. What clients send under this name is removed, on all routes.',
  ),
  groups_header: key(headerName, 'The same with the groups of the user, separated by commas.'),
  realm: key(
    parsed(parseRealm, { kind: 'text', examples: ['Internal tools'] }),
    'The name of what is protected, which browsers show when they ask for a password.',
    absent.realm,
  ),
});

const authenticationKeys = {
  authentication: key(
    z.union([z.literal('none'), authenticationSection]),
    'How clients say who they are: one or several schemes, of which any is enough. Requests without valid credentials are refused, with 401. Or `none`.',
  ),
};

/** What all schemes share; those stand beside it, by their names. */
interface CommonRead {
  readonly require?: z.output<typeof requireSection>;
  readonly user_header?: string;
  readonly groups_header?: string;
  readonly realm?: string;
}

type AuthenticationRead = 'none' | CommonRead;

/** A route, or the file. */
interface ScopeRead {
  readonly authentication?: AuthenticationRead;
}

function schemesIn(read: CommonRead): readonly (readonly [scheme: SchemeKeys, read: object])[] {
  const written = read as Readonly<Record<string, object | undefined>>;
  return schemesOfFile.flatMap((scheme) => {
    const own = written[scheme.name];
    return own === undefined ? [] : [[scheme, own] as const];
  });
}

function requiredOf(read: CommonRead['require']): RequiredOfUsers | null {
  if (read === undefined) return null;
  return { users: read.users ?? null, groups: read.groups ?? null, claims: read.claims ?? null };
}

/** Routes that have what the file says share one spec, so that what it contains is sent to a worker once. */
const built = new WeakMap<CommonRead, AuthenticationSpec>();

function specOf(read: CommonRead, context: SchemeContext): AuthenticationSpec {
  const known = built.get(read);
  if (known !== undefined) return known;
  const spec: AuthenticationSpec = {
    schemes: schemesIn(read).map(([{ name, ofRoute, believes }, own]) => ({
      ...{ name, spec: ofRoute(own, context) },
      believes: believes(own),
    })),
    realm: read.realm ?? absent.realm.written,
    require: requiredOf(read.require),
    userHeader: read.user_header ?? null,
    groupsHeader: read.groups_header ?? null,
  };
  built.set(read, spec);
  return spec;
}

function filesIn(read: AuthenticationRead | undefined): readonly NamedFile[] {
  if (read === undefined || read === 'none') return [];
  const schemes = schemesIn(read);
  return schemes.flatMap(([{ name, files, usersIn }, own]) =>
    (files?.(own) ?? []).map((file): NamedFile => {
      const named = { ...file, at: [authenticationName, name, ...file.at] };
      // Where another scheme is enough, its users may be those that are required.
      if (usersIn === undefined || schemes.length > 1) return named;
      return {
        ...named,
        review(content, at, findings) {
          file.review?.(content, at, findings);
          const listed = usersIn(content);
          if (listed === null) return;
          reviewRequired(read.require, listed, file.path, at.slice(0, -1 - file.at.length), findings);
        },
      };
    }),
  );
}

function headersSetBy(read: CommonRead): readonly string[] {
  const own = [read.user_header, read.groups_header].flatMap((header) => header ?? []);
  return [...own, ...schemesIn(read).flatMap(([{ headersSet }, scheme]) => headersSet?.(scheme) ?? [])];
}

function headersReserved(route: ScopeRead, file: ScopeRead): readonly string[] {
  const read = inForce(authenticationName, route, file);
  return read === null ? [] : headersSetBy(read);
}

function upstreamsOf(read: CommonRead | null): readonly string[] {
  return read === null ? [] : schemesIn(read).flatMap(([{ upstreams }, own]) => upstreams?.(own) ?? []);
}

export const authentication: FeatureKeys = featureKeys<ScopeRead, object, ScopeRead>({
  name: authenticationName,
  routeKeys: authenticationKeys,
  fileKeys: authenticationKeys,
  forms: {
    authentication: {
      example: '{ basic: { users_file: users } }',
      off: 'write none',
      on: 'name a scheme, such as { basic: { users_file: users } }',
    },
    ...Object.fromEntries(schemesOfFile.map(({ name, example }) => [`authentication.${name}`, { example }])),
    'authentication.jwt.keys_from': { example: '{ upstream: login, path: /.well-known/jwks.json }' },
  },
  ofRoute(route, file, context) {
    const read = inForce(authenticationName, route, file);
    return read === null ? null : specOf(read, context);
  },
  filesOfRoute: ({ authentication: read }) => filesIn(read),
  filesOfFile: ({ authentication: read }) => filesIn(read),
  headersReserved,
  upstreamsOfRoute: (route, file) => upstreamsOf(inForce(authenticationName, route, file)),
  review(written, findings) {
    const { file, routes, targets, inClear, listensWithTls } = written;
    const { trusted_peers: trusted = [] } = file.read as { readonly trusted_peers?: readonly string[] };
    const reserved = new Set(
      routes.flatMap(({ read }) => headersReserved(read, file.read).map((name) => name.toLowerCase())),
    );
    const besideOf = ({ responseHeadMs }: SettingsBeside): SchemeBeside => ({
      mayComeByTls: listensWithTls || trusted.length > 0,
      upstreams: targets,
      inClear,
      headersReserved: reserved,
      responseHeadMs,
    });
    reviewUses(file.read, [], 'file', reserved, findings);
    reviewOne(file.read.authentication, [authenticationName], besideOf(file.beside), findings);
    for (const { path, read, beside } of routes) {
      reviewConditions(read, path, reserved, findings);
      reviewUses(read, path, 'route', reserved, findings);
      reviewOne(read.authentication, [...path, authenticationName], besideOf(beside), findings);
      reviewEdits(inForce(authenticationName, read, file.read), read, path, findings);
    }
    reviewAnswers(
      routes.flatMap(({ path, match, read }) => {
        const own = inForce(authenticationName, read, file.read);
        const at = read.authentication === undefined ? [authenticationName] : [...path, authenticationName];
        return own === null ? [] : [{ at, match, schemes: schemesIn(own) }];
      }),
      findings,
    );
    reviewReplaced(authenticationName, written, findings);
  },
});

function reviewOne(read: AuthenticationRead | undefined, at: Path, beside: SchemeBeside, findings: Findings): void {
  if (read === undefined || read === 'none') return;
  const schemes = schemesIn(read);
  if (schemes.length === 0)
    findings.errorAtKey(
      at,
      'no scheme says how clients authenticate',
      `add ${schemesOfFile.map(({ name, example }) => `"${name}: ${example}"`).join(' or ')}, or write none`,
    );
  for (const [{ name, review }, own] of schemes) review?.(own, [...at, name], beside, findings);
  for (const known of ['users', 'groups', 'claims'] as const) {
    if (schemes.length === 0 || schemes.some(([{ knows }, own]) => knows(own).includes(known))) continue;
    const lack = `no user has ${noun[known]} by ${schemes.map(([{ name }]) => quoted(name)).join(' and ')}`;
    const toKnow = schemes.find(([scheme]) => scheme.toKnow?.[known] !== undefined)?.[0].toKnow?.[known];
    if (read.require?.[known] !== undefined)
      findings.errorAtKey([...at, 'require', known], `${lack}: nobody could enter`, toKnow ?? 'remove it');
    const header = known === 'users' ? 'user_header' : 'groups_header';
    if (known !== 'claims' && read[header] !== undefined && read.require?.[known] === undefined)
      findings.warnAtKey([...at, header], lack, toKnow ?? 'remove it');
  }
}

const noun = { users: 'a name', groups: 'groups', claims: 'claims' };

/** Applications would get two values, and take the one that is not of the user. */
function reviewEdits(read: CommonRead | null, route: object, path: Path, findings: Findings): void {
  if (read === null) return;
  const names = new Set(headersSetBy(read).map((name) => name.toLowerCase()));
  const { request_headers: edits = {} } = route as { request_headers?: Readonly<Record<string, unknown>> };
  for (const edit of ['set', 'add'])
    for (const name of Object.keys((edits[edit] as object | undefined) ?? {}))
      if (names.has(name.toLowerCase()))
        findings.errorAtKey(
          [...path, 'request_headers', edit, name],
          `"authentication" writes ${quoted(name)}, and the application would get it twice`,
          'remove it here',
        );
}
