import { ninthAnswerOutages } from './ninth-outages-answers.ts';
import { ninthApplicationOutages } from './ninth-outages-applications.ts';
import { ninthClientOutages } from './ninth-outages-clients.ts';
import { ninthOperatorOutages } from './ninth-outages-operators.ts';
import type { Outage } from './outage.ts';

/** The ninth set of outages: mostly of a service with courses, and of a registry of packages. */
export const ninthOutages: readonly Outage[] = [
  ...ninthAnswerOutages,
  ...ninthApplicationOutages,
  ...ninthClientOutages,
  ...ninthOperatorOutages,
];
