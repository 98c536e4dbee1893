import { applicationPagesWords } from './application-pages/words.ts';
import { circuitBreakerWords } from './circuit-breaker/words.ts';
import { concurrencyWords } from './concurrency/words.ts';
import { filesWords } from './files/words.ts';
import { corsWords } from './cors/words.ts';
import { maintenanceWords } from './maintenance/words.ts';
import { objectivesWords } from './objectives/words.ts';
import { readinessWords } from './readiness/words.ts';
import { redirectWords } from './redirect/words.ts';
import { respondWords } from './respond/words.ts';
import { retryWords } from './retry/words.ts';
import type { FeatureWords } from './feature-words.ts';

/** In the order in which people read them. */
export const wordsOfFeatures: readonly FeatureWords[] = [
  concurrencyWords,
  circuitBreakerWords,
  objectivesWords,
  retryWords,
  filesWords,
  redirectWords,
  respondWords,
  maintenanceWords,
  readinessWords,
  corsWords,
  applicationPagesWords,
];
