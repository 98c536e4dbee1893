import { keysOfLines, shippedLines, shippedTimeMs, zonedTimeMs } from './json-wrappers.ts';
import { formsFor } from './prefixes.ts';

/** A line found inside of another, and what the text around it says. `atMs`: its time, if complete and with a zone. */
export interface UnwrappedLine {
  readonly line: string;
  readonly atMs: number | null;
  /** `pod=web-1`, `container=nginx`, `file=error.log`. */
  readonly origin: readonly string[];
  /** The tools around the line, the outer one first, as the table of wrappers names them. */
  readonly tools: readonly string[];
}

export const jsonTool = 'JSON of shippers';
export const memberTool = 'a member of pretty-printed JSON, YAML or Ruby';
export const pairTool = 'logfmt';
export const colourTool = 'colours of terminals';

const layersMax = 5;
const linesMax = 6;

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of terminals are what this finds.
const colours = new RegExp('\\u001b\\[[0-9;]{0,20}[A-Za-z]', 'g');

/**
 * The lines that other tools may have wrapped into this one: the outermost layer first, each layer when it is asked for.
 * None if no tool is recognised. The number of layers and of lines is bounded.
 */
export function* unwrapLayers(text: string): Generator<readonly UnwrappedLine[]> {
  const plain = text.includes('\u001b') ? text.replace(colours, '') : text;
  if (plain !== text) yield [{ line: plain, atMs: null, origin: [], tools: [colourTool] }];
  let layer: readonly UnwrappedLine[] = [{ line: plain, atMs: null, origin: [], tools: [] }];
  for (let depth = 0; depth < layersMax; depth++) {
    layer = layer.flatMap(innerLines).slice(0, linesMax);
    if (layer.length === 0) return;
    yield layer;
  }
}

/** All of them, the innermost first. */
export function unwrap(text: string): readonly UnwrappedLine[] {
  return [...unwrapLayers(text)].flat().toReversed();
}

function innerLines(outer: UnwrappedLine): readonly UnwrappedLine[] {
  const text = outer.line.trim();
  const inner = text.startsWith('{') || text.startsWith('[{') ? ofJson(text) : ofText(outer.line);
  return inner.map(({ line, atMs, origin, tools }) => ({
    line,
    atMs: atMs ?? outer.atMs,
    origin: [...outer.origin, ...origin],
    tools: [...outer.tools, ...tools],
  }));
}

function ofJson(text: string): readonly UnwrappedLine[] {
  const isRuby = /^\{"[^"]{1,100}" ?=> ?/.test(text);
  const shipped = shippedLines(isRuby ? text.replace(/" ?=> ?/g, '":').replace(/:nil\b/g, ':null') : text);
  if (shipped === null) return ofCutJson(text);
  const { lines, atMs, origin } = shipped;
  return lines.map((line) => ({ line, atMs, origin, tools: [jsonTool] }));
}

const names = keysOfLines.map((key) => key.replace(/[^\w@]/g, '')).join('|');
const quoted = '"((?:[^"\\\\]|\\\\.){1,65000})"';
/** One member on a line of its own; a list of pretty-printed entries begins it with a dash. */
const member = new RegExp(
  `^\\s{0,60}(?:- )?"?(?:${names})"?(?: ?=> ?|\\s{0,20}: ?)(?:${quoted},?|'(.{1,65000})'|(\\S.{1,65000}))$`,
  'i',
);
const memberOfCut = new RegExp(`"(?:${names})" ?: ?"((?:[^"\\\\]|\\\\.){8,65000})(?:"|$)`, 'i');
const pair = new RegExp(`(?:^|[\\s,{])(?:${names})=${quoted}`, 'i');

/** JSON that was truncated, most often within the line that it holds. */
function ofCutJson(text: string): readonly UnwrappedLine[] {
  const cut = memberOfCut.exec(text)?.[1];
  return cut === undefined ? [] : [{ line: unescaped(cut), atMs: null, origin: [], tools: [jsonTool] }];
}

function ofText(text: string): readonly UnwrappedLine[] {
  for (const { tool, needs, form } of formsFor(text)) {
    if (needs !== '' && !text.includes(needs)) continue;
    const match = form.exec(text);
    if (match !== null) return ofPrefix(text, tool, match);
  }
  const [, json, single, plain] = member.exec(text) ?? [];
  if (json !== undefined) return [{ line: unescaped(json), atMs: null, origin: [], tools: [memberTool] }];
  const yaml = single?.replaceAll("''", "'") ?? plain;
  if (yaml !== undefined) return [{ line: yaml, atMs: null, origin: [], tools: [memberTool] }];
  const value = text.includes('="') ? pair.exec(text)?.[1] : undefined;
  return value === undefined ? [] : [{ line: unescaped(value), atMs: null, origin: [], tools: [pairTool] }];
}

function ofPrefix(text: string, tool: string, match: RegExpExecArray): readonly UnwrappedLine[] {
  const groups = match.groups ?? {};
  const { line, time } = groups;
  const inner = line ?? text.slice(match[0].length);
  const unwrapped = {
    line: tool.startsWith('CSV') ? inner.replaceAll('""', '"') : inner,
    atMs: time === undefined ? null : (zonedTimeMs(time) ?? shippedTimeMs(time)),
    origin: originOf(groups),
    tools: [tool],
  };
  // A time that the tool may write before the line can also be the line's own.
  const ownTime =
    time === undefined || time.length + 1 >= match[0].length || !match[0].endsWith(`${time} `) ? null : time;
  return ownTime === null ? [unwrapped] : [{ ...unwrapped, line: `${ownTime} ${inner}` }, unwrapped];
}

function originOf(groups: Readonly<Record<string, string | undefined>>): readonly string[] {
  const origin: string[] = [];
  for (const what in groups) {
    const value = groups[what];
    if (value !== undefined && what !== 'line' && what !== 'time') origin.push(`${what}=${value}`);
  }
  return origin;
}

function unescaped(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`)).trimEnd();
  } catch {
    return text.replaceAll('\\"', '"').replaceAll('\\\\', '\\');
  }
}
