/** URLs and cookies in the responses of applications that have another path or name than their clients see. */
import * as z from 'zod';
import type { PathMatch } from '../../core/path-match.ts';
import { declare, describe } from '../../schema/default.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { normalHost } from '../../schema/format/host-name.ts';
import { oneOrMany, parsed } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { type CookieChange, type PathPrefixes, responseRewriteName, type UrlChange } from './settings.ts';
import { type Result, succeed } from '#failures/result.ts';

const absent = {
  urls: describe(
    'the addresses of endpoints are replaced where the route has `rewrite`',
    'No client can ask for the address of an endpoint; a path may be meant for another route.',
  ),
  paths: declare('true', 'An application that does not know of its prefix leaves it out everywhere.'),
  cookies: declare('false', 'Most applications set cookies that hold for the whole host.'),
  path: declare('keep', 'Only what the section names is changed.'),
  domain: declare('keep', 'Only what the section names is changed.'),
};

const responseUrls = z.union([
  z.boolean(),
  section({
    paths: key(
      z.boolean(),
      'Whether the prefix that `rewrite.path` has removed is put before paths, such as `/login`, and before those of URLs with the host of the request. A path that has it already stays.',
      absent.paths,
    ),
    hosts: key(
      oneOrMany(parsed(parseAuthority, { kind: 'host', examples: ['app.internal:8080'] })),
      'Further names by which the application calls itself, with their ports.',
    ),
  }),
]);

const responseCookies = z.union([
  z.boolean(),
  section({
    path: key(
      parsed(parseCookiePath, { kind: '`auto`, `keep` or path', examples: ['/app'] }),
      '`auto`: the prefix that `rewrite.path` has removed is put before it; `keep`: it stays; or the path for all of them.',
      absent.path,
    ),
    domain: key(
      parsed(parseCookieDomain, { kind: '`auto`, `keep`, `none` or host', examples: ['example.org'] }),
      '`auto`: a domain of the application is removed, so that the cookie is for the host that the client asks; `keep`: it stays; `none`: every domain is removed; or the domain for all of them.',
      absent.domain,
    ),
    secure: key(z.boolean(), 'Whether browsers send them over TLS alone. Absent: as the application says.'),
    http_only: key(z.boolean(), 'Whether scripts of pages cannot read them. Absent: as the application says.'),
    same_site: key(
      z.enum(['lax', 'strict', 'none']),
      'Whether browsers send them with requests that come from other sites. Absent: as the application says.',
    ),
  }),
]);

const routeKeys = {
  response_urls: key(
    responseUrls,
    'Which URLs in `Location`, `Content-Location` and `Refresh` of the application are changed into those that its clients see. `true`: its addresses, and paths without the prefix that `rewrite.path` has removed; `false`: none.',
    absent.urls,
  ),
  response_cookies: key(
    responseCookies,
    'Changes cookies of the application: `true` adapts their path and domain to those that its clients see; or each attribute by a key.',
    absent.cookies,
  ),
};

const fileKeys = {
  response_cookies: key(
    responseCookies,
    'Changes cookies of all applications, for every route that does not say otherwise.',
    absent.cookies,
  ),
};

interface RewriteRead {
  readonly path?: string;
  readonly host?: string;
}
type RouteRead = z.output<z.ZodObject<typeof routeKeys>> & {
  readonly path?: readonly PathMatch[];
  readonly rewrite?: RewriteRead;
};
type FileRead = z.output<z.ZodObject<typeof fileKeys>>;
type UrlsRead = z.output<typeof responseUrls>;
type CookiesRead = z.output<typeof responseCookies>;

export const responseRewrite: FeatureKeys = featureKeys<RouteRead, object, FileRead>({
  name: responseRewriteName,
  needsUpstream: true,
  routeKeys,
  fileKeys,
  forms: {
    response_urls: { example: 'true', off: 'write false', stands: ['hosts'] },
    response_cookies: { example: '{ secure: true, same_site: lax }', off: 'write false', on: 'write true' },
  },
  ofRoute(read, file) {
    const [urls, cookies] = [urlsOf(read), cookiesOf(read.response_cookies ?? file.response_cookies)];
    return urls === null && cookies === null ? null : { prefix: prefixOf(read), urls, cookies };
  },
  review({ routes, file }, findings) {
    reviewCookies(file.read.response_cookies, ['response_cookies'], findings);
    for (const { path, read } of routes) {
      reviewUrls(read, path, findings);
      reviewCookies(read.response_cookies, [...path, 'response_cookies'], findings);
    }
  },
});

/** Null too where the new path is made of more than the old one. */
function prefixOf({ path = [], rewrite }: RouteRead): PathPrefixes | null {
  const [first = { kind: 'prefix', text: '/' }, ...others] = path;
  const ofApplication = rewrite?.path?.replace(/(.)\/$/, '$1') ?? first.text;
  const isSimple = first.kind === 'prefix' && others.length === 0 && !ofApplication.includes('{');
  return isSimple && ofApplication !== first.text ? { ofClients: first.text, ofApplication } : null;
}

function isRewritten({ rewrite = {} }: RouteRead): boolean {
  return rewrite.path !== undefined || (rewrite.host !== undefined && rewrite.host !== 'client');
}

function urlsOf(read: RouteRead): UrlChange | null {
  const written: UrlsRead | undefined = read.response_urls;
  if (written === undefined) return isRewritten(read) ? { paths: false, hosts: [] } : null;
  if (typeof written === 'boolean') return written ? { paths: true, hosts: [] } : null;
  return { paths: written.paths ?? true, hosts: written.hosts ?? [] };
}

const adapted: CookieChange = { path: 'auto', domain: 'auto', secure: null, httpOnly: null, sameSite: null };

function cookiesOf(written: CookiesRead | undefined): CookieChange | null {
  if (written === undefined || written === false) return null;
  if (written === true) return adapted;
  const { path, domain, secure, http_only, same_site } = written;
  return {
    path: path ?? absent.path.written,
    domain: domain ?? absent.domain.written,
    secure: secure ?? null,
    httpOnly: http_only ?? null,
    sameSite: same_site ?? null,
  };
}

function reviewUrls(read: RouteRead, path: Path, findings: Findings): void {
  const { response_urls: written } = read;
  if (typeof written !== 'object' || written.paths !== true || prefixOf(read) !== null) return;
  findings.warnAtKey(
    [...path, 'response_urls', 'paths'],
    '"paths" has no effect: the route has no "rewrite: { path: … }", so that paths of the application are those of its clients',
    'remove it',
  );
}

function reviewCookies(written: CookiesRead | undefined, path: Path, findings: Findings): void {
  if (typeof written !== 'object') return;
  if (written.same_site === 'none' && written.secure !== true)
    findings.errorAtValue(
      [...path, 'same_site'],
      'browsers drop a cookie with SameSite=None that is not Secure',
      'add "secure: true"',
    );
}

function parseAuthority(text: string): Result<string, ErrorDetail> {
  const [, host = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(:\d{1,5})?$/.exec(text) ?? [];
  const normal = host.startsWith('[') ? normalHost(host.slice(1, -1)) : normalHost(host);
  const url = /^https?:\/\/([^/?#]+)/i.exec(text);
  if (url !== null) return reject(`${quoted(text)} is a URL, and a host is meant`, `write ${quoted(url[1])}`);
  if (normal === null)
    return reject(`${quoted(text)} is not a host`, 'write one such as app.internal or app.internal:8080');
  return succeed(`${host.startsWith('[') ? `[${normal}]` : normal}${port}`);
}

/** A semicolon would begin the next attribute. */
function parseCookiePath(text: string): Result<string, ErrorDetail> {
  if (text === 'auto' || text === 'keep' || /^\/[\x21-\x3a\x3c-\x7e]*$/.test(text)) return succeed(text);
  return reject(`${quoted(text)} is no path of a cookie`, 'write auto, keep, or a path such as /app');
}

function parseCookieDomain(text: string): Result<string, ErrorDetail> {
  if (['auto', 'keep', 'none'].includes(text)) return succeed(text);
  const host = /^[\w.-]+\.[\w.-]+$/.test(text) ? normalHost(text.replace(/^\./, '')) : null;
  if (host !== null) return succeed(host);
  return reject(`${quoted(text)} is no domain of a cookie`, 'write auto, keep, none, or a host such as example.org');
}
