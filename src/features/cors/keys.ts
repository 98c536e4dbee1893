import * as z from 'zod';
import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import { declare } from '../../schema/default.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import { ms } from '../../schema/fallback.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { parseHeaderName, parseMethod } from '../../schema/format/field.ts';
import { durationOfHeader, oneOrMany, parsed } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { corsName, type CorsSpec } from './settings.ts';

const absent = {
  methods: declare('[GET, HEAD, POST]', 'Pages may send these anyway, without asking first.'),
  headers: declare('[]', 'Pages may send the usual ones without asking.'),
  expose: declare('[]', 'Pages may read the usual ones.'),
  credentials: declare('false', 'A page that may send cookies acts as the visitor.'),
  maxAge: declare('10m', 'Long enough for a visit, short enough for a change of mind.'),
};

const example = 'https://app.example.org';

function parseOrigin(written: string): Result<string, ErrorDetail> {
  if (written === '*') return succeed(written);
  if (written === 'null')
    return reject('"null" is the origin of every sandboxed page and local file', 'name the origins that are yours');
  const url = URL.parse(written.replace('://*.', '://any.'));
  const isOrigin = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.host !== '';
  if (!isOrigin || written.replace('://*.', '').includes('*'))
    return reject(
      `${quoted(written)} is not an origin`,
      `write scheme and host, such as ${example} or https://*.example.org`,
    );
  const origin = url.origin.replace('://any.', written.includes('://*.') ? '://*.' : '://any.');
  return origin === written ? succeed(origin) : reject(`browsers do not send ${quoted(written)}`, `write ${origin}`);
}

function parseAnyMethod(written: string): Result<string, ErrorDetail> {
  return written === '*' ? succeed(written) : parseMethod(written);
}

const corsSection = section({
  origins: oneOrMany(parsed(parseOrigin, { kind: 'origin', examples: [example] })).meta({
    description: `Origins whose pages may read the responses: \`${example}\`, \`https://*.example.org\` for every host below it, or \`"*"\`.`,
  }),
  methods: key(
    oneOrMany(parsed(parseAnyMethod, { kind: 'method' })),
    'Methods that those pages may send; `"*"` is any.',
    absent.methods,
  ),
  headers: key(
    oneOrMany(parsed(parseHeaderName, { kind: 'header name' })),
    'Headers that they may send; `"*"` is any.',
    absent.headers,
  ),
  expose: key(
    oneOrMany(parsed(parseHeaderName, { kind: 'header name' })),
    'Headers of responses that they may read, such as `X-Request-Id`.',
    absent.expose,
  ),
  credentials: key(z.boolean(), 'Whether they may send cookies and certificates.', absent.credentials),
  max_age: key(durationOfHeader, 'How long browsers may keep the permission.', absent.maxAge),
});

const corsKeys = {
  cors: key(
    z.union([z.literal('none'), corsSection]),
    'Which pages of other origins may read the responses (CORS). The gateway answers preflight requests, and replaces what the application says of it; or `none`.',
  ),
};

type CorsRead = z.output<z.ZodObject<typeof corsKeys>>;

export const cors: FeatureKeys = featureKeys<CorsRead, object, CorsRead>({
  name: corsName,
  routeKeys: corsKeys,
  fileKeys: corsKeys,
  forms: { cors: { example: `{ origins: ${example} }`, off: 'write none', stands: ['origins'] } },
  ofRoute(route, file): CorsSpec | null {
    const read = route.cors ?? file.cors ?? 'none';
    if (read === 'none') return null;
    return {
      origins: read.origins,
      methods: read.methods ?? ['GET', 'HEAD', 'POST'],
      headers: read.headers ?? [],
      expose: read.expose ?? [],
      credentials: read.credentials ?? false,
      maxAgeS: Math.round(ms(read.max_age, absent.maxAge) / 1000),
    };
  },
  review({ file, routes }, findings) {
    reviewAny(file.read.cors, ['cors'], findings);
    reviewEdits(file.read.cors ?? 'none', file.read, [], findings);
    for (const { path, read, match } of routes) {
      const inForce = read.cors ?? file.read.cors ?? 'none';
      reviewAny(read.cors, [...path, 'cors'], findings);
      reviewEdits(inForce, read, path, findings);
      if (read.cors === undefined || read.cors === 'none') continue;
      if (match.methods.length > 0 && !match.methods.includes('OPTIONS'))
        findings.warnAtKey(
          [...path, 'cors'],
          'preflight requests have the method OPTIONS, which this route does not take',
          'add OPTIONS to "methods"',
        );
    }
  },
});

type Cors = CorsRead['cors'];

function reviewAny(cors: Cors, path: Path, findings: Findings): void {
  if (cors === undefined || cors === 'none' || !cors.origins.includes('*')) return;
  if (cors.credentials === true)
    findings.errorAtKey(
      [...path, 'credentials'],
      'browsers accept no credentials where any origin is allowed',
      'name the origins, or leave out credentials',
    );
  if (cors.origins.length > 1)
    findings.warnAtKey([...path, 'origins'], '"*" is every origin, also the others of the list', 'write "*" alone');
}

/** A second value of one of these headers would be none to a browser. */
function reviewEdits(cors: Exclude<Cors, undefined>, read: object, path: Path, findings: Findings): void {
  if (cors === 'none') return;
  const { response_headers: edits = {} } = read as { response_headers?: Readonly<Record<string, unknown>> };
  for (const edit of ['set', 'add', 'default'])
    for (const name of Object.keys((edits[edit] as object | undefined) ?? {}))
      if (/^access-control-/i.test(name))
        findings.errorAtKey(
          [...path, 'response_headers', edit, name],
          `"cors" writes the headers of CORS, and ${quoted(name)} would be sent twice`,
          'remove it here, and say it in "cors"',
        );
}
