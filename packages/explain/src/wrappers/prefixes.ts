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
export function formsFor(text: string): readonly PrefixForm[] {
  return byFirst[text.charCodeAt(0)] ?? anyFirst;
}
