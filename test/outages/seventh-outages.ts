import type { Outage } from './outage.ts';
import { seventhAnswerOutages } from './seventh-outages-answers.ts';
import { seventhApplicationOutages } from './seventh-outages-applications.ts';
import { seventhOperatorOutages } from './seventh-outages-operators.ts';
import { seventhReleaseOutages } from './seventh-outages-releases.ts';

/** The seventh set of outages: a shop, a service for teams, and a service that sends parcels. */
export const seventhOutages: readonly Outage[] = [
  ...seventhAnswerOutages,
  ...seventhApplicationOutages,
  ...seventhReleaseOutages,
  ...seventhOperatorOutages,
];
