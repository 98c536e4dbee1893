import type { Output } from './process-context.ts';

type Format = Parameters<typeof import('node:util').styleText>[0];
type Colour = (text: string) => string;

/** Colours for one stream: none without a terminal, and none if NO_COLOR is set (no-color.org). */
export interface Style {
  readonly bold: Colour;
  readonly dim: Colour;
  readonly good: Colour;
  readonly bad: Colour;
  readonly warn: Colour;
  readonly name: Colour;
}

export const plain: Style = styleBy((_format, text) => text);
const coloured: Style = styleBy((format, text) =>
  process.getBuiltinModule('node:util').styleText(format, text, { validateStream: false }),
);

export function styleFor(output: Output, env: Readonly<Record<string, string | undefined>>): Style {
  const noColour = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  return output.isTTY && !noColour ? coloured : plain;
}

function styleBy(apply: (format: Format, text: string) => string): Style {
  const colour =
    (format: Format): Colour =>
    (text) =>
      apply(format, text);
  return {
    bold: colour('bold'),
    dim: colour('dim'),
    good: colour('green'),
    bad: colour('red'),
    warn: colour('yellow'),
    name: colour('cyan'),
  };
}

/** How something is, at a glance. */
export type StatusTone = 'good' | 'warn' | 'bad' | 'dim';

const marks: Record<StatusTone, string> = { good: '✔', warn: '…', bad: '✖', dim: '·' };

export function statusMark(tone: StatusTone, style: Style): string {
  return style[tone](marks[tone]);
}
