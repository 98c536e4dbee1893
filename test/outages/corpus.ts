import type { Control, Outage } from './outage.ts';
import { outages as applicationOutages } from './outages-application.ts';
import { controls as quietControls } from './controls-operations.ts';

export const outages: readonly Outage[] = [...applicationOutages];

export const controls: readonly Control[] = [...quietControls];

export function findPlay(name: string): ({ isControl: false } & Outage) | ({ isControl: true } & Control) {
  const outage = outages.find((one) => one.name === name);
  if (outage !== undefined) return { isControl: false, ...outage };
  const control = controls.find((one) => one.name === name);
  if (control !== undefined) return { isControl: true, ...control };
  throw new Error(`there is no play ${name}`);
}
