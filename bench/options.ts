import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';

/** The names of a list with commas; throws where one is not among them. */
export function chosen<T extends string>(text: string, of: readonly T[], what: string): T[] {
  return text.split(',').map((name) => {
    const found = of.find((one) => one === name);
    if (found === undefined) throw new Error(`there is no ${what} ${name}; there are ${of.join(', ')}`);
    return found;
  });
}

/** What was wrong with the words of a command line, for its user: the first sentence. */
export function wrongWords(error: unknown): string {
  return error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
}

/** A whole number of 1 or more; throws where the text says another, naming the flag. */
export function wholeNumber(text: string, flag: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new Error(`${flag} takes a whole number of 1 or more.`);
}

/**
 * What `read` makes of the options that this process was given; `--help` is one of them. Prints the usage and ends the
 * process where it is asked for (0), and where `read` or the parser will not have the words (2).
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
