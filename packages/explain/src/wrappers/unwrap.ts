import { keysOfLines, shippedLines, shippedTimeMs, zonedTimeMs } from './json-wrappers.ts';

/** How a tool writes a line of another program: what stands before it, or around it. */
interface PrefixForm {
  /** As docs/explain/formats.md names it. */
  readonly tool: string;
  /** The characters that a match begins with; null for any. Most forms need not be tried then. */
  readonly first: string | null;
  /** Text that every match has; empty for none. */
  readonly needs: string;
  /**
   * Matches from the beginning. The group `line` is the line inside; without it, the line is what follows the match. The
   * group `time` is its time; every other group is kept as evidence under its name.
   */
  readonly form: RegExp;
}

const iso = '\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d:\\d\\d(?:[.,]\\d{1,9})?(?: ?(?:Z|UTC|[+-]\\d\\d:?\\d\\d))?';
const time = `(?<time>${iso})`;
/** "nginx[12]: ", "nginx: ". A name of a file has no such form. */
const process = '(?<process>[^\\s:[\\]{"@=]{1,100})(?:\\[[^\\]\\s]{1,40}\\])?: ';
/** The name that a Deployment, a StatefulSet or a DaemonSet gives its pods. */
const pod = '(?<pod>[a-z0-9](?:[a-z0-9.-]{0,200}[a-z0-9])?-(?:[a-z0-9]{5,10}|\\d{1,4}))';
const name = '[a-z0-9][a-z0-9.-]{0,62}';

const digits = '0123456789';
const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const words = `${digits}${letters}_`;
const blanks = ' \t';

/** Text without which a form cannot match. Looking for it is cheaper than trying. */
const needed: Readonly<Record<string, string>> = {
  'containerd and CRI-O (Kubernetes)': ' std',
  'heroku logs, of an application': ' app[',
  'fly logs, of an application': ' app[',
  'foreman, honcho, overmind': ' |',
  'pm2 logs': '|',
  'Docker Compose, docker service logs': ' |',
  logcli: '="',
  'Grafana, text of the explorer': '\t',
  Fluentd: '{',
  'Papertrail, archive': '\t',
  'aws logs tail': '/',
  awslogs: '/',
  'CSV of Datadog, Kibana and others': ',"',
  'rsyslog and syslog-ng, CEE': '@cee:',
};

const form = (tool: string, first: string | null, ...parts: readonly string[]): PrefixForm => ({
  tool,
  first,
  needs: needed[tool] ?? '',
  form: new RegExp(`^${parts.join('')}`),
});

/** The more specific forms first: the first that matches counts. */
export const prefixForms: readonly PrefixForm[] = [
  form('containerd and CRI-O (Kubernetes)', digits, `${time} (?<stream>stdout|stderr) [FP] `),
  form(
    'syslog (RFC 5424)',
    digits + '<',
    `(?:<\\d{1,3}>)?1 ${time} (?<host>\\S{1,255}) (?<process>\\S{1,48}) \\S{1,128} \\S{1,32} (?:-|\\[[^\\]]{0,500}\\]) ?\ufeff?`,
  ),
  form('Fluentd', digits, `${time}[ \\t](?<tag>[\\w.*/-]{1,300})(?:: |\\t)(?=\\{)`),
  form(
    'syslog (RFC 3164)',
    letters + '<',
    `(?:<\\d{1,3}>)?[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,9})? (?<host>\\S{1,255}) ${process}`,
  ),
  form('journalctl -o short-iso', digits + '<', `(?:<\\d{1,3}>)?${time} (?<host>[^\\s[\\]/]{1,255}) ${process}`),
  form(
    'journalctl -o short-full, -o with-unit',
    letters,
    `[A-Z][a-z]{2} ${time}(?: [A-Z]{1,5})? (?<host>\\S{1,255}) ${process}`,
  ),
  form('journalctl -o short-unix', digits, `\\d{10}\\.\\d{1,9} (?<host>\\S{1,255}) ${process}`),
  form('journalctl -o short-monotonic', '[', `\\[ {0,12}\\d{1,12}\\.\\d{1,9}\\] (?<host>\\S{1,255}) ${process}`),
  form('journalctl -o verbose, -o export', 'M' + blanks, '\\s{0,40}MESSAGE='),
  form('heroku logs, of an application', digits, `${time} app\\[(?<process>[\\w.-]{1,60})\\]: `),
  form('fly logs, of an application', digits, `${time} app\\[(?<instance>[\\w-]{1,40})\\] [a-z]{3} ?\\[\\w{4,7}\\] ?`),
  form('foreman, honcho, overmind', digits, '\\d\\d:\\d\\d:\\d\\d (?<process>[\\w.-]{1,60}) {1,40}\\| ?'),
  form('pm2 logs', digits, `\\d{1,5}\\|(?<process>[\\w.@-]{1,100}) {1,40}\\| (?:${time}: )?`),
  form('Docker Compose, docker service logs', words + '.@-', `(?<container>[\\w.@-]{1,200}) {1,40}\\| (?:${time} )?`),
  form('kubectl logs --prefix', '[', `\\[pod/(?<pod>[\\w.-]{1,253})/(?<container>[\\w.-]{1,63})\\] (?:${time} )?`),
  form('kubetail', '[', `\\[${pod}(?: (?<container>${name}))?\\] `),
  form(
    'stern',
    digits + letters.toLowerCase(),
    `(?:(?<namespace>${name}) )?${pod} (?<container>${name})(?: ›| \\|)? (?:${time} )?`,
  ),
  form('logcli', digits, `${time} (?<labels>\\{\\w{1,60}="[^}]{0,1000}\\}) {1,8}`),
  form('Grafana, text of the explorer', digits, `\\d{19}\\t(?:${time}\\t)?`),
  form(
    'Fluent Bit, standard output',
    '[',
    '\\[\\d{1,9}\\] (?<tag>[\\w.*/-]{1,300}): \\[\\[?\\d{1,12}(?:\\.\\d{1,9})?, (?:\\{\\}\\], )?(?<line>\\{.*\\})\\]\\s*$',
  ),
  form(
    'Papertrail, archive',
    digits,
    '\\d{5,25}\\t(?:[\\dTZ:+ .-]{10,40}\\t){2}\\d{1,20}\\t(?<host>[^\\t]{0,255})\\t[^\\t]{0,60}\\t[^\\t]{0,40}\\t[^\\t]{0,40}\\t(?<process>[^\\t]{0,100})\\t',
  ),
  form(
    'aws logs, as text',
    'E',
    'EVENTS\\t(?:\\d{1,60}\\t){1,2}(?:(?<stream>[^\\t]{1,500})\\t)?(?<line>[^\\t].{1,65000}?)(?:\\t\\d{13})?$',
  ),
  form('aws logs tail', digits, `${time} (?<stream>[A-Za-z][\\w.-]{0,200}/\\S{1,500}) `),
  form(
    'awslogs',
    words + '/.-',
    `(?<group>/?(?!\\d{4}/\\d\\d/\\d\\d )[\\w.-]{1,100}(?:/[\\w.-]{1,100}){1,6}) (?<stream>[\\w./\\[\\]$-]{1,200}) (?:${time} )?`,
  ),
  form('doctl apps logs', letters, `(?<process>[a-z][a-z0-9-]{0,40}) ${time} `),
  form(
    'CSV of Datadog, Kibana and others',
    null,
    '(?:"[^"]{0,200}",|[^",\\s]{0,60},){1,8}"(?<line>(?:[^"]|""){12,60000})"(?:,|$)',
  ),
  form('rsyslog and syslog-ng, CEE', null, '(?:.{0,200} )?@cee: ?(?=\\{)'),
  form('journalctl -o json-sse', 'd', 'data: (?=\\{)'),
  form('journalctl -o json-seq', '\u001e', '\u001e(?=\\{)'),
  form('docker logs, kubectl logs --timestamps', digits, `${time} `),
  form(
    'grep in several files',
    words + './~+-',
    '(?<file>[\\w.~+-]{1,100}[._](?:log|txt|err|out)(?:[.-]\\d{1,8})?(?:\\.(?:gz|zst))?|[\\w.~+-]{0,100}/[\\w./~+-]{1,300})(?:[:-](?<number>\\d{1,10}))?[:-](?=\\S)',
  ),
  form('grep -n, cat -n, less -N', digits + blanks, '\\s{0,12}(?<number>\\d{1,10})(?:[:-](?=\\S)|\\t| {2,4}(?=\\S))'),
];

const anyFirst = prefixForms.filter(({ first }) => first === null);
const byFirst: readonly (readonly PrefixForm[])[] = Array.from({ length: 128 }, (_, code) =>
  prefixForms.filter(({ first }) => first === null || first.includes(String.fromCharCode(code))),
);

/** The forms that may match the text, in their order. */
function formsFor(text: string): readonly PrefixForm[] {
  return byFirst[text.charCodeAt(0)] ?? anyFirst;
}

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
