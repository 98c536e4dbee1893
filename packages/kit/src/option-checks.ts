/** Throws where an option is no time. */
export function milliseconds(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0) return value;
  throw new RangeError(`${name} is ${String(value)}: write a number of milliseconds, 0 or more`);
}

/** Throws for a misspelled option, which would have no effect. Programs without types have nobody else to tell them. */
export function knownOptions(of: string, given: object, known: Readonly<Record<string, true>>): void {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(known, name))
      throw new TypeError(`${of} has no option "${name}": it has ${Object.keys(known).join(', ')}`);
}
