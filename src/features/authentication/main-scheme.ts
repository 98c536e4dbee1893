import type { MainFeaturePorts } from '../main-feature.ts';

/** What workers get in place of the spec of a scheme, such as with a key. The same for the same spec. */
export type SchemeForWorkers = (spec: object) => object;

/** Of the process, for all routes. */
export type StartScheme = (ports: Pick<MainFeaturePorts, 'random' | 'stateFolder'>) => SchemeForWorkers;
