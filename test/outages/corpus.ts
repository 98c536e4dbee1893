import { operationControls } from './controls-operations.ts';
import { trafficControls } from './controls-traffic.ts';
import { eighthControls } from './eighth-controls.ts';
import { eighthOutages } from './eighth-outages.ts';
import { fifthOperationControls } from './fifth-controls-operations.ts';
import { fifthTrafficControls } from './fifth-controls-traffic.ts';
import { fifthOutages } from './fifth-outages.ts';
import { fourthControls } from './fourth-controls.ts';
import { fourthOutages } from './fourth-outages.ts';
import { ninthControls } from './ninth-controls.ts';
import { ninthOutages } from './ninth-outages.ts';
import type { Control, Outage } from './outage.ts';
import { answerOutages } from './outages-answers.ts';
import { clientOutages } from './outages-clients.ts';
import { dependencyOutages } from './outages-dependencies.ts';
import { networkOutages } from './outages-network.ts';
import { processOutages } from './outages-processes.ts';
import { releaseOutages } from './outages-releases.ts';
import { secondControls } from './second-controls.ts';
import { secondOutages } from './second-outages.ts';
import { seventhControls } from './seventh-controls.ts';
import { seventhOutages } from './seventh-outages.ts';
import { sixthControls } from './sixth-controls.ts';
import { sixthOutages } from './sixth-outages.ts';
import { tenthControls } from './tenth-controls.ts';
import { tenthOutages } from './tenth-outages.ts';
import { thirdControls } from './third-controls.ts';
import { thirdOutages } from './third-outages.ts';

const firstOutages: readonly Outage[] = [
  ...releaseOutages,
  ...dependencyOutages,
  ...processOutages,
  ...networkOutages,
  ...clientOutages,
  ...answerOutages,
];

const firstControls: readonly Control[] = [...operationControls, ...trafficControls];

const fifthControls: readonly Control[] = [...fifthOperationControls, ...fifthTrafficControls];

export const outages: readonly Outage[] = [
  ...firstOutages,
  ...secondOutages,
  ...thirdOutages,
  ...fourthOutages,
  ...fifthOutages,
  ...sixthOutages,
  ...seventhOutages,
  ...eighthOutages,
  ...ninthOutages,
  ...tenthOutages,
];
export const controls: readonly Control[] = [
  ...firstControls,
  ...secondControls,
  ...thirdControls,
  ...fourthControls,
  ...fifthControls,
  ...sixthControls,
  ...seventhControls,
  ...eighthControls,
  ...ninthControls,
  ...tenthControls,
];

/** Each set was written after the one before had been played. */
export const playSets = {
  first: [...firstOutages, ...firstControls],
  second: [...secondOutages, ...secondControls],
  third: [...thirdOutages, ...thirdControls],
  fourth: [...fourthOutages, ...fourthControls],
  fifth: [...fifthOutages, ...fifthControls],
  sixth: [...sixthOutages, ...sixthControls],
  seventh: [...seventhOutages, ...seventhControls],
  eighth: [...eighthOutages, ...eighthControls],
  ninth: [...ninthOutages, ...ninthControls],
  tenth: [...tenthOutages, ...tenthControls],
  all: [...outages, ...controls],
} as const;

export const isPlaySet = (name: string): name is keyof typeof playSets => Object.hasOwn(playSets, name);

export function findPlay(name: string): ({ isControl: false } & Outage) | ({ isControl: true } & Control) {
  const outage = outages.find((one) => one.name === name);
  if (outage !== undefined) return { isControl: false, ...outage };
  const control = controls.find((one) => one.name === name);
  if (control !== undefined) return { isControl: true, ...control };
  throw new Error(`there is no play ${name}`);
}
