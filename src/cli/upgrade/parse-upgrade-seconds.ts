import { upgradeSecondsMax } from '../../admin/upgrader.ts';
import { CommandFailure } from '../command-failure.ts';

/** What a gateway takes for the time of an upgrade. */
export function parseUpgradeSeconds(input: string): number {
  const [, digits] = /^(\d{1,3})s?$/.exec(input) ?? [];
  const seconds = Number(digits ?? 0);
  if (seconds >= 1 && seconds <= upgradeSecondsMax) return seconds;
  throw new CommandFailure('usage', `a whole number of seconds from 1 to ${upgradeSecondsMax}`);
}
