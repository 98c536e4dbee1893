import { captureNames } from '../../core/path-match.ts';
import * as z from 'zod';
import { recordFieldsMax } from '../../core/record.ts';
import { templateError } from '../../core/template.ts';
import { describe } from '../../schema/default.ts';
import { type ErrorDetail, quoted } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { encodeDetail, text } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { type RecordingSpec, recordingName } from './settings.ts';

const absent = describe('all of them', 'What is not logged cannot be explained.');

/** `10%`, `1/10`, and 10 for 10 %. */
function shareError({ input }: { readonly input?: unknown }): string {
  const written = String(input);
  const [, part = '', sign, whole = '1'] = /^\s*(\d+(?:\.\d+)?)\s*(%|\/)?\s*(\d*)\s*$/.exec(written) ?? [];
  const share = sign === '/' ? Number(part) / Number(whole) : Number(part) / 100;
  return encodeDetail({
    message: `${quoted(written)} is no share of the successes`,
    suggestion:
      part !== '' && share > 0 && share <= 1
        ? `write ${Number(share.toPrecision(3))}`
        : 'write a number above 0 and up to 1, such as 0.1, or log: off for failures alone',
  });
}

/** Of a route. */
const recordingKeys = {
  log: key(
    z.union([
      z.literal('off'),
      section({
        sample: key(
          z.number({ error: shareError }).gt(0, { error: shareError }).lte(1, { error: shareError }),
          'The share of its successes that are logged, such as `0.1`: each record says how many were left out before it (`unlogged`). Failures are logged always.',
          absent,
        ),
        fields: key(
          z.record(z.string(), text),
          'Further values in each record, by name, such as `{ tenant: "{header.X-Tenant}" }`.',
          describe('none', 'Records have what explains an exchange.'),
        ),
      }),
    ]),
    'What the exchange log has of this route; `off`: its failures alone. Metrics and incidents count every exchange.',
    absent,
  ),
};

type RouteRead = z.output<z.ZodObject<typeof recordingKeys>>;

export const recording: FeatureKeys = featureKeys<RouteRead, object>({
  name: recordingName,
  routeKeys: recordingKeys,
  forms: {
    log: { example: '{ sample: 0.1 }', off: 'write off', stands: ['sample'] },
  },
  ofRoute({ log: read }): RecordingSpec | null {
    if (read === undefined) return null;
    const { sample = 1, fields = {} } = read === 'off' ? { sample: 0 } : read;
    return sample === 1 && Object.keys(fields).length === 0 ? null : { share: sample, fields };
  },
  review({ routes }, findings) {
    for (const { path, read, match } of routes)
      if (typeof read.log === 'object') {
        const captures = captureNames(match.paths ?? []);
        reviewFields(read.log.fields ?? {}, [...path, 'log', 'fields'], findings, captures);
      }
  },
});

function reviewFields(
  fields: Readonly<Record<string, string>>,
  path: Path,
  findings: Findings,
  captures: readonly string[],
): void {
  const all = Object.entries(fields);
  if (all.length > recordFieldsMax)
    findings.errorAtKey(path, `${all.length} fields would make lines too long`, `name at most ${recordFieldsMax}`);
  for (const [name, value] of all) {
    const error = nameError(name) ?? templateError(value, captures);
    if (error !== null) findings.errorAtValue([...path, name], error.message, error.suggestion);
  }
}

function nameError(name: string): ErrorDetail | null {
  return /^[a-z][a-z\d_]{0,63}$/.test(name)
    ? null
    : { message: `${quoted(name)} is no name of a field`, suggestion: 'write it in lowercase, with "_" between words' };
}
