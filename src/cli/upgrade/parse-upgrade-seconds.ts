import { upgradeSecondsMax } from '../../admin/upgrader.ts';
import { CommandFailure } from '../command-failure.ts';

/** The time limits that the admin API accepts for an upgrade. */
export function parseUpgradeSeconds(input: string): number {
  const [, digits] = /^(\d{1,3})s?$/.exec(input) ?? [];
  const seconds = Number(digits ?? 0);
  if (seconds >= 1 && seconds <= upgradeSecondsMax) return seconds;
  throw new CommandFailure('usage', `a whole number of seconds from 1 to ${upgradeSecondsMax}`);
}
