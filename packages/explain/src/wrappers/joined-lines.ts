import { jsonLine, jsonObject } from '../json-fields.ts';

/** More lines in one are no accident of a writer. */
const linesMax = 1000;

/** How lines begin that are surely whole lines: in the middle of another line they begin a second one. */
const beginnings: readonly RegExp[] = [
  // nginx's error log
  /\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[[a-z]{4,6}\] \d{1,10}#\d{1,10}: /g,
  // access logs of nginx, Apache and others
  /(?<![\d.:a-f])(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-f]{0,4}(?::[\da-f]{0,4}){2,7}) - [^\s"]{1,64} \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "/g,
  // Apache's error log
  /\[[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? \d{4}\] \[[\w:-]{2,40}\] \[pid /g,
  // HAProxy, with the name that syslog gives it or without
  /(?:haproxy\[\d{1,10}\]: )?(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}:\d{1,5} \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] /g,
];

/**
 * The lines that run together in one, since a writer was cut off or wrote no line end. Null for a single line. Text in quotes
 * is the client's, and begins no line of its own, but makes
 * the whole line doubtful: then it is the only one.
 */
export function joinedLines(text: string): readonly string[] | null {
  const first = text.indexOf(' [');
  // Each of these lines has a bracket with a blank before it, so that most lines need no search.
  if (first < 0 || text.indexOf(' [', first + 2) < 0 || /^(?:\{|\[\s{0,20}\{)/.test(text)) return null;
  const found = new Set(beginnings.flatMap((form) => [...text.matchAll(form)].map(({ index }) => index)));
  const inner = [...found].filter((start) => start > 0).sort((a, b) => a - b);
  // Without a beginning of its own, the text before the first one is what another tool wrote there.
  if (!found.has(0)) inner.shift();
  if (inner.length === 0) return null;
  const outside = inner.filter((start) => !isQuoted(text, start)).slice(0, linesMax);
  const cuts = [0, ...outside, text.length];
  return cuts.slice(1).map((end, index) => text.slice(cuts[index], end));
}

function isQuoted(text: string, at: number): boolean {
  let quotes = 0;
  for (let i = text.indexOf('"'); i >= 0 && i < at; i = text.indexOf('"', i + 1)) if (text[i - 1] !== '\\') quotes += 1;
  return quotes % 2 === 1;
}

/** Keys of lists of log entries: Loki's, those of CloudWatch, of Elasticsearch and of Google's. */
const keysOfLists: ReadonlySet<string> = new Set([
  'streams',
  'values',
  'result',
  'data',
  'logevents',
  'events',
  'hits',
  'entries',
]);
const keysOfText = ['line', 'log', 'message', 'textPayload', '_raw', 'msg'] as const;

/** The lines of a JSON document with several log entries. Null if it has fewer than two. */
export function shippedEntries(text: string): readonly string[] | null {
  if (!/^(?:\{|\[\s{0,20}\{)/.test(text) || !/"(?:values|logEvents|events|hits|entries)"|^\[/.test(text)) return null;
  const value = text.startsWith('[') ? listIn(text) : jsonLine(text);
  if (value === null) return null;
  const lines: string[] = [];
  collect(value, lines, 0);
  return lines.length < 2 ? null : lines;
}

function listIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const depthMax = 6;

function collect(value: unknown, lines: string[], depth: number): void {
  if (depth > depthMax || lines.length >= linesMax) return;
  if (Array.isArray(value)) {
    const [time, line] = value as readonly unknown[];
    // Loki: a time in nanoseconds, and the line.
    if (typeof time === 'string' && /^\d{19}$/.test(time) && typeof line === 'string') lines.push(line);
    else for (const one of value.slice(0, linesMax)) collect(one, lines, depth + 1);
    return;
  }
  const object = jsonObject(value);
  if (object === null) return;
  const key = keysOfText.find((name) => typeof object[name] === 'string');
  if (key !== undefined && depth > 0) {
    lines.push(object[key] as string);
    return;
  }
  for (const [name, inner] of Object.entries(object))
    if (keysOfLists.has(name.toLowerCase()) || name === '_source') collect(inner, lines, depth + 1);
}

/** The same JSON without blanks between its tokens; null if it has none, or is no JSON. */
export function withoutBlanks(text: string): string | null {
  if (!/^\{\s{0,4}"[^"]{1,80}"\s{0,4}: ?/.test(text) || !/^\{\s|": |" :/.test(text)) return null;
  const object = jsonLine(text);
  return object === null ? null : JSON.stringify(object);
}
