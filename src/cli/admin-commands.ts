import {
  askFlags,
  type AskFlags,
  defineCommand,
  switchFlag,
  valueFlag,
  defaultFlag,
  argument,
  words,
  jsonFlag,
  optionalArgument,
  configAlias,
  parsePort,
  parseStopSeconds,
  parseUpgradeSeconds,
} from './flags.ts';
import type { StatusFlags } from './status-watch.ts';
import type { EventFlags } from './events-command.ts';
import { adminRoles } from '../core/admin-roles.ts';
import type { ReloadFlags } from './reload-command.ts';
import type { StopFlags } from './stop-command.ts';
import type { TokenFlags } from './token.ts';
import type { UpgradeFlags } from './upgrade/upgrade-command.ts';
import type { DashboardFlags } from './dashboard.ts';

export const statusCommand = defineCommand<StatusFlags>({
  brief: 'Show what serves, what does not, and why',
  text: 'Reads the status of a running gateway from its admin socket. Exits with 8 if\nno gateway answers. Rates, errors and times cover the last minute. --watch\nrepeats it each second until Ctrl-C; with --json it prints a line each time.',
  examples: ['candor status', 'candor status --watch', 'candor status -c /etc/candor/candor.yaml --json'],
  flags: {
    ...askFlags,
    watch: switchFlag('Refresh each second, in place'),
  },
  aliases: { c: 'config', w: 'watch' },
  run: async (context, flags) => (await import('./status-watch.ts')).status(flags, context),
});

export const reloadCommand = defineCommand<ReloadFlags>({
  brief: 'Reload the configuration',
  text: 'Applies the whole configuration or nothing: if it has errors, prints them and\nexits with 4. Old instances of a changed application serve until new ones are\nready. --wait waits for that; exits with 5 if one fails, 7 after --timeout.',
  examples: ['candor reload', 'candor reload --wait --timeout 30'],
  flags: {
    ...askFlags,
    wait: switchFlag('Wait until new instances serve or fail'),
    timeout: defaultFlag('<seconds> to wait', parseStopSeconds, '60'),
  },
  aliases: configAlias,
  run: async (context, flags) => (await import('./reload-command.ts')).reload(flags, context),
});

export const restartCommand = defineCommand<AskFlags, [string]>({
  brief: 'Restart an instance of an application',
  text: 'A new instance with the same configuration starts beside it. The old one serves\nuntil the new one is ready, finishes its requests, and is stopped; with a fixed\nport it is stopped first, and requests wait. `candor status` lists instances.\nEnds with 9 where none of that name runs.',
  examples: ['candor restart web/1', 'candor restart web/1 --json'],
  flags: askFlags,
  positional: words(argument('instance', 'Its id in the status, such as web/1')),
  aliases: configAlias,
  run: async (context, flags, instance) => (await import('./restart-command.ts')).restart(flags, instance, context),
});

export const jobsCommand = defineCommand<AskFlags, [string?, string?]>({
  brief: 'List jobs of applications, or run one',
  text: 'When each is due next, and how its last run ended. With a name: its last runs,\nwith what they printed last. `candor jobs run <name>` runs it now, prints what\nit prints, and exits with its exit code, or with 128 and the number of the\nsignal that ended it. Ctrl-C ends this command, and not the run.',
  examples: ['candor jobs', 'candor jobs shop.report --json', 'candor jobs run shop.report'],
  flags: askFlags,
  positional: words(
    optionalArgument('name', 'Of a job, such as shop.report; or the word run'),
    optionalArgument('job', 'After run: the name of the job'),
  ),
  aliases: configAlias,
  run: async (context, flags, first, second) =>
    (await import('./job-command.ts')).jobs(flags, first ?? null, second ?? null, context),
});

export const upgradeCommand = defineCommand<UpgradeFlags>({
  brief: 'Replace the running gateway with the installed version',
  text: 'A new process takes over ports and applications, and the old one finishes its\nrequests, so that no request fails. If the new process fails, nothing changes;\nexits with 4 (configuration), 7 (timeout), 10 (not now) or 1.',
  examples: ['candor upgrade', 'candor upgrade -c /etc/candor/candor.yaml --timeout 20'],
  flags: {
    ...askFlags,
    timeout: defaultFlag('<seconds> for the new process to serve', parseUpgradeSeconds, '60'),
  },
  aliases: configAlias,
  run: async (context, flags) => (await import('./upgrade/upgrade-command.ts')).upgrade(flags, context),
});

export const stopCommand = defineCommand<StopFlags>({
  brief: 'Stop the running gateway after requests in flight',
  text: 'The gateway finishes its requests and stops its applications. This command\nwaits for its end and prints what is left. Exits with 0 also if no gateway runs,\nand with 7 if --timeout is over first: the gateway then continues to stop.\nWith a candor.yaml in this folder, only its gateway is stopped.',
  examples: ['candor stop', 'candor stop --now', 'candor stop -c /etc/candor/candor.yaml --timeout 30 --json'],
  flags: {
    ...askFlags,
    now: switchFlag('Force close requests in flight'),
    timeout: valueFlag('<seconds> to wait', parseStopSeconds),
  },
  aliases: configAlias,
  run: async (context, flags) => (await import('./stop-command.ts')).stop(flags, context),
});

export const eventsCommand = defineCommand<EventFlags>({
  brief: 'List events of the gateway and its applications',
  text: 'Starts, exits, reloads, and changes of health. --since and --until list those of\na time, also of earlier runs if the configuration has a `store`.',
  examples: ['candor events --follow', 'candor events --since 2h --until 08:30'],
  flags: {
    ...askFlags,
    follow: switchFlag('Print new events as they happen'),
    full: switchFlag('Print last output with exits'),
    since: valueFlag('<time> ago, such as 1h, or when'),
    until: valueFlag('<time> ago, or when'),
  },
  aliases: { c: 'config', f: 'follow' },
  run: async (context, flags) => (await import('./events-command.ts')).events(flags, context),
});

export const tokenCommand = defineCommand<TokenFlags, [string]>({
  brief: 'Create a token for the admin API over TCP',
  text: 'Prints the token once, with the hash for the configuration, and writes nothing.\nCommands read the token from CANDOR_TOKEN or --token-file, not from a flag,\nbecause every user of a machine can see the arguments of processes.',
  examples: ['candor token ops', 'candor token watch --role read', 'candor token ci --role deploy'],
  flags: {
    role: { kind: 'enum', values: adminRoles, brief: '<role> (operate by default)', optional: true },
    json: jsonFlag,
  },
  positional: words(argument('name', 'Name of its user, shown in events')),
  run: async (context, flags, name) => (await import('./token.ts')).token(flags, name, context),
});

export const dashboardCommand = defineCommand<DashboardFlags>({
  brief: 'Open the dashboard of the gateway in a browser',
  text: 'Makes a link that logs a browser in once, within a minute, and opens it. If the\ngateway answers over TCP with TLS, the link leads there. Otherwise this command\nlistens on a port of this machine and passes requests on to the admin socket,\nuntil Ctrl-C.',
  examples: ['candor dashboard', 'candor dashboard --no-open --port 9902'],
  flags: {
    ...askFlags,
    open: { kind: 'boolean', brief: 'Open a browser', default: true },
    port: defaultFlag('<port> to listen on; 0: any', parsePort, '0'),
  },
  aliases: configAlias,
  run: async (context, flags) => (await import('./dashboard.ts')).dashboard(flags, context),
});
