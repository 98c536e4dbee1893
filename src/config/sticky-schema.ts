/** What may be written about sticky sessions. */
import * as z from 'zod';
import { defaults } from './defaults.ts';
import { parseCookieDomain, parseCookieName, parseCookiePath } from './format/cookie.ts';
import { duration, parsed, path } from '../schema/leaves.ts';
import { key, section } from '../schema/section.ts';
import { hide } from '../schema/schema-parts.ts';

const absent = defaults.sticky;

export const sticky = z.union([
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
