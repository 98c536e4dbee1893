import { hideInPath, hideTokens } from '../schema/hide-secrets.ts';
import { type SourcePosition, lineText, sourceText } from './source-text.ts';

/** Something wrong with a configuration, and where. */
export interface ConfigurationError {
  readonly file: string;
  /** From 1; 0 where the file as a whole is meant. */
  readonly line: number;
  /** Where the line stands in the text of all files; absent: it is a line of the configuration itself. */
  readonly textLine?: number;
  /** From 1, in characters; 0 where the file as a whole is meant. */
  readonly column: number;
  /** How many characters of the line are meant. */
  readonly span: number;
  /** Where in the tree: 'routes[0].timeouts.connect'; '' for the file. */
  readonly path: string;
  readonly message: string;
  readonly suggestion: string | null;
  /** A warning does not keep the configuration from being used. */
  readonly severity: 'error' | 'warning';
}

/** Tokens that were written into the file by mistake stay in it. */
export function configurationError(
  file: string,
  position: SourcePosition,
  path: string,
  message: string,
  suggestion: string | null = null,
  severity: ConfigurationError['severity'] = 'error',
): ConfigurationError {
  const { line, column, span } = position;
  return {
    file,
    line,
    column,
    span,
    path: hideInPath(path),
    message: hideTokens(message),
    suggestion: suggestion === null ? null : hideTokens(suggestion),
    severity,
  };
}

/** In the order of the file, each once. At one place, what was found first comes first. */
export function sortErrors(errors: readonly ConfigurationError[]): ConfigurationError[] {
  const seen = new Set<string>();
  const sorted = errors.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return sorted.filter((error) => {
    const key = `${error.line}:${error.column}:${error.message}`;
    return !seen.has(key) && seen.add(key);
  });
}

interface RenderOptions {
  readonly colour: boolean;
  /** Columns of the terminal. */
  readonly width: number;
}

/**
 * Errors for people: place and message as compilers write them, the line, a caret, and what to do.
 *
 *     candor.yaml:12:5: error: unknown key "timeout"
 *        12 |     timeout: 5s
 *           |     ^^^^^^^
 *           did you mean "timeouts"?
 *
 * Nothing from the file reaches the terminal as a control character. `text` is the file without its secrets (`Parsing.maskedText`).
 */
export function renderConfigurationErrors(
  errors: readonly ConfigurationError[],
  text: string,
  options: RenderOptions,
): string {
  const source = sourceText(text);
  const gutter = Math.max(2, ...errors.map(({ line }) => String(line).length)) + 3;
  const paint = options.colour ? painted : plain;
  const blocks = errors.map((error) => {
    const lines = [header(error, options, paint)];
    if (error.line > 0)
      lines.push(...excerpt(error, lineText(source, error.textLine ?? error.line), gutter, options, paint));
    if (error.suggestion !== null) {
      const indent = error.line > 0 ? ' '.repeat(gutter + 2) : '  ';
      lines.push(
        ...wrap(harmless(error.suggestion), options.width - indent.length).map(
          (line) => indent + paint('suggestion', line),
        ),
      );
    }
    return lines.join('\n');
  });
  return blocks.length === 0 ? '' : `${blocks.join('\n\n')}\n`;
}

/** "2 errors and 1 warning". */
export function countConfigurationErrors(errors: readonly ConfigurationError[]): string {
  const count = (severity: ConfigurationError['severity']): number =>
    errors.filter((one) => one.severity === severity).length;
  const words = (['error', 'warning'] as const)
    .map((severity) => [count(severity), severity] as const)
    .filter(([number]) => number > 0)
    .map(([number, severity]) => `${number} ${severity}${number === 1 ? '' : 's'}`);
  return words.join(' and ') || 'no errors';
}

type Paint = (role: 'error' | 'warning' | 'position' | 'gutter' | 'suggestion', text: string) => string;

const colours = { error: '1;31', warning: '1;33', position: '1', gutter: '2', suggestion: '36' } as const;
const painted: Paint = (role, text) => `\u001b[${colours[role]}m${text}\u001b[0m`;
const plain: Paint = (_, text) => text;

function header(error: ConfigurationError, options: RenderOptions, paint: Paint): string {
  const at = error.line > 0 ? `${error.file}:${error.line}:${error.column}:` : `${error.file}:`;
  const position = harmless(at);
  const [first = '', ...rest] = wrap(harmless(`${position} ${error.severity}: ${error.message}`), options.width, '  ');
  const opening = `${position} ${error.severity}:`;
  if (!first.startsWith(opening)) return [first, ...rest].join('\n');
  const head = `${paint('position', position)} ${paint(error.severity, `${error.severity}:`)}`;
  return [head + first.slice(opening.length), ...rest].join('\n');
}

function excerpt(
  error: ConfigurationError,
  line: string,
  gutter: number,
  options: RenderOptions,
  paint: Paint,
): string[] {
  const room = Math.max(20, options.width - gutter - 2);
  const shown = windowOf(line, error.column - 1, error.span, room);
  const number = String(error.line).padStart(gutter - 1);
  const caret = ' '.repeat(shown.caretAt) + paint(error.severity, '^'.repeat(shown.caretWidth));
  return [
    `${paint('gutter', `${number} |`)} ${shown.text}`.trimEnd(),
    `${paint('gutter', `${' '.repeat(gutter - 1)} |`)} ${caret}`,
  ];
}

interface Cell {
  readonly text: string;
  readonly width: number;
}

/** One cell per character of the line, each harmless; a tab reaches to the next multiple of four. */
function cells(characters: readonly string[]): Cell[] {
  let column = 0;
  return characters.map((character) => {
    const width = character === '\t' ? 4 - (column % 4) : characterWidth(harmless(character));
    column += width;
    return { text: character === '\t' ? ' '.repeat(width) : harmless(character), width };
  });
}

/** Characters to each side of the place that are looked at: more than a terminal has columns. */
const nearbyMax = 500;

/** The part of a line around the caret that fits into `room` columns, with "…" where something is left out. */
function windowOf(
  line: string,
  position: number,
  span: number,
  room: number,
): { text: string; caretAt: number; caretWidth: number } {
  const characters = [...line];
  const skipped = Math.max(0, position - nearbyMax);
  const nearby = cells(characters.slice(skipped, position + nearbyMax));
  const at = position - skipped;
  const isWhole = nearby.length === characters.length && sum(nearby) <= room;
  const from = isWhole ? 0 : startOf(nearby, at, room);
  const before = skipped + from > 0 ? '…' : '';
  let to = from;
  let width = before.length;
  for (; to < nearby.length; to += 1) {
    const last = skipped + to + 1 === characters.length;
    if (width + nearby[to]!.width > room - (last ? 0 : 1)) break;
    width += nearby[to]!.width;
  }
  const after = skipped + to < characters.length ? '…' : '';
  const shown = nearby.slice(from, to).map((cell) => cell.text);
  const caretAt = before.length + sum(nearby.slice(from, at));
  const caretWidth = Math.max(1, Math.min(sum(nearby.slice(at, Math.min(at + span, to))), room - caretAt));
  return { text: before + shown.join('') + after, caretAt, caretWidth };
}

/** Where to begin a line that is too long: a third of the room before the place, more if the rest is short. */
function startOf(line: readonly Cell[], at: number, room: number): number {
  const rest = sum(line.slice(at));
  const lead = Math.max(Math.floor(room / 3), room - 1 - rest);
  let from = Math.min(at, line.length);
  let width = 0;
  while (from > 0 && width + line[from - 1]!.width <= lead) width += line[--from]!.width;
  return from;
}

function sum(line: readonly Cell[]): number {
  return line.reduce((width, cell) => width + cell.width, 0);
}

/** Breaks at spaces; a word that is longer than a line stays whole. */
function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && line !== indent && displayWidth(longer) > width) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line];
}

/** Columns that text takes in a terminal, and text made safe to put there. */

const combining = /^[\p{Mn}\p{Me}]$/u;
const pictograph = /^\p{Emoji_Presentation}$/u;

/** East Asian Wide and Fullwidth, from Unicode's EastAsianWidth.txt, in blocks. */
const wideRanges: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x1b000, 0x1b2ff],
  [0x1f200, 0x1f2ff],
  [0x20000, 0x3fffd],
];

/** 0, 1 or 2 columns, for one code point that `harmless` has let through. */
function characterWidth(character: string): 0 | 1 | 2 {
  const code = character.codePointAt(0)!;
  if (code < 0x300) return 1;
  if (combining.test(character) || isJoiner(code)) return 0;
  if (pictograph.test(character)) return 2;
  return wideRanges.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
}

/** Zero width spaces and joiners. */
function isJoiner(code: number): boolean {
  return (code >= 0x200b && code <= 0x200d) || code === 0x2060;
}

export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/**
 * Text that cannot move the cursor, change colours or reverse the reading order: each control character
 * becomes one visible sign, so that columns stay what they were.
 */
function harmless(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (character) => {
      const code = character.charCodeAt(0);
      if (code < 0x20) return String.fromCharCode(0x2400 + code);
      return code === 0x7f ? '␡' : '�';
    });
}
