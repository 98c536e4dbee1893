import type { Outage } from './outage.ts';
import { tenthAnswerOutages } from './tenth-outages-answers.ts';
import { tenthApplicationOutages } from './tenth-outages-applications.ts';
import { tenthClientOutages } from './tenth-outages-clients.ts';
import { tenthOperatorOutages } from './tenth-outages-operators.ts';

/** The tenth set of outages: of a service for practices of doctors, and of one that brings meals. */
export const tenthOutages: readonly Outage[] = [
  ...tenthAnswerOutages,
  ...tenthApplicationOutages,
  ...tenthClientOutages,
  ...tenthOperatorOutages,
];
