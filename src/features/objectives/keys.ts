/** What may be written about objectives of routes. */
import type { SloSpec } from '../../core/objective.ts';
import { describe } from '../../schema/default.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { objectivesName } from './settings.ts';
import { duration, parsed } from '../../schema/leaves.ts';
import { key, section } from '../../schema/section.ts';
import type * as z from 'zod';
import { type Result, succeed } from '#failures/result.ts';
import { type ErrorDetail, quoted, reject } from '../../schema/error-detail.ts';

const objectivePattern = String.raw`[5-9]\d(\.\d{1,4})?%`;

/** A share that is promised, such as `99.9%`: from 50 % to less than 100 %, which no one can promise. As a number from 0.5 to 1. */
function parseObjective(text: string): Result<number, ErrorDetail> {
  if (new RegExp(`^${objectivePattern}$`).test(text))
    return succeed(Math.round(Number.parseFloat(text) * 10_000) / 1_000_000);
  if (/^100(\.0+)?%$/.test(text))
    return reject('100% leaves no failure, and one will come', 'write 99.9%, or how many failures are few');
  return reject(`${quoted(text)} is no objective`, 'write a percentage from 50% to 99.9999%, such as 99.9%');
}

function bareObjectiveError(value: number): ErrorDetail {
  return { message: `the number ${value} has no unit`, suggestion: `write ${value < 1 ? value * 100 : value}%` };
}

const objective = parsed(parseObjective, {
  kind: 'percentage',
  bare: bareObjectiveError,
  pattern: `^${objectivePattern}$`,
  examples: ['99.9%', '99%'],
});

const absent = describe('none', 'Only the operator knows what users were promised.');

const slo = section({
  availability: key(
    objective,
    'The share of requests that are to be answered whole, without a 5xx, and without a gRPC status that says that the server has failed.',
    absent,
  ),
  latency: key(
    section({
      under: duration.meta({
        description:
          'How long they may take, from the first byte of the request to the last of the response; of tunnels, and of responses that go on for more than 5 s behind their head, to the head. Counted at the nearest bound of the histogram of durations, which is up to 17 % below.',
      }),
      share: objective.meta({ description: 'The share of responses that may take no longer, failures left out.' }),
    }),
    'How fast most responses are to be.',
    absent,
  ),
});

/** Of a route. */
const objectivesKeys = {
  slo: key(
    slo,
    'What users were promised: how many requests are to be answered without failure, and how fast. A budget that is used up too fast is reported.',
    absent,
  ),
};

type RouteRead = z.output<z.ZodObject<typeof objectivesKeys>>;

export const objectives: FeatureKeys = featureKeys<RouteRead, object>({
  name: objectivesName,
  routeKeys: objectivesKeys,
  forms: {
    slo: { example: '{ availability: 99.9% }', off: 'remove the key', stands: ['availability'] },
  },
  ofRoute({ slo: read }): SloSpec | null {
    const { availability, latency } = read ?? {};
    if (availability === undefined && latency === undefined) return null;
    return {
      availability: availability ?? null,
      latency: latency === undefined ? null : { underMs: latency.under, share: latency.share },
    };
  },
  review({ routes }, findings) {
    for (const { path, read } of routes)
      if (read.slo !== undefined && read.slo.availability === undefined && read.slo.latency === undefined)
        findings.errorAtKey([...path, 'slo'], '"slo" promises nothing', 'add "availability" or "latency"');
  },
});
