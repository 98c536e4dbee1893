import { eighthAnswerOutages } from './eighth-outages-answers.ts';
import { eighthApplicationOutages } from './eighth-outages-applications.ts';
import { eighthClientOutages } from './eighth-outages-clients.ts';
import { eighthOperatorOutages } from './eighth-outages-operators.ts';
import type { Outage } from './outage.ts';

/** The eighth set of outages: a service that sells tickets, and one that takes the readings of meters. */
export const eighthOutages: readonly Outage[] = [
  ...eighthAnswerOutages,
  ...eighthApplicationOutages,
  ...eighthClientOutages,
  ...eighthOperatorOutages,
];
