/** The text that another tool put around a line. `atMs`: its time, if complete and with a zone. */
export interface StrippedLine {
  readonly line: string;
  readonly atMs: number | null;
}

const isoTime = '\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?(?:Z|[+-]\\d\\d:?\\d\\d)?';

/** One pattern per tool, the more specific first. Group 1 is the time, if the tool writes one. */
const prefixes: readonly RegExp[] = [
  // Kubernetes' CRI: "2026-11-21T10:00:00.123456789Z stdout F ".
  new RegExp(`^(${isoTime}) (?:stdout|stderr) [FP] `),
  // Syslog of RFC 5424: "<134>1 2026-11-21T10:00:00Z host app 123 - - "; UTF-8 text may begin with a byte order mark.
  new RegExp(
    `^(?:<\\d{1,3}>)?1 (${isoTime}) \\S{1,255} \\S{1,48} \\S{1,128} \\S{1,32} (?:-|\\[[^\\]]{0,500}\\]) ?\ufeff?`,
  ),
  // Syslog of RFC 3164 and journald's own output, with old and new times: "Nov 21 10:00:00 host nginx[12]: ".
  new RegExp(
    `^(?:<\\d{1,3}>)?[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d \\S{1,255} [^\\s:[]{1,100}(?:\\[\\d{1,10}\\])?: `,
  ),
  new RegExp(`^(?:<\\d{1,3}>)?(${isoTime}) \\S{1,255} [^\\s:[]{1,100}(?:\\[[^\\]\\s]{1,40}\\])?: `),
  // Compose: "web-1  | ", with `--timestamps` a time after it. `docker service logs`: "shop_web.1.k2x9@node1    | ".
  new RegExp(`^[\\w.@-]{1,200} {1,40}\\| (?:(${isoTime}) )?`),
  // `docker logs --timestamps` and `kubectl logs --timestamps`.
  new RegExp(`^(${isoTime}) `),
  // `kubectl logs --prefix`: "[pod/web-1/nginx] "
  /^\[pod\/[\w./-]{1,300}\] /,
  // `grep` in several files, with `-n` also the line number: "/var/log/nginx/error.log:17:".
  /^(?:[\w.~+-]{0,100}\/[\w./~+-]{1,300}|[\w.~+-]{1,100}[._]log(?:[.-]\d{1,8})?(?:\.(?:gz|zst))?):(?:\d{1,10}:)?(?=\S)/,
];

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of terminals are what this finds.
const colours = new RegExp('\\u001b\\[[0-9;]{0,20}[A-Za-z]', 'g');

/** Null if nothing was removed. Removes at most two layers: `kubectl logs --prefix --timestamps` has two. */
export function stripPrefix(line: string): StrippedLine | null {
  let rest = line.includes('\u001b') ? line.replace(colours, '') : line;
  let atMs: number | null = null;
  const unpacked = unpackJson(rest);
  if (unpacked !== null) [rest, atMs] = [unpacked.line, unpacked.atMs];
  for (let layer = 0; layer < 2; layer++) {
    const match = matchPrefix(rest);
    if (match === null) break;
    if (match[1] !== undefined) atMs ??= timeOf(match[1]);
    rest = rest.slice(match[0].length);
  }
  return rest === line ? null : { line: rest, atMs };
}

function matchPrefix(line: string): RegExpExecArray | null {
  for (const prefix of prefixes) {
    const match = prefix.exec(line);
    if (match !== null) return match;
  }
  return null;
}

const wrapping = /"(?:log|message|textPayload)" ?: ?"|"MESSAGE"/;

/** Members that log collectors add to a line that they keep under `message`: Filebeat, Fluent Bit, Logstash, Vector. */
const ofCollectors = ['source_type', 'agent', 'host', 'kubernetes', 'container_name', 'log'] as const;

/** Lines wrapped in JSON by Docker's `json-file`, `journalctl -o json`, Google's `textPayload` and log collectors. */
function unpackJson(line: string): StrippedLine | null {
  if (!line.startsWith('{') || !wrapping.test(line)) return null;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  if (typeof fields.log === 'string' && typeof fields.stream === 'string')
    return { line: fields.log.trimEnd(), atMs: typeof fields.time === 'string' ? timeOf(fields.time) : null };
  const inside = typeof fields.textPayload === 'string' ? fields.textPayload : collectedLine(fields);
  if (inside !== null) {
    const at = fields.timestamp ?? fields['@timestamp'];
    return { line: inside.trimEnd(), atMs: typeof at === 'string' ? timeOf(at) : null };
  }
  if (typeof fields.MESSAGE !== 'string') return null;
  const timestamp = fields.__REALTIME_TIMESTAMP;
  const microseconds = typeof timestamp === 'string' || typeof timestamp === 'number' ? Number(timestamp) : Number.NaN;
  return { line: fields.MESSAGE, atMs: Number.isFinite(microseconds) ? Math.floor(microseconds / 1000) : null };
}

function collectedLine(fields: Readonly<Record<string, unknown>>): string | null {
  const { message } = fields;
  return typeof message === 'string' && ofCollectors.some((name) => fields[name] !== undefined) ? message : null;
}

/** Only a time with a zone can be compared with other times. */
function timeOf(text: string): number | null {
  if (!/(?:Z|[+-]\d\d:?\d\d)$/.test(text)) return null;
  const parsed = Date.parse(
    text
      .replace(' ', 'T')
      .replace(',', '.')
      .replace(/(\.\d{3})\d+/, '$1'),
  );
  return Number.isNaN(parsed) ? null : parsed;
}
