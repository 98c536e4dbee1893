import { jsonLine, jsonObject } from '../json-fields.ts';

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
