import { fifthAnswerOutages } from './fifth-outages-answers.ts';
import { fifthApplicationOutages } from './fifth-outages-applications.ts';
import { fifthClientOutages } from './fifth-outages-clients.ts';
import { fifthHostOutages } from './fifth-outages-hosts.ts';
import { fifthOperatorOutages } from './fifth-outages-operators.ts';
import type { Outage } from './outage.ts';

/** The fifth set of outages, as they happen to small teams. */
export const fifthOutages: readonly Outage[] = [
  ...fifthApplicationOutages,
  ...fifthAnswerOutages,
  ...fifthHostOutages,
  ...fifthOperatorOutages,
  ...fifthClientOutages,
];
