import type * as z from 'zod';
import { authentication } from './authentication/keys.ts';
import { access } from './access/keys.ts';
import { signedLinks } from './signed-links/keys.ts';
import { bandwidth } from './bandwidth/keys.ts';
import { files } from './files/keys.ts';
import { errorReplacement } from './error-replacement/keys.ts';
import { bodyLimits } from './body-limits/keys.ts';
import { circuitBreaker } from './circuit-breaker/keys.ts';
import { endpointBreaker } from './circuit-breaker/keys-endpoint.ts';
import { compression } from './compression/keys.ts';
import { concurrency } from './concurrency/keys.ts';
import { cors } from './cors/keys.ts';
import { dependencies } from './dependencies/keys.ts';
import { drainSignals } from './drain-signal/keys.ts';
import { jobs } from './jobs/keys.ts';
import { maintenance } from './maintenance/keys.ts';
import { maintenanceWindows } from './maintenance-windows/keys.ts';
import { objectives } from './objectives/keys.ts';
import { outlierDetection } from './outlier-detection/keys.ts';
import { pricesKeys } from './prices/keys.ts';
import { rateLimits } from './rate-limits/keys.ts';
import { readiness } from './readiness/keys.ts';
import { recording } from './recording/keys.ts';
import { redirect } from './redirect/keys.ts';
import { releases } from './releases/keys.ts';
import { requestDecompression } from './request-decompression/keys.ts';
import { textReplacement } from './text-replacement/keys.ts';
import { resources } from './resources/keys.ts';
import { respond } from './respond/keys.ts';
import { responseRewrite } from './response-rewrite/keys.ts';
import { retries } from './retry/keys.ts';
import { secrets } from './secrets/keys.ts';
import { sendFiles } from './send-files/keys.ts';
import { slowStart } from './slow-start/keys.ts';
import { sticky } from './sticky/keys.ts';
import { fastCgi } from './fastcgi/keys.ts';
import type { FeatureKeys } from './feature-keys.ts';

/** In the order in which documents have their keys. */
export const featuresOfFile: readonly FeatureKeys[] = [
  files,
  respond,
  redirect,
  maintenance,
  maintenanceWindows,
  readiness,
  cors,
  access,
  authentication,
  signedLinks,
  responseRewrite,
  errorReplacement,
  fastCgi,
  sendFiles,
  retries,
  objectives,
  bodyLimits,
  bandwidth,
  recording,
  circuitBreaker,
  rateLimits,
  concurrency,
  drainSignals,
  sticky,
  compression,
  requestDecompression,
  textReplacement,
  slowStart,
  outlierDetection,
  endpointBreaker,
  releases,
  dependencies,
  resources,
  pricesKeys,
  secrets,
  jobs,
];

/** What a route, an upstream or application, the file for all routes, an application alone, and the file of the gateway may say of features. Only a feature's own files know its keys. */
export const routeActionKeys = keysOf(({ isAction, routeKeys }) => (isAction ? routeKeys : {}));
export const routeFeatureKeys = keysOf(({ isAction, routeKeys }) => (isAction ? {} : routeKeys));
export const upstreamFeatureKeys = keysOf(({ upstreamKeys }) => upstreamKeys);
export const fileFeatureKeys = keysOf(({ fileKeys }) => fileKeys);
export const applicationFeatureKeys = keysOf((feature) => feature.applicationKeys);
export const topFeatureKeys = keysOf(({ topKeys }) => topKeys);

function keysOf(select: (feature: FeatureKeys) => z.ZodRawShape | undefined): object {
  return Object.assign({}, ...featuresOfFile.map(select));
}
