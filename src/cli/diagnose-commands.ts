import {
  defineCommand,
  switchFlag,
  valueFlag,
  defaultFlag,
  argument,
  optionalArgument,
  words,
  jsonFlag,
  askFlags,
  configAlias,
  describe,
  type ParserContext,
  type AskFlags,
  parseSeconds,
  integerBetween,
} from './flags.ts';
import { buildRouteMap } from '@stricli/core';
import type { ExplainAnythingFlags } from './explain-log/explain-anything.ts';
import type { WhoseFlags } from './whose/whose-command.ts';
import type { LogsFlags } from './show-logs.ts';
import type { RouteFlags } from './show-route.ts';
import type { IncidentsFlags } from './show-incidents.ts';
import type { IncidentFlags } from './mark-incident.ts';

/** Several files are one log. The parser's own placeholder would name only the first argument. */
const explainUsages = ['<file>... | -', "'<line of a log>'", '<request-id>'];

export const explainCommand = defineCommand<ExplainAnythingFlags, string[]>({
  brief: "Say why requests failed, from any gateway's log",
  usages: explainUsages,
  text: 'Reads logs of nginx, Apache, HAProxy, Envoy, Caddy, Traefik, AWS, Heroku and\nothers, also compressed, or one line of such a log, and prints what failed, who\ncaused it, and what to change. Exits with 1 if the log has gateway failures, 0\nif not, 3 if no line was recognised.\nLooks for a request id in the running gateway and its log files, rotated ones\ntoo. Exits with 9 if it is unknown.',
  examples: [
    'candor explain /var/log/nginx/error.log /var/log/nginx/access.log*',
    'kubectl logs deploy/ingress | candor explain -',
    'candor explain -f access.log --log-format "$(cat log_format.txt)"',
    'candor explain 0197f3a0-5b1c-7000-8000-2f6a1c9d4e10',
  ],
  flags: {
    ...askFlags,
    log: valueFlag('<path> of the log with the id'),
    lines: switchFlag('Print one line for each failure'),
    follow: switchFlag('Continue as the log grows'),
    html: valueFlag('<file> for an HTML summary'),
    logFormat: valueFlag('<text> of its log_format, or the like'),
  },
  aliases: { c: 'config', f: 'follow' },
  positional: {
    kind: 'array',
    parameter: argument('log-or-request-id', 'A log, a line of a log, or an id'),
    minimum: 1,
  },
  run: async (context, flags, ...given) =>
    (await import('./explain-log/explain-anything.ts')).explainAnything(flags, given, context),
});

export const whoseCommand = defineCommand<WhoseFlags, [string]>({
  brief: 'Say which layer of a chain wrote a response',
  text: 'Requests a URL once, or reads a saved response: output of `curl -i` or\n`curl -v`, a HAR, JSON lines of {status, headers, body}, or an error page.',
  examples: ['candor whose https://example.org/', 'curl -si https://example.org/ | candor whose -'],
  flags: {
    timeout: defaultFlag('<seconds> for the response', parseSeconds, '10'),
    insecure: switchFlag('Accept any certificate'),
    json: jsonFlag,
  },
  positional: words(argument('url-or-file', 'A URL, a file, or - for stdin')),
  run: async (context, flags, given) => (await import('./whose/whose-command.ts')).showWhose(flags, given, context),
});

export const logsCommand = defineCommand<LogsFlags, string[]>({
  brief: 'Search stored exchanges and output',
  text: 'Prints exchanges and lines of applications that the running gateway has stored,\nthe newest at the end.\nA query has conditions and words, and all of them must hold:\n  status:502 status:5xx  duration:>2s  since:1h until:08:30\n  route: upstream: endpoint: client: user: host: path: method: id: trace:\n  cause: shape: whose: stage: type: end: member: grpc:14\n  kind:output kind:exchange application: release: arm: instance: stream:\n  a * at the end stands for any rest\n  -cause:x excludes; other words stand anywhere in the record.\nNeeds `store` in the configuration.',
  examples: ['candor logs status:5xx route:api since:1h', 'candor logs --follow cause:connect_timeout'],
  flags: {
    ...askFlags,
    follow: switchFlag('Print new exchanges as they end'),
    limit: defaultFlag(
      '<number> of exchanges at most',
      integerBetween(1, 999_999, 'a limit is a number from 1 to 999999'),
      '50',
    ),
    since: valueFlag('<time> ago, such as 1h, or when'),
  },
  aliases: { c: 'config', f: 'follow', n: 'limit' },
  positional: {
    kind: 'array',
    parameter: argument('query', 'Conditions and words'),
  },
  run: async (context, flags, ...words) => (await import('./show-logs.ts')).showLogs(flags, words, context),
});

export const routeUsage = '[<method>] <url>';

export const routeCommand = defineCommand<RouteFlags, string[]>({
  brief: 'Say which route a request would take, and why',
  usages: [routeUsage],
  text: 'Asks the running gateway which route a request would take: what matched, why\nthe routes before it did not, and the timeouts, retries and limits in effect.\nNothing is sent to an application. With -c it asks a configuration file instead,\nand no gateway. Exits with 9 if no route matches.',
  examples: [
    'candor route https://shop.example.org/api/orders',
    "candor route POST https://shop.example.org/api -H 'X-Beta: 1' -c next.yaml",
  ],
  flags: {
    ...askFlags,
    config: { ...askFlags.config, brief: '<file> to ask, without a gateway' },
    header: {
      kind: 'parsed',
      parse: String,
      brief: "<'Name: value'> of the request",
      placeholder: 'header',
      variadic: true,
      optional: true,
    },
    client: valueFlag('<address> of the client'),
    listener: valueFlag('<name> of the listener'),
  },
  aliases: configAlias,
  positional: {
    kind: 'array',
    parameter: argument('method-and-url', 'Its method, GET if absent, and its URL'),
    minimum: 1,
    maximum: 2,
  },
  run: async (context, flags, ...given) => (await import('./show-route.ts')).showRoute(flags, given, context),
});

export const incidentsCommand = defineCommand<IncidentsFlags>({
  brief: 'List incidents: what fails, since when, why',
  text: 'Lists the incidents of a running gateway: failures that are more than usual,\ngrouped by upstream, with what has probably caused them. Those that go on come\nfirst. Exits with 1 while one goes on, 0 if none does.',
  examples: ['candor incidents', 'candor incidents --since 7d', 'candor incidents --json'],
  flags: { ...askFlags, since: valueFlag('<time> from which on, such as 2h') },
  aliases: configAlias,
  run: async (context, flags) => (await import('./show-incidents.ts')).showIncidents(flags, context),
});

export const incidentCommand = defineCommand<IncidentFlags, [number]>({
  brief: 'Show one incident, acknowledge it, or mute it',
  text: 'Shows an incident by its number: when, how much, which routes and endpoints,\nand what has probably caused it, the likeliest first, each with its evidence;\nand the next step. --acknowledge says that somebody works on it. --mute: no\nmessage about it is sent until then (2h, 14:30 in UTC), except of its end.\nExits with 9 if no incident has this number, and with 10 if it is over.',
  examples: ['candor incident 3', 'candor incident 3 --acknowledge --mute 2h --reason "the disk is replaced"'],
  flags: {
    ...askFlags,
    acknowledge: switchFlag('Say that somebody works on it'),
    mute: valueFlag('<time> until which it is silent'),
    unmute: switchFlag('Send messages about it again'),
    reason: valueFlag('<text> that says why'),
  },
  aliases: configAlias,
  positional: words(
    argument(
      'number',
      'Its number, from `candor incidents`',
      integerBetween(1, 999_999_999, 'an incident has a number, such as 3: `candor incidents` lists them'),
    ),
  ),
  run: async (context, flags, id) => (await import('./show-incidents.ts')).incidentOrMarks(flags, id, context),
});

const listAlertsCommand = defineCommand<AskFlags>({
  brief: 'List targets of alerts, and what waits for them',
  text: 'Lists who is told of incidents, expiring certificates, full disks and missed\nobjectives (`alerts` of the configuration): what was sent, what waits, and why\na target fails. Exits with 1 if one fails.',
  examples: ['candor alert list'],
  flags: askFlags,
  aliases: configAlias,
  run: async (context, flags) => (await import('./show-alerts.ts')).listAlerts(flags, context),
});

const testAlertsCommand = defineCommand<AskFlags, [string?]>({
  brief: 'Send a test to one target of alerts, or to all',
  text: 'Sends a test message through the running gateway, and shows what was sent,\nwhat came back, and what to do if it was not accepted. Exits with 1 if a target\ndid not accept it, with 9 if there is no such target.',
  examples: ['candor alert test', 'candor alert test oncall --json'],
  flags: askFlags,
  aliases: configAlias,
  positional: words(optionalArgument('target', 'Name of a target; default: all')),
  run: async (context, flags, target) => (await import('./show-alerts.ts')).testAlerts(flags, target ?? null, context),
});

export const alertCommands = buildRouteMap<'list' | 'test', ParserContext>({
  routes: { list: listAlertsCommand, test: testAlertsCommand },
  docs: {
    brief: 'Show and test who is told of incidents',
    fullDescription: describe('Shows who is told of incidents and the like, and tests it.', 'candor alert test'),
  },
});
