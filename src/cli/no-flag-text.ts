/** `flag`: as it was written, '--prot'. */
export function noFlagText(flag: string): string {
  return `There is no flag ${flag}. \`--help\` lists all flags.`;
}
