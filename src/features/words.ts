import { authenticationWords } from './authentication/words.ts';
import { accessWords } from './access/words.ts';
import { signedLinksWords } from './signed-links/words.ts';
import { bandwidthWords } from './bandwidth/words.ts';
import { errorReplacementWords } from './error-replacement/words.ts';
import { bodyLimitsWords } from './body-limits/words.ts';
import { circuitBreakerWords } from './circuit-breaker/words.ts';
import { compressionWords } from './compression/words.ts';
import { concurrencyWords } from './concurrency/words.ts';
import { filesWords } from './files/words.ts';
import { dependenciesWords } from './dependencies/words.ts';
import { corsWords } from './cors/words.ts';
import { fastCgiWords } from './fastcgi/words.ts';
import { maintenanceWords } from './maintenance/words.ts';
import { maintenanceWindowsWords } from './maintenance-windows/words.ts';
import { objectivesWords } from './objectives/words.ts';
import { rateLimitsWords } from './rate-limits/words.ts';
import { readinessWords } from './readiness/words.ts';
import { recordingWords } from './recording/words.ts';
import { redirectWords } from './redirect/words.ts';
import { decompressionWords } from './request-decompression/words.ts';
import { replacementWords } from './text-replacement/words.ts';
import { resourcesWords } from './resources/words.ts';
import { respondWords } from './respond/words.ts';
import { responseRewriteWords } from './response-rewrite/words.ts';
import { retryWords } from './retry/words.ts';
import { sendFilesWords } from './send-files/words.ts';
import type { FeatureWords } from './feature-words.ts';

/** In the order in which people read them. */
export const wordsOfFeatures: readonly FeatureWords[] = [
  concurrencyWords,
  rateLimitsWords,
  bodyLimitsWords,
  bandwidthWords,
  recordingWords,
  circuitBreakerWords,
  dependenciesWords,
  objectivesWords,
  retryWords,
  responseRewriteWords,
  compressionWords,
  decompressionWords,
  replacementWords,
  filesWords,
  fastCgiWords,
  sendFilesWords,
  redirectWords,
  respondWords,
  maintenanceWords,
  maintenanceWindowsWords,
  readinessWords,
  corsWords,
  accessWords,
  authenticationWords,
  signedLinksWords,
  errorReplacementWords,
  resourcesWords,
];
