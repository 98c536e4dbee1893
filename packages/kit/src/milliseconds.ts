/** Throws where an option is no time. */
export function milliseconds(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new RangeError(`${name} is ${String(value)}: write a number of milliseconds, 0 or more`);
}
