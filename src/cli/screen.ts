import { shorten } from './layout.ts';
import type { Style } from './style.ts';

/** Rows if a terminal does not report its size. */
export const rowsUsual = 24;

/** Switches to the alternate screen without a cursor, and back (xterm's control sequences, ctlseqs: DECSET 1049 and 25). */
export const enterScreen = '\u001b[?1049h\u001b[?25l';
export const leaveScreen = '\u001b[?25h\u001b[?1049l';

/**
 * Written over the previous text from the upper left: each line clears the rest of its row, and the last one clears the
 * rows below.
 */
export function frameOf(text: string, rows: number, style: Style, others = '`candor status` has them'): string {
  const lines = text.trimEnd().split('\n');
  const room = Math.max(1, rows - 1);
  const hidden = lines.length - room;
  const shown =
    hidden <= 0
      ? lines
      : [...lines.slice(0, room - 1), style.dim(shorten(`… ${hidden + 1} more lines: ${others}`, 78))];
  return `\u001b[H${shown.map((line) => `${line}\u001b[K`).join('\n')}\u001b[J`;
}
