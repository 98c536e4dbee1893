import type { LineDivider } from './line-divider.ts';
import type { NewExchange } from './segment.ts';

/** The exchanges in lines of a ring. Each line has a number, for how many exchanges it stands, before its record. `takes`: whether a line is one of others, who have it then. */
export function exchangesInBytes(
  bytes: Buffer,
  divider: LineDivider,
  takes: (text: string) => boolean = () => false,
): { exchanges: NewExchange[]; damaged: number } {
  const exchanges: NewExchange[] = [];
  let damaged = 0;
  for (const text of bytes.toString('latin1').split('\n')) {
    if (takes(text)) continue;
    const space = text.indexOf(' ');
    const line = space > 0 ? divider.divide(text.slice(space + 1)) : null;
    if (line !== null) exchanges.push({ line, standsFor: Number(text.slice(0, space)) });
    else if (text !== '') damaged += 1;
  }
  return { exchanges, damaged };
}
