/** What stands in a configuration in place of a value that is not shown: YAML of a text. Plain asterisks would be an alias. */
export const hiddenValue = '"***"';

/**
 * A configuration that an earlier version of Candor hid values in, as one that can be read: it wrote asterisks without quotes, up to three of
 * them. Text inside of block scalars stays. Lines keep their numbers.
 */
export function quoteHidden(text: string): string {
  if (!text.includes('*')) return text;
  const lines: string[] = [];
  /** The indent of the line that begins the block scalar; null outside of one. */
  let block: number | null = null;
  let isAfterHidden = false;
  for (const line of text.split('\n')) {
    const indent = line.search(/\S/);
    if (block !== null && (indent === -1 || indent > block)) {
      lines.push(line);
      continue;
    }
    block = blockBegin.test(line) ? indent : null;
    // Further lines of a value that was hidden line by line.
    const isRest: boolean = isAfterHidden && /^[ \t]+\*+[ \t\r]*$/.test(line);
    const quoted: string = isRest ? '' : quoteMasks(line, '*');
    lines.push(quoted);
    if (indent !== -1) isAfterHidden = isRest || /"\*\*\*"[ \t\r]*$/.test(quoted);
  }
  return lines.join('\n');
}

const blockBegin = /(?:^|[:-])[ \t]+(?:[!&]\S+[ \t]+)*[|>][-+\d]{0,2}[ \t]*(?:#.*)?\r?$/;

/** `text` with quotes around the plain values that are `mask` alone, however often. */
export function quoteMasks(text: string, mask: string): string {
  const masks = `[${mask}]+`;
  const begin = '(?:[:,-][ \\t]+|[[{][ \\t]*)(?:&\\w+[ \\t]+)?';
  const end = '(?=[ \\t\\r]*(?:$|[,\\]}])|[ \\t]+#)';
  return text.replace(new RegExp(`(${begin})${masks}${end}`, 'gm'), `$1${hiddenValue}`);
}
