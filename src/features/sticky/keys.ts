/** Sticky sessions: how clients stay at the endpoint that answered them first. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { declare, describe } from '../../schema/default.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { duration, parsed, path } from '../../schema/leaves.ts';
import { type EffectRule, sectionOf, warnWhere } from '../../schema/rules.ts';
import { hide } from '../../schema/schema-parts.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { stickyName, type StickySettings } from './settings.ts';
import { type Result, succeed } from '#failures/result.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import { normalHost } from '../../schema/format/host-name.ts';
import { isToken } from '../../schema/format/field.ts';
import { isSwitchWord } from '../../schema/format/switch-word.ts';

const absent = {
  sticky: declare('false', 'Applications that keep nothing in memory are balanced better without.'),
  name: describe(
    'candor_, and eight digits made of the name of the upstream',
    'Two upstreams of one host must not share a cookie.',
  ),
  lifetime: declare('session', 'A session of an application mostly ends with the browser, too.'),
  path: declare('/', 'All routes of a host may lead to the upstream.'),
  secure: declare('auto', 'Without TLS browsers would not send it at all.'),
  httpOnly: declare('true', 'No script needs it.'),
  sameSite: declare('lax', 'Links from other sites lead to the endpoint, requests that pages of others make do not.'),
  draining: declare('move', 'Whoever drains an endpoint wants to stop it.'),
};

const schema = z.union([
  z.boolean(),
  section({
    name: key(parsed(parseCookieName, { kind: 'name', examples: ['place'] }), 'The name of the cookie.', absent.name),
    lifetime: key(
      z.union([z.enum(['session']), duration]),
      'How long browsers keep the cookie; it is renewed after half of that. `session`: until they are closed; one that is older than 24 hours is not used.',
      absent.lifetime,
    ),
    path: key(parsed(parseCookiePath, { kind: 'path' }), 'The path for which browsers send it.', absent.path),
    domain: key(
      parsed(parseCookieDomain, { kind: 'host', examples: ['example.org'] }),
      'The host that browsers send it to, with its subdomains. Absent: the host that they asked, alone.',
    ),
    secure: key(
      z.union([z.boolean(), z.enum(['auto'])]),
      'Whether browsers send it over TLS alone. `auto`: if the response goes over TLS.',
      absent.secure,
    ),
    http_only: key(z.boolean(), 'Whether scripts of pages cannot read it.', absent.httpOnly),
    same_site: key(
      z.enum(['lax', 'strict', 'none']),
      'Whether browsers send it with requests that come from other sites. `none` needs `secure: true`.',
      absent.sameSite,
    ),
    draining: key(
      z.enum(['move', 'keep']),
      '`keep`: an endpoint that is drained (`candor drain`) goes on serving its sessions, and gets no new ones. `move`: they go to other endpoints. Only for `endpoints`, not for instances that Candor runs.',
      absent.draining,
    ),
    key_file: key(
      hide(path, 'file', 'key'),
      'A file with the key that signs the cookies, 32 characters or more: for gateways that share clients. Absent: a key in the folder of `state`.',
    ),
  }),
]);

/** Of an upstream or an application. */
const upstreamKeys = {
  sticky: key(
    schema,
    '`true`, or how clients stay at the endpoint that answered them first: a signed cookie names it, without its address. If that endpoint is not ready, another one gets the request, and the session.',
    absent.sticky,
  ),
};

type UpstreamRead = z.output<z.ZodObject<typeof upstreamKeys>>;
type StickyRead = Exclude<z.output<typeof schema>, boolean>;

const shortestSessionMs = 60_000;

const rules: readonly EffectRule<UpstreamRead>[] = [
  {
    key: ['sticky', 'lifetime'],
    holds: ({ sticky: read }) => isShort(sectionOf(read).lifetime),
    warning:
      'a session ends when its client has asked for nothing for so long, which is less than people need to read a page',
    suggestion: 'write session, or a time such as 1h',
  },
];

function isShort(lifetime: number | 'session' | undefined): boolean {
  return typeof lifetime === 'number' && lifetime < shortestSessionMs;
}

export const sticky: FeatureKeys = featureKeys<object, UpstreamRead, { readonly state?: string | null }>({
  name: stickyName,
  upstreamKeys,
  forms: { sticky: { example: '{ lifetime: 1h }', off: 'write false', on: 'write true', stands: ['lifetime'] } },
  ofUpstream({ sticky: written }, { name: upstream, contentOf }): StickySettings | null {
    if (written === undefined || written === false) return null;
    const read: StickyRead = written === true ? {} : written;
    return {
      cookie: read.name ?? cookieNameOf(upstream),
      path: read.path ?? absent.path.written,
      domain: read.domain ?? null,
      cookieLifetimeMs: read.lifetime === undefined || read.lifetime === 'session' ? null : read.lifetime,
      secure: read.secure ?? 'auto',
      httpOnly: read.http_only ?? true,
      sameSite: read.same_site ?? 'lax',
      keepsDraining: read.draining === 'keep',
      key: read.key_file === undefined ? null : contentOf(read.key_file).trim(),
    };
  },
  filesOfUpstream: ({ sticky: read }) =>
    typeof read === 'object' && read.key_file !== undefined
      ? [{ kind: 'session_key', path: read.key_file, at: ['sticky', 'key_file'] }]
      : [],
  review({ upstreams, file }, findings) {
    for (const { path: at, read } of upstreams) {
      warnWhere(rules, read, at, findings);
      const { sticky: written } = read;
      if (written !== undefined && written !== false)
        reviewOne(written === true ? {} : written, [...at, 'sticky'], file.read.state === null, findings);
    }
  },
});

/** Each upstream has its own, and names of upstreams are nobody else's business. */
function cookieNameOf(upstream: string): string {
  return `candor_${createHash('sha256').update(upstream).digest('hex').slice(0, 8)}`;
}

/** Sticky sessions that browsers would not keep, or that end too early. */
function reviewOne(written: StickyRead, at: Path, hasNoFolder: boolean, findings: Findings): void {
  const { name = '', same_site, secure = 'auto', domain, path = '/', draining, key_file } = written;
  if (same_site === 'none' && secure !== true)
    findings.errorAtValue(
      [...at, 'same_site'],
      'browsers drop a cookie with SameSite=None that is not Secure',
      'add "secure: true"',
    );
  if (/^__(?:Host|Secure)-/i.test(name) && secure !== true)
    findings.errorAtValue(
      [...at, 'name'],
      'browsers drop a cookie of such a name that is not Secure',
      'add "secure: true"',
    );
  if (/^__Host-/i.test(name) && (domain !== undefined || path !== '/'))
    findings.errorAtValue(
      [...at, 'name'],
      'a cookie with "__Host-" has no domain, and the path /',
      'remove "domain" and "path"',
    );
  if (draining === 'keep' && at[0] === 'applications')
    findings.errorAtValue(
      [...at, 'draining'],
      'an instance that drains is about to be stopped',
      'remove it; its sessions move',
    );
  if (key_file === undefined && hasNoFolder)
    findings.warnAtKey(
      at,
      'without a state folder sessions end with this process',
      'name a "key_file", or a folder with the key "state"',
    );
}

/** The name of a cookie is a token (RFC 6265 §4.1.1). A word for true or false in its place is a mistake. */
function parseCookieName(text: string): Result<string, ErrorDetail> {
  if (isSwitchWord(text)) return reject(`${quoted(text)} is no name of a cookie`, 'write a name, or remove the key');
  if (isToken(text)) return succeed(text);
  return reject(`${quoted(text)} cannot be the name of a cookie`, 'write letters, digits, "-", "_" and "." alone');
}

/** The attribute Path of a cookie (RFC 6265 §4.1.1): a semicolon would begin the next attribute. */
function parseCookiePath(text: string): Result<string, ErrorDetail> {
  if (/^\/[\x21-\x3a\x3c-\x7e]*$/.test(text)) return succeed(text);
  return reject(`${quoted(text)} is no path of a cookie`, 'write a path that begins with "/", without spaces and ";"');
}

/** The attribute Domain: browsers ignore a dot before it. */
function parseCookieDomain(text: string): Result<string, ErrorDetail> {
  const host = /^[\w.-]+$/.test(text) ? normalHost(text.replace(/^\./, '')) : undefined;
  return host === undefined || host === null
    ? reject(`${quoted(text)} is not a host name`, 'write one such as example.org, or remove the key')
    : succeed(host);
}
