import { parseArgs } from 'node:util';

/** Options by name: texts have no default, numbers have one and are zero or more. */
type Options<T extends string, N extends string> = Readonly<Record<T, string | undefined> & Record<N, number>>;

/**
 * The options of the command line. Where help is asked for, prints `usage` and ends the program with 0; where the words
 * are wrong, says what is wrong before it and ends with 2.
 */
export function toolOptions<T extends string, N extends string>(
  usage: string,
  texts: readonly T[],
  numbers: Readonly<Record<N, number>>,
): Options<T, N> {
  const values = readValues([...texts, ...Object.keys(numbers)]);
  if (typeof values === 'string') return refuse(values, usage);
  if (values['help'] === true) {
    console.log(usage);
    process.exit(0);
  }
  const read: Record<string, unknown> = { ...values };
  for (const [name, usual] of Object.entries(numbers)) {
    const number = Number(values[name] ?? usual);
    if (!Number.isFinite(number) || number < 0) refuse(`--${name} takes a number.`, usage);
    read[name] = number;
  }
  return read as Options<T, N>;
}

/** What the words say, or what is wrong with them. */
function readValues(names: readonly string[]): Record<string, unknown> | string {
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  try {
    return parseArgs({ options: { ...options, help: { type: 'boolean' } } }).values;
  } catch (error) {
    return error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
  }
}

function refuse(what: string, usage: string): never {
  console.error(`${what}\n\n${usage}`);
  process.exit(2);
}
