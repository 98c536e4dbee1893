import type { Result } from '../../../failures/src/result.ts';
import { failWith, succeed } from '../../../failures/src/result.ts';

interface FormatText {
  readonly name: string | null;
  /** The parts joined, without their quotes and backslashes. */
  readonly format: string;
}

const formatLengthMax = 16_384;

/** The format from a whole directive, or from the bare format. */
export function formatText(text: string): Result<FormatText, string> {
  const trimmed = text.trim();
  if (trimmed === '') return failWith('The log format is empty.');
  if (trimmed.length > formatLengthMax) return failWith(`The log format is longer than ${formatLengthMax} characters.`);
  const directive = /^log_format\s+(\S{1,200})\s+/.exec(trimmed);
  if (directive !== null) {
    const segments = readParts(trimmed.slice(directive[0].length));
    if (segments === null) return failWith('A quote of the log format is not closed.');
    return succeed({ name: directive[1] ?? null, format: segments });
  }
  if (trimmed.startsWith('log_format')) return failWith('`log_format` needs a name and a format.');
  // A format may itself begin with a double quote. It is a quoted one only if the quotes inside are escaped.
  const isQuoted =
    trimmed.startsWith("'") || (trimmed.startsWith('"') && trimmed.includes('\\"') && /"\s*;?$/.test(trimmed));
  if (!isQuoted) return succeed({ name: null, format: trimmed });
  const segments = readParts(trimmed);
  return segments === null
    ? failWith('A quote of the log format is not closed.')
    : succeed({ name: null, format: segments });
}

/** The arguments of a directive, as nginx parses them and `log_format` joins them: with nothing between. */
function readParts(text: string): string | null {
  let format = '';
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (/\s/.test(character)) {
      at++;
    } else if (character === ';') {
      break;
    } else if (character === '#') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else if (character === "'" || character === '"') {
      const part = readQuoted(text, at);
      if (part === null) return null;
      format += part.value;
      at = part.end;
    } else {
      const bare = /^[^\s;]{1,16384}/.exec(text.slice(at))?.[0] ?? character;
      if (!/^escape=(?:default|json|none)$/.test(bare)) format += bare;
      at += bare.length;
    }
  }
  return format;
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r' };

function readQuoted(text: string, start: number): { readonly value: string; readonly end: number } | null {
  const quote = text.charAt(start);
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === quote) return { value, end: at + 1 };
    if (character === '\\' && at + 1 < text.length) {
      at++;
      const escaped = text.charAt(at);
      value += escapes[escaped] ?? (escaped === '"' || escaped === "'" || escaped === '\\' ? escaped : `\\${escaped}`);
    } else {
      value += character;
    }
  }
  return null;
}
