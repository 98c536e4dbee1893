import { SlowStart } from '../../policy/slow-start.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { slowStartName, type SlowStartSpec } from './settings.ts';

interface SlowStartPart extends FeaturePart {
  readonly rampMs: number;
}

export const slowStart = workerFeature<SlowStartSpec, SlowStartPart>({
  name: slowStartName,
  prepare(_, { rampMs }, { random }, previous) {
    // Another hook would replace the balancers, with what they count.
    if (previous?.rampMs === rampMs) return previous;
    return { rampMs, hooks: { priorityBalancer: (inner) => new SlowStart(inner, rampMs, random) } };
  },
});
