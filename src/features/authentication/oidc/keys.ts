import * as z from 'zod';
import { declare, describe } from '../../../schema/default.ts';
import { quoted } from '../../../schema/error-detail.ts';
import type { Findings, Path } from '../../../schema/findings.ts';
import { duration, oneOrMany, parsed, path, text } from '../../../schema/leaves.ts';
import { hide } from '../../../schema/schema-parts.ts';
import { key, section } from '../../../schema/section.ts';
import type { NamedFile } from '../../feature-keys.ts';
import { claimKeys, reviewClaimHeaders } from '../keys-claims.ts';
import { type SchemeBeside, schemeKeys, type SchemeKeys, secretFile } from '../keys-scheme.ts';
import { reviewAsked } from '../keys-values.ts';
import { parseIssuer, parseLoginPath, parseProviderHost } from './keys-values.ts';
import { oidcName, type OidcSpec } from './settings.ts';

const absent = {
  path: declare('/.candor/login', 'No application has such a path.'),
  scopes: declare('[openid, profile, email]', 'Every provider knows them.'),
  userClaim: declare('email', 'People know it, and the provider has verified it.'),
  groupsClaim: declare(
    'groups',
    'Most providers call them so, where they tell them at all; Keycloak has `realm_access.roles`.',
  ),
  session: declare('12h', 'People log in once a working day.'),
  logout: declare('provider', 'Otherwise the next page logs in again without a question.'),
  key: describe('a key in the folder of `state`', 'It outlives restarts and upgrades.'),
};

const sessionMs = 12 * 3_600_000;
const shortestSessionMs = 60_000;

const schema = section({
  issuer: parsed(parseIssuer, { kind: 'URL', examples: ['https://id.example.org/realms/staff'] }).meta({
    description: 'The provider, by the URL that it calls itself in `/.well-known/openid-configuration`.',
  }),
  upstream: z.union([text, z.record(z.string(), text)]).meta({
    description:
      'The upstream through which the gateway asks the provider; no route needs to lead to it. Where the provider has several hosts, each with its upstream: `{ accounts.google.com: google }`.',
  }),
  client_id: text.meta({ description: 'What the provider calls this gateway.' }),
  client_secret: key(
    hide(text, 'value', 'clientSecret'),
    'The secret that both know. Take it from a variable, or name a `client_secret_file`. Without one the gateway is a public client, which PKCE protects alone.',
  ),
  client_secret_file: key(hide(path, 'file', 'clientSecret'), 'A file with the secret.'),
  login_path: key(
    parsed(parseLoginPath, { kind: 'path' }),
    'Below it the gateway answers itself. The provider must know the URL of `callback` below it, such as `https://tools.example.org/.candor/login/callback`, and for logouts that of `out`.',
    absent.path,
  ),
  scopes: key(
    oneOrMany(text),
    'What the provider is asked to tell. With `offline_access` many providers give a refresh token, by which the gateway asks again whether the user may still enter.',
    absent.scopes,
  ),
  user_claim: key(text, 'The claim that is the name of the user. A user who has none cannot enter.', absent.userClaim),
  ...claimKeys(absent.groupsClaim),
  session: key(duration, 'After how long people log in again, whatever they do.', absent.session),
  logout: key(
    z.enum(['provider', 'here']),
    '`provider`: the logout of the gateway ends the session at the provider too. `here`: it does not.',
    absent.logout,
  ),
  key_file: key(
    hide(path, 'file', 'key'),
    'A file with the key that encrypts cookies, 32 characters or more: for gateways that share clients.',
    absent.key,
  ),
});

type OidcRead = z.output<typeof schema>;

export const oidc: SchemeKeys = schemeKeys<OidcRead>({
  name: oidcName,
  schema,
  description:
    'A login at a provider of OpenID Connect, such as Keycloak, Entra ID, Google or Authentik, for people with browsers. Needs TLS. Scripts without a session get 401.',
  example: '{ issuer: https://id.example.org, upstream: id, client_id: tools, client_secret_file: secret }',
  believes: ({ issuer }) => issuer,
  knows: () => ['users', 'groups', 'claims'],
  ofRoute: (read, { contentOf }): OidcSpec => ({
    issuer: read.issuer,
    upstreams: typeof read.upstream === 'string' ? { [new URL(read.issuer).host]: read.upstream } : read.upstream,
    clientId: read.client_id,
    clientSecret:
      read.client_secret ?? (read.client_secret_file === undefined ? null : contentOf(read.client_secret_file).trim()),
    path: read.login_path ?? absent.path.written,
    scopes: ['openid', ...(read.scopes ?? ['profile', 'email']).filter((scope) => scope !== 'openid')],
    userClaim: read.user_claim ?? absent.userClaim.written,
    groupsClaim: read.groups_claim ?? absent.groupsClaim.written,
    headers: read.claim_headers ?? {},
    sessionMs: read.session ?? sessionMs,
    logsOutAtProvider: read.logout !== 'here',
    key: read.key_file === undefined ? null : contentOf(read.key_file).trim(),
    refreshes: null,
  }),
  files({ client_secret_file, key_file }) {
    const files: NamedFile[] = [];
    if (client_secret_file !== undefined)
      files.push({
        ...{ kind: secretFile, path: client_secret_file, at: ['client_secret_file'] },
        review(content, at, findings) {
          if (content.trim() === '')
            findings.errorAtValue(at, 'the file is empty', 'write the secret into it that the provider shows');
        },
      });
    if (key_file !== undefined) files.push({ kind: 'session_key', path: key_file, at: ['key_file'] });
    return files;
  },
  headersSet: ({ claim_headers = {} }) => Object.keys(claim_headers),
  answersAt({ login_path: at, issuer, client_id }) {
    const own = at ?? absent.path.written;
    return { path: own, by: JSON.stringify([own, issuer, client_id]) };
  },
  upstreams: ({ upstream }) => (typeof upstream === 'string' ? [upstream] : Object.values(upstream)),
  review: reviewOidc,
});

function reviewOidc(read: OidcRead, at: Path, beside: SchemeBeside, findings: Findings): void {
  const { issuer, client_secret, client_secret_file, session, claim_headers = {} } = read;
  const { protocol, hostname } = new URL(issuer);
  reviewUpstreams(read, at, beside, findings);
  reviewClaimHeaders(claim_headers, at, findings);
  if (client_secret !== undefined && client_secret_file !== undefined)
    findings.errorAtKey(
      [...at, 'client_secret_file'],
      '"client_secret" has the secret already',
      'remove one of them; a file is not seen by whoever reads the configuration',
    );
  if (protocol === 'http:' && hostname !== 'localhost' && !/^127\.|^\[::1\]$/.test(hostname))
    findings.warnAtValue(
      [...at, 'issuer'],
      'browsers send people to this provider in clear text, and their passwords with them',
      'write the https URL that the provider calls itself',
    );
  if (session !== undefined && session < shortestSessionMs)
    findings.warnAtValue([...at, 'session'], 'people would log in while they read a page', 'write a time such as 8h');
  if (!beside.mayComeByTls)
    findings.errorAtKey(
      at,
      'browsers keep a login over TLS alone: no listener has it, and no proxy in front is named in "trusted_peers"',
      'add "tls" to a listener',
    );
}

function reviewUpstreams({ issuer, upstream }: OidcRead, at: Path, beside: SchemeBeside, findings: Findings): void {
  const position = [...at, 'upstream'];
  if (typeof upstream === 'string') return reviewAsked(upstream, position, beside, findings);
  for (const [host, name] of Object.entries(upstream)) {
    const parsedHost = parseProviderHost(host);
    if (parsedHost.ok) reviewAsked(name, [...position, host], beside, findings);
    else findings.errorAtKey([...position, host], parsedHost.failure.message, parsedHost.failure.suggestion);
  }
  const { host } = new URL(issuer);
  if (!Object.hasOwn(upstream, host))
    findings.errorAtKey(position, `${quoted(host)} of the issuer has no upstream`, `add "${host}: …" to it`);
}
