import type * as z from 'zod';
import { type FeatureKeys, featureKeys } from '../../../src/features/feature-keys.ts';
import { whole } from '../../../src/schema/leaves.ts';
import { key } from '../../../src/schema/section.ts';
import { sharedLimitName, type SharedLimitSpec } from './settings.ts';

const routeKeys = { shared_limit: key(whole(1, 1000), 'How many of its requests may be in flight in all workers.') };

type RouteRead = z.output<z.ZodObject<typeof routeKeys>>;

export const sharedLimit: FeatureKeys = featureKeys<RouteRead, object>({
  name: sharedLimitName,
  routeKeys,
  needsUpstream: true,
  sharedBy: 'shared_limit',
  ofRoute: ({ shared_limit: max }): SharedLimitSpec | null => (max === undefined ? null : { max }),
});
