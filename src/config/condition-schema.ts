/** What a request must be like, so that a route takes it. */
import * as z from 'zod';
import { parseMethod } from '../schema/format/field.ts';
import { parseNetwork } from '../schema/format/network.ts';
import { name, oneOrMany, parsed } from '../schema/leaves.ts';
import { hide } from '../schema/schema-parts.ts';
import { key, section } from '../schema/section.ts';
import { valueTests } from '../schema/value-match.ts';
import { defaults } from './defaults.ts';
import { parseRouteHost } from './format/host-pattern.ts';
import { parsePath } from './format/path-prefix.ts';

const values = hide(z.record(z.string(), valueTests), 'header', 'value');

const conditions = {
  host: key(
    oneOrMany(
      parsed(parseRouteHost, { kind: 'host', examples: ['example.org', '*.example.org', 'shop-*.example.org'] }),
    ),
    'Hosts to match, in any case, with or without a trailing dot; `*.example.org` is any name below it, another `*` any characters of one label; behind `~` stands a regular expression.',
    defaults.route.host,
  ),
  path: key(
    oneOrMany(parsed(parsePath, { kind: 'path', examples: ['/api', '= /login', '*.php', '~ ^/users/[0-9]+$'] })),
    'What the path begins with: `/api` is `/api` and `/api/…`, not `/apiary`. `= /login` is that path alone; with `*` for any characters of one segment, and `**` for any, it is a glob, such as `/users/*/edit` or `*.php`; behind `~` stands a regular expression. Of a list, one matches.',
    defaults.route.path,
  ),
  methods: key(oneOrMany(parsed(parseMethod, { kind: 'method' })), 'Methods to match.', defaults.route.methods),
  headers: key(
    values,
    'Headers to match: a value; `{ present: true }` for any, `{ present: false }` for none; or `{ prefix: … }`, `{ suffix: … }`, `{ pattern: … }` with a regular expression. A header that the `Connection` header of the request nominates is removed, and matches nothing.',
  ),
  query: key(
    values,
    'Parameters of the query to match, decoded, written as those of `headers`: one of their values matches.',
  ),
  cookies: key(values, 'Cookies to match, written as those of `headers`.'),
  client_address: key(
    oneOrMany(parsed(parseNetwork, { kind: 'network', examples: ['10.0.0.0/8'] })),
    'Networks of clients to match, by the address that trusted peers name.',
  ),
  listener: key(oneOrMany(name), 'Names of `listeners` to match.'),
  scheme: key(z.enum(['http', 'https']), 'The scheme that the client uses, as trusted peers name it.'),
};

const block = section(conditions);

export const matchKeys = {
  ...conditions,
  not: key(block, 'Requests that meet all of these conditions are left to the routes behind.'),
  any: key(z.array(block).min(1), 'Of these, one must hold, with all of its conditions.'),
};

export type ConditionsRead = z.output<typeof block>;
export type MatchRead = z.output<z.ZodObject<typeof matchKeys>>;
