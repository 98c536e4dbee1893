import { timeAheadForms, timeAheadOfText } from '../core/query-time.ts';
import { CommandFailure } from './command-failure.ts';

/** The value of a flag that is a time to come, as RFC 3339 in UTC. */
export function comingTime(text: string, wallTime: number, flag: string): string {
  const at = timeAheadOfText(text, wallTime);
  if (at === null) throw new CommandFailure('usage', `${flag} ${text} is no time: one ${timeAheadForms}`);
  const time = new Date(at).toISOString();
  if (at <= wallTime) throw new CommandFailure('usage', `${flag} ${text} is over: it was ${time}`);
  return time;
}
