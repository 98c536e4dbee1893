import { authentication } from './authentication/worker.ts';
import { access } from './access/worker.ts';
import { signedLinks } from './signed-links/worker.ts';
import { bandwidth } from './bandwidth/worker.ts';
import { errorReplacement } from './error-replacement/worker.ts';
import { bodyLimits } from './body-limits/worker.ts';
import { circuitBreaker } from './circuit-breaker/worker.ts';
import { compression } from './compression/worker.ts';
import { concurrency } from './concurrency/worker.ts';
import { cors } from './cors/worker.ts';
import { drainSignal } from './drain-signal/worker.ts';
import { files } from './files/worker.ts';
import { fastCgi } from './fastcgi/worker.ts';
import { maintenance } from './maintenance/worker.ts';
import { maintenanceWindows } from './maintenance-windows/worker.ts';
import { rateLimits } from './rate-limits/worker.ts';
import { readiness } from './readiness/worker.ts';
import { recording } from './recording/worker.ts';
import { redirect } from './redirect/worker.ts';
import { releases } from './releases/worker.ts';
import { requestDecompression } from './request-decompression/worker.ts';
import { textReplacement } from './text-replacement/worker.ts';
import { respond } from './respond/worker.ts';
import { responseRewrite } from './response-rewrite/worker.ts';
import { retry } from './retry/worker.ts';
import { sendFiles } from './send-files/worker.ts';
import { slowStart } from './slow-start/worker.ts';
import { sticky } from './sticky/worker.ts';
import type { WorkerFeature } from './worker-feature.ts';

/** The features of routes and upstreams, in the order in which requests meet them. */
export const workerFeatures: readonly WorkerFeature[] = [
  circuitBreaker,
  concurrency,
  retry,
  bodyLimits,
  recording,
  sticky,
  releases,
  slowStart,
  drainSignal,
  responseRewrite,
  bandwidth,
  compression,
  requestDecompression,
  textReplacement,
  sendFiles,
  files,
  rateLimits,
  cors,
  access,
  authentication,
  signedLinks,
  errorReplacement,
  fastCgi,
  respond,
  redirect,
  maintenance,
  maintenanceWindows,
  readiness,
];
