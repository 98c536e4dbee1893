import { lazyWorkerFeature } from '../worker-feature.ts';
import { bandwidthName, type BandwidthSpec } from './settings.ts';

export const bandwidth = lazyWorkerFeature(
  bandwidthName,
  () => import('./worker-part.ts'),
  ({ bandwidthPart }, scope, spec: BandwidthSpec, ports) => bandwidthPart(scope, spec, ports),
);
