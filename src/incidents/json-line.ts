type Json = Readonly<Record<string, unknown>>;

/** Loggers write the message below these names: pino and zap `msg`; winston, bunyan's errors and ECS `message`. */
const messageNames = ['msg', 'message'] as const;
const errorNames = ['err', 'error', 'exception'] as const;

/**
 * The message of a log line that is a JSON object, and that of its error, each with its first line: the other fields stand before them and fill an excerpt.
 * Null: the line is no such object, or has no message.
 */
export function messageOfJsonLine(line: string): string | null {
  if (!line.trimStart().startsWith('{')) return null;
  const parsed = parsedObject(line);
  const found = parsed === null ? writtenMessages(line) : [...messagesIn(parsed), ...errorMessages(parsed)];
  const texts = [...new Set(found.map(firstLineOf))].filter((text) => text !== '');
  // Many loggers repeat the message of the error.
  const shown = texts.filter((text) => !texts.some((other) => other !== text && other.includes(text)));
  return shown.length === 0 ? null : shown.join(': ');
}

function parsedObject(line: string): Json | null {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;

const messagesIn = (object: Json): readonly string[] => stringsOf(object, messageNames).slice(0, 1);

function errorMessages(object: Json): readonly string[] {
  for (const name of errorNames) {
    const error = object[name];
    if (typeof error === 'string') return [error];
    if (!isObject(error)) continue;
    const [message] = [...messagesIn(error), ...stringsOf(error, ['stack'])];
    if (message !== undefined) return [message];
  }
  return stringsOf(object, ['stack']).slice(0, 1);
}

const stringsOf = (object: Json, names: readonly string[]): readonly string[] =>
  names.flatMap((name) => {
    const value = object[name];
    return typeof value === 'string' && value.trim() !== '' ? [value] : [];
  });

const written = /"(?:msg|message)"\s*:\s*"((?:[^"\\]|\\.)*)"/g;
const writtenMax = 2;

/** Of an object that was cut, or that a redacted number has made invalid. */
function writtenMessages(line: string): readonly string[] {
  return [...line.matchAll(written)].slice(0, writtenMax).flatMap(([, text = '']) => {
    try {
      return [JSON.parse(`"${text}"`) as string];
    } catch {
      return [];
    }
  });
}

const firstLineOf = (text: string): string =>
  text
    .trim()
    .split(/[\r\n]/, 1)[0]
    ?.trim() ?? '';
