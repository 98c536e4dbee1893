import * as z from 'zod';
import { type FeatureKeys, featureKeys } from '../../../src/features/feature-keys.ts';
import { key } from '../../../src/schema/section.ts';

const routeKeys = { end_worker: key(z.literal(true), 'A request ends its worker.') };

export const endWorker: FeatureKeys = featureKeys<z.output<z.ZodObject<typeof routeKeys>>, object>({
  name: 'end_worker',
  routeKeys,
  ofRoute: ({ end_worker: read }) => (read === undefined ? null : {}),
});
