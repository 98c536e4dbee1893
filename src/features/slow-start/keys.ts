import type * as z from 'zod';
import { declare } from '../../schema/default.ts';
import { durationOrNone } from '../../schema/leaves.ts';
import { key } from '../../schema/section.ts';
import { type FeatureKeys, featureKeys } from '../feature-keys.ts';
import { slowStartName, type SlowStartSpec } from './settings.ts';

/** Of an upstream or an application. */
const upstreamKeys = {
  slow_start: key(
    durationOrNone,
    'For how long an endpoint that became ready gets a part of its share only, which grows from a tenth to the whole, or `none`. Endpoints that became ready at the same time share as always.',
    declare('none', 'Most programs answer at full speed as soon as they are ready.'),
  ),
};

export const slowStart: FeatureKeys = featureKeys<object, z.output<z.ZodObject<typeof upstreamKeys>>>({
  name: slowStartName,
  upstreamKeys,
  forms: { slow_start: { example: '30s', off: 'write none' } },
  ofUpstream: ({ slow_start: rampMs }): SlowStartSpec | null =>
    rampMs === undefined || rampMs === null ? null : { rampMs },
});
