import * as z from 'zod';
import { declare } from '../../../schema/default.ts';
import { parseLoneHeaderName } from '../../../schema/format/field.ts';
import { duration, oneOrMany, parsed, text } from '../../../schema/leaves.ts';
import { key, section } from '../../../schema/section.ts';
import { quoted } from '../../../schema/error-detail.ts';
import { schemeKeys, type SchemeKeys } from '../keys-scheme.ts';
import { parseTarget, parseUserHeader, reviewAsked } from '../keys-values.ts';
import { parseCopiedHeader } from './keys-copied.ts';
import { forwardName, type ForwardSpec, headersAsked } from './settings.ts';

const absent = {
  timeout: declare('5s', 'The client waits for it, and a service that decides from memory needs milliseconds.'),
};

const timeoutMs = 5000;

const schema = section({
  upstream: text.meta({
    description: 'The upstream or application that is asked, by its name. No route needs to lead to it.',
  }),
  path: parsed(parseTarget, { kind: 'path', examples: ['/api/authz/forward-auth'] }).meta({
    description: 'The path that it is asked for, which may have a query.',
  }),
  copy_headers: key(
    oneOrMany(parsed(parseCopiedHeader, { kind: 'header name', examples: ['Remote-User'] })),
    'Headers of its answer that applications get. What clients send under these names is removed, on all routes.',
  ),
  user_from: key(
    parsed(parseLoneHeaderName, { kind: 'header name', examples: ['Remote-User'] }),
    'The header of its answer that has the name of the user, for logs, `require` and `user_header`.',
  ),
  groups_from: key(
    parsed(parseLoneHeaderName, { kind: 'header name', examples: ['Remote-Groups'] }),
    'The header that has the groups of the user, separated by commas or "|".',
  ),
  request_headers: key(
    oneOrMany(parsed(parseUserHeader, { kind: 'header name', examples: ['X-Device'] })),
    'Further headers of clients that the service gets. It gets those for credentials and languages, and what browsers say of the request.',
  ),
  timeout: key(duration, 'How long it may take to answer.', absent.timeout),
});

export const forward: SchemeKeys = schemeKeys<z.output<typeof schema>>({
  name: forwardName,
  schema,
  description:
    'A service that is asked about each request, such as Authelia, Authentik or oauth2-proxy. It gets the method and URL in `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`, and no body. 2xx lets the request pass; 401, 403 and redirects are the answer for the client; anything else is a failure, 503.',
  example: '{ upstream: authelia, path: /api/authz/forward-auth }',
  believes: ({ upstream, path }) => `${upstream} ${path}`,
  knows: ({ user_from, groups_from }) => [
    ...(user_from === undefined ? [] : (['users'] as const)),
    ...(groups_from === undefined ? [] : (['groups'] as const)),
  ],
  toKnow: {
    users: 'name the header of its answer in "user_from", such as Remote-User',
    groups: 'name the header of its answer in "groups_from", such as Remote-Groups',
  },
  ofRoute: (read): ForwardSpec => ({
    upstream: read.upstream,
    target: read.path,
    timeoutMs: read.timeout ?? timeoutMs,
    requestHeaders: [...headersAsked, ...(read.request_headers ?? []).map((name) => name.toLowerCase())],
    copyHeaders: read.copy_headers ?? [],
    userFrom: read.user_from?.toLowerCase() ?? null,
    groupsFrom: read.groups_from?.toLowerCase() ?? null,
  }),
  // Authorization is what clients authenticate with at the applications of other routes.
  headersSet: ({ copy_headers = [] }) => copy_headers.filter((name) => name.toLowerCase() !== 'authorization'),
  upstreams: ({ upstream }) => [upstream],
  review({ upstream, timeout, request_headers = [] }, at, beside, findings) {
    const { responseHeadMs, headersReserved } = beside;
    reviewAsked(upstream, [...at, 'upstream'], beside, findings);
    if ((timeout ?? timeoutMs) > responseHeadMs)
      findings.warnAtKey(
        timeout === undefined ? at : [...at, 'timeout'],
        `the route waits for ${responseHeadMs / 1000} s at most, by "timeouts.response_head"`,
        'write less here, or more there',
      );
    for (const name of request_headers)
      if (headersReserved.has(name.toLowerCase()))
        findings.errorAtKey(
          [...at, 'request_headers'],
          `"authentication" sets ${quoted(name)}, and the service would get what a client has written into it`,
          'leave it out',
        );
  },
});
