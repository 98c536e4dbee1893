import { authentication } from './authentication/main.ts';
import { access } from './access/main.ts';
import { signedLinks } from './signed-links/main.ts';
import { bandwidth } from './bandwidth/main.ts';
import { circuitBreaker } from './circuit-breaker/main.ts';
import { concurrency } from './concurrency/main.ts';
import { dependencies } from './dependencies/main.ts';
import { drainSignal } from './drain-signal/main.ts';
import { files } from './files/main.ts';
import { jobs } from './jobs/main.ts';
import { maintenance } from './maintenance/main.ts';
import { maintenanceWindows } from './maintenance-windows/main.ts';
import { objectives } from './objectives/main.ts';
import { rateLimits } from './rate-limits/main.ts';
import { readiness } from './readiness/main.ts';
import { resources } from './resources/main.ts';
import { secrets } from './secrets/main.ts';
import { sticky } from './sticky/main.ts';
import type { MainFeature } from './main-feature.ts';

/** Features that need something of the main thread. */
export const mainFeatures: readonly MainFeature[] = [
  concurrency,
  rateLimits,
  bandwidth,
  circuitBreaker,
  objectives,
  drainSignal,
  sticky,
  maintenance,
  maintenanceWindows,
  readiness,
  access,
  authentication,
  signedLinks,
  dependencies,
  files,
  secrets,
  jobs,
  // The last: what stands before the program sees what the others have given it.
  resources,
];
