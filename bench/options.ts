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
