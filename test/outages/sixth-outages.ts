import type { Outage } from './outage.ts';
import { sixthAnswerOutages } from './sixth-outages-answers.ts';
import { sixthApplicationOutages } from './sixth-outages-applications.ts';
import { sixthOperatorOutages } from './sixth-outages-operators.ts';

/** The sixth set of outages: a shop, and a service for teams. */
export const sixthOutages: readonly Outage[] = [
  ...sixthAnswerOutages,
  ...sixthApplicationOutages,
  ...sixthOperatorOutages,
];
