import { applicationPages } from './application-pages/worker.ts';
import { circuitBreaker } from './circuit-breaker/worker.ts';
import { concurrency } from './concurrency/worker.ts';
import { cors } from './cors/worker.ts';
import { drainSignal } from './drain-signal/worker.ts';
import { files } from './files/worker.ts';
import { maintenance } from './maintenance/worker.ts';
import { readiness } from './readiness/worker.ts';
import { redirect } from './redirect/worker.ts';
import { releases } from './releases/worker.ts';
import { respond } from './respond/worker.ts';
import { retry } from './retry/worker.ts';
import { slowStart } from './slow-start/worker.ts';
import { sticky } from './sticky/worker.ts';
import type { WorkerFeature } from './worker-feature.ts';

/** The features of routes and upstreams, in the order in which requests meet them. */
export const workerFeatures: readonly WorkerFeature[] = [
  circuitBreaker,
  concurrency,
  retry,
  sticky,
  releases,
  slowStart,
  drainSignal,
  files,
  cors,
  applicationPages,
  respond,
  redirect,
  maintenance,
  readiness,
];
