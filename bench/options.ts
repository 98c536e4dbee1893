import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** Parses a list with commas. Throws if a name is unknown. */
export function chosen<T extends string>(text: string, of: readonly T[], what: string): T[] {
  return text.split(',').map((name) => {
    const found = of.find((one) => one === name);
    if (found === undefined) throw new Error(`there is no ${what} ${name}; there are ${of.join(', ')}`);
    return found;
  });
}

/**
 * Those whose name contains one of the texts of a list with commas. A comma before a blank belongs to a text, since names have such. Throws if
 * there are none.
 */
export function namedLike<T extends { readonly name: string }>(
  texts: string,
  of: readonly T[],
  what: string,
): readonly T[] {
  const found = of.filter(({ name }) => texts.split(/,(?! )/).some((text) => name.includes(text)));
  if (found.length === 0) throw new Error(`no ${what} has a name with ${texts}.`);
  return found;
}

/** The first sentence of the error of a command line, for its user. */
export function wrongWords(error: unknown): string {
  return error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
}

/** Parses an integer of `min` or more. Otherwise throws an error that names the flag. */
export function wholeNumber(text: string, flag: string, min = 1): number {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(number) && number >= min) return number;
  throw new Error(`${flag} takes a whole number of ${min} or more.`);
}

/**
 * Calls `read` with the arguments of this process, of which `--help` is one. Prints the usage and ends the process: with 0
 * for `--help`, and with 2 if `read` or the parser rejects the arguments.
 */
export function optionsOr<const T extends ParseArgsOptionsConfig, Asked>(
  usage: string,
  options: T,
  read: (values: ReturnType<typeof parseArgs<{ options: T }>>['values']) => Asked,
): Asked {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean', default: false } } });
    if (!(values as { help: boolean }).help) return read(values as Parameters<typeof read>[0]);
  } catch (error) {
    console.error(`${wrongWords(error)}\n\n${usage}`);
    process.exit(2);
  }
  console.log(usage);
  process.exit(0);
}
