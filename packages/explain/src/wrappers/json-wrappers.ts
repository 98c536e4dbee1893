import { jsonLine, jsonObject } from '../json-fields.ts';

/** More lines in one are no accident of a writer. */
const joinedLinesMax = 1000;

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
  const outside = inner.filter((start) => !isQuoted(text, start)).slice(0, joinedLinesMax);
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

const joinedDepthMax = 6;

function collect(value: unknown, lines: string[], depth: number): void {
  if (depth > joinedDepthMax || lines.length >= joinedLinesMax) return;
  if (Array.isArray(value)) {
    const [time, line] = value as readonly unknown[];
    // Loki: a time in nanoseconds, and the line.
    if (typeof time === 'string' && /^\d{19}$/.test(time) && typeof line === 'string') lines.push(line);
    else for (const one of value.slice(0, joinedLinesMax)) collect(one, lines, depth + 1);
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

/** What a JSON object of a shipper holds: lines of another program, and what it says about their origin. */
interface ShippedLines {
  /** The likeliest first. */
  readonly lines: readonly string[];
  readonly atMs: number | null;
  readonly origin: readonly string[];
}

/** Keys under which shippers keep the line of another program, the likeliest first; without their capitals. */
export const keysOfLines: readonly string[] = [
  ...['log', 'message', '@message', '_raw', 'textpayload', 'short_message', 'full_message', 'logmessage', 'logentry'],
  ...[
    'log_s',
    'msg',
    'line',
    'original',
    'event',
    'body',
    'stringvalue',
    'string',
    'raw',
    'rawmessage',
    'text',
    'data',
  ],
];

/** Keys of objects that may be the parsed line itself. */
const keysOfObjects: ReadonlySet<string> = new Set([
  ...['log', 'message', 'msg', 'jsonpayload', 'body', 'event', '_source', 'result', 'content', 'attributes', 'nginx'],
  ...['properties', 'structured', 'json', 'parsed', 'data', 'fields', 'record', 'log_processed', 'kvlistvalue'],
]);

const keysOfTimes: ReadonlySet<string> = new Set([
  ...['time', 'timestamp', '@timestamp', 'timegenerated', 'timeunixnano', '__realtime_timestamp', '_time', 'date'],
  ...['ts', 'isodate', 'timereported', 'datetime'],
]);

/** What is kept as evidence, and the keys that name it: with the key of the object around them, or alone. */
const keysOfOrigins: Readonly<Record<string, readonly string[]>> = {
  pod: ['kubernetes.pod_name', 'kubernetes.pod.name', 'pod.name', 'podname', 'pod_name', 'pod', 'k8s.pod.name'],
  container: [
    ...['kubernetes.container_name', 'kubernetes.container.name', 'container.name', 'container_name', 'containername'],
    ...['container', '_container_name', 'k8s.container.name', 'containerappname_s'],
  ],
  namespace: ['kubernetes.namespace_name', 'kubernetes.namespace', 'namespace', 'podnamespace', 'k8s.namespace.name'],
  host: ['host', 'host.name', 'hostname', '_hostname', 'computer', 'fromhost', 'nodename'],
  process: ['syslog_identifier', 'program', 'programname', 'app_name', 'service', 'appname', 'service.name'],
};

const originOf: ReadonlyMap<string, string> = new Map(
  Object.entries(keysOfOrigins).flatMap(([what, keys]) => keys.map((key) => [key, what] as const)),
);

const objectsMax = 60;
const depthMax = 7;
const linesMax = 6;
const originCharactersMax = 120;

/** Null for text that is no JSON object (or list of objects), or that holds no line. */
export function shippedLines(text: string): ShippedLines | null {
  const value = text.startsWith('[') ? listOf(text) : jsonLine(text);
  if (value === null) return null;
  const search = new LineSearch();
  search.visit(value, '', 0);
  return search.found();
}

function listOf(text: string): object | null {
  if (!/^\[\s{0,20}\{/.test(text)) return null;
  try {
    return jsonObject({ list: JSON.parse(text) as unknown });
  } catch {
    return null;
  }
}

class LineSearch {
  readonly #lines: { readonly rank: number; readonly line: string }[] = [];
  readonly #origin = new Map<string, string>();
  #atMs: number | null = null;
  #objects = 0;

  visit(value: object, parent: string, depth: number): void {
    if (depth > depthMax || ++this.#objects > objectsMax) return;
    if (Array.isArray(value)) return this.#visitList(value, parent, depth);
    const attribute = attributeOf(value);
    if (attribute !== null) this.#takeOrigin(attribute.key.toLowerCase(), '', attribute.value);
    for (const [key, inner] of Object.entries(value)) {
      const name = key.toLowerCase().slice(0, 60);
      if (typeof inner === 'string') this.#takeText(name, parent, inner);
      else if (typeof inner === 'number') this.#takeTime(name, inner);
      else if (typeof inner === 'object' && inner !== null) this.#takeObject(name, inner, depth);
    }
  }

  found(): ShippedLines | null {
    if (this.#lines.length === 0) return null;
    const lines = this.#lines.toSorted((a, b) => a.rank - b.rank).map(({ line }) => line);
    const origin = [...this.#origin].map(([what, value]) => `${what}=${value}`);
    return { lines: [...new Set(lines)].slice(0, linesMax), atMs: this.#atMs, origin };
  }

  /** Loki keeps lines as pairs of a time and a text. */
  #visitList(list: readonly unknown[], parent: string, depth: number): void {
    const [first, second] = list;
    if (list.length <= 3 && typeof first === 'string' && /^\d{19}$/.test(first) && typeof second === 'string') {
      this.#takeTime('time', Number(first));
      return this.#take(0, second);
    }
    for (const one of list.slice(0, 20))
      if (typeof one === 'object' && one !== null) this.visit(one, parent, depth + 1);
  }

  #takeObject(name: string, inner: object, depth: number): void {
    this.visit(inner, name, depth + 1);
    if (keysOfObjects.has(name) && !Array.isArray(inner)) this.#take(keysOfLines.length + depth, JSON.stringify(inner));
  }

  #takeText(name: string, parent: string, text: string): void {
    if (keysOfTimes.has(name)) this.#takeTime(name, text);
    this.#takeOrigin(name, parent, text);
    // `{"host":{"name":…}}` names no line, and `{"body":{"stringValue":…}}` does.
    const rank = keysOfLines.indexOf(name);
    if (rank >= 0 && (name !== 'stringvalue' || parent === 'body')) this.#take(rank, text);
  }

  #take(rank: number, text: string): void {
    const line = text.trim();
    if (line.length >= 8 && this.#lines.length < 4 * linesMax) this.#lines.push({ rank, line });
  }

  #takeOrigin(name: string, parent: string, value: string): void {
    const what = originOf.get(`${parent}.${name}`) ?? originOf.get(name);
    if (what === undefined || value === '' || /\s/.test(value) || this.#origin.has(what)) return;
    this.#origin.set(what, value.slice(0, originCharactersMax));
  }

  #takeTime(name: string, value: string | number): void {
    if (this.#atMs === null && keysOfTimes.has(name)) this.#atMs = shippedTimeMs(value);
  }
}

/** OpenTelemetry writes `{"key":"k8s.pod.name","value":{"stringValue":"web-1"}}`. */
function attributeOf(value: object): { readonly key: string; readonly value: string } | null {
  const { key, value: inner } = value as { readonly key?: unknown; readonly value?: unknown };
  const text = jsonObject(inner)?.['stringValue'];
  return typeof key === 'string' && typeof text === 'string' ? { key, value: text } : null;
}

/** A time with a zone, or a number since the epoch in seconds, milliseconds, microseconds or nanoseconds. */
export function shippedTimeMs(value: string | number): number | null {
  if (typeof value === 'string' && !/^\d{9,19}(?:\.\d{1,9})?$/.test(value)) return zonedTimeMs(value);
  const number = Number(value);
  for (const [least, perMs] of perMillisecond) if (number >= least) return Math.floor(number / perMs);
  return null;
}

const perMillisecond = [
  [1e17, 1e6],
  [1e14, 1e3],
  [1e11, 1],
  [1e8, 1e-3],
] as const;

/** Only a time with a zone can be compared with other times. */
export function zonedTimeMs(text: string): number | null {
  if (text.length > 60 || !/^\d{4}-\d\d-\d\d[T ].*(?:Z|UTC|[+-]\d\d:?\d\d)$/.test(text)) return null;
  const parsed = Date.parse(
    text
      .replace(' ', 'T')
      .replace(/ ?UTC$/, 'Z')
      .replace(' ', '')
      .replace(',', '.')
      .replace(/(\.\d{3})\d+/, '$1'),
  );
  return Number.isNaN(parsed) ? null : parsed;
}
