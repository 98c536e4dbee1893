import { CommandFailure } from './command-failure.ts';

/** A day: longer than any drain, and short enough for a timer. */
const secondsMax = 86_400;

/** Parses the value of `candor stop --timeout`. */
export function parseStopSeconds(input: string): number {
  const seconds = Number(input);
  if (/^\d+(\.\d+)?$/.test(input) && seconds > 0 && seconds <= secondsMax) return seconds;
  throw new CommandFailure('usage', `a time is a number of seconds, up to ${secondsMax}`);
}
