import * as z from 'zod';
import { type Result, succeed } from '#failures/result.ts';
import { declare } from '../../schema/default.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';
import { parsed, whole } from '../../schema/leaves.ts';
import { key } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { reviewErrors } from './keys-review.ts';
import { errorReplacementName as name, type ErrorReplacementSpec } from './settings.ts';

const absent = declare('none', 'Only the operator knows which errors of an application people see.');

const status = z.union([
  whole(400, 599).transform(String),
  parsed(parseStatuses, { kind: 'status', examples: ['404', '5xx'] }),
]);

const statuses = z.union([z.literal('none'), status.transform((one) => [one]), z.array(status).min(1)]);

const description =
  'Statuses of applications, such as `404` or `5xx`, whose pages are replaced by those of `error_pages`. Only where a client asks for HTML and the application sends HTML, plain text or nothing.';

/** Of a route. */
const routeKeys = { replace_errors: key(statuses, `${description} If it differs from the file; or \`none\`.`) };

/** Of the file. */
const fileKeys = { replace_errors: key(statuses, description, absent) };

type RouteRead = z.output<z.ZodObject<typeof routeKeys>>;
type FileRead = z.output<z.ZodObject<typeof fileKeys>>;

export const errorReplacement: FeatureKeys = featureKeys<RouteRead, object, FileRead>({
  name,
  needsUpstream: true,
  routeKeys,
  fileKeys,
  forms: { [name]: { example: '[404, 5xx]', off: 'write none' } },
  ofRoute(route, file): ErrorReplacementSpec | null {
    const inForce = route[name] ?? file[name] ?? 'none';
    return inForce === 'none' ? null : { statuses: inForce };
  },
  review: reviewErrors,
});

function parseStatuses(written: string): Result<string, ErrorDetail> {
  const lower = written.toLowerCase();
  if (/^[45](?:\d\d|xx)$/.test(lower)) return succeed(lower);
  return reject(`${quoted(written)} is not the status of an error`, 'write a status from 400 to 599, 4xx or 5xx');
}
