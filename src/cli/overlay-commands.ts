import {
  defineCommand,
  switchFlag,
  valueFlag,
  argument,
  optionalArgument,
  words,
  askFlags,
  configAlias,
  type AskFlags,
  durationBetween,
  integerBetween,
} from './flags.ts';
import { CommandFailure } from './command-failure.ts';
import type { MaintenanceFlags } from './change-maintenance.ts';
import type { changeOverlay } from './change-overlay.ts';

/** Commands that override the configuration file at run time, until `candor restore`. */

const outlives = 'This outlives reloads and restarts, until `candor restore`.';

const endpointArgument = argument('endpoint', 'Id, address or instance');

export const maintenanceCommand = defineCommand<MaintenanceFlags, [string?, string?]>({
  brief: 'Answer 503 for a route, an upstream or all',
  text: `Requests in flight finish; new ones are answered 503 with the message and\nRetry-After. Routes that report readiness go on where no route is named. The\nname of an upstream or application stands for the routes that lead to it now.\nA time is 30m, 22:30 (UTC) or 2026-03-01T22:30Z. With --until, Retry-After is\nthe time that is left. \`candor maintenance off\` ends it.\n${outlives}`,
  examples: [
    'candor maintenance on',
    'candor maintenance on web --until 30m --allow 10.0.0.0/8',
    'candor maintenance --host shop.example.org --at 22:00 --until 23:30',
    'candor maintenance /api --message "Back at noon." --retry-after 10m',
    'candor maintenance off web',
  ],
  usages: ['[on|off] [<target>] [--until <time>]'],
  flags: {
    ...askFlags,
    message: valueFlag('<text> that clients read'),
    retryAfter: valueFlag(
      '<duration> after which to come back',
      durationBetween(1000, 86_400_000, 'Retry-After is from 1s to 24h'),
    ),
    host: valueFlag('<name> of the host that it is for alone'),
    at: valueFlag('<time> when it begins'),
    until: valueFlag('<time> when it ends'),
    allow: valueFlag('<networks> that pass, with commas'),
    pass: switchFlag('Print a token with which requests pass'),
  },
  positional: words(
    optionalArgument('target', 'Id of a route or an upstream, or on or off'),
    optionalArgument('target', 'Id of a route or an upstream, after on or off'),
  ),
  aliases: configAlias,
  run: async (context, flags, first, second) => {
    const { changeMaintenance } = await import('./change-maintenance.ts');
    return changeMaintenance(flags, maintenanceOrder(first, second, flags.host), context);
  },
});

/** `on` and `off` stand before the target, and may be left out where one is named: `on` is meant then. Nobody closes everything by a look. */
function maintenanceOrder(
  first: string | undefined,
  second: string | undefined,
  host: string | undefined,
): { readonly isOn: boolean; readonly target: string | undefined } {
  if (first === 'on' || first === 'off') return { isOn: first === 'on', target: second };
  if (second !== undefined)
    throw new CommandFailure('usage', `one target is wanted, and there are two: ${String(first)} and ${second}`);
  if (first === undefined && host === undefined)
    throw new CommandFailure(
      'usage',
      'Nothing was closed: name a route, an upstream or --host, or close all routes with `candor maintenance on`. `candor status` shows what is closed.',
    );
  return { isOn: true, target: first };
}

interface PauseFlags extends AskFlags {
  /** Milliseconds. */
  readonly for?: number;
  readonly waiters?: number;
  readonly until?: string;
}

export const pauseCommand = defineCommand<PauseFlags, [string]>({
  brief: 'Let requests wait, until `candor restore`',
  text: `Requests for a route or an upstream wait until the pause is restored, and go on\nthen: for the restart of a database, say. A request that waits longer than\n--for, or finds --waiters waiting, is answered 503. --until ends the pause (30m,\n22:30). This outlives reloads and restarts, until \`candor restore\`.`,
  examples: ['candor pause api --for 10s --until 5m', 'candor pause route:/checkout --waiters 200'],
  flags: {
    ...askFlags,
    for: valueFlag(
      '<duration> to wait, 5s if absent',
      durationBetween(100, 300_000, 'a request waits from 100ms to 5m'),
    ),
    waiters: valueFlag(
      '<number> of waiters, 1000 if absent',
      integerBetween(1, 100_000, 'a number from 1 to 100000 is wanted'),
    ),
    until: valueFlag('<time> when it ends'),
  },
  positional: words(argument('target', 'Id of a route or an upstream')),
  aliases: configAlias,
  run: async (context, flags, target) => {
    const { comingTime } = await import('./coming-time.ts');
    const until = flags.until === undefined ? undefined : comingTime(flags.until, context.clock.wallTime(), '--until');
    const body = { target, wait_ms: flags.for, waiters_max: flags.waiters, until };
    return change({ kind: 'pause', body }, flags, context);
  },
});

export const drainCommand = defineCommand<AskFlags, [string]>({
  brief: 'Send an endpoint no new requests',
  text: `Requests in flight finish.\n${outlives}\nEnds with 9 where there is no such endpoint.`,
  examples: ['candor drain 10.0.0.5:3000', 'candor drain api/10.0.0.5:3000 --json'],
  flags: askFlags,
  positional: words(endpointArgument),
  aliases: configAlias,
  run: (context, flags, endpoint) => change({ kind: 'drain', body: { endpoint } }, flags, context),
});

interface EjectFlags extends AskFlags {
  /** Milliseconds. */
  readonly for?: number;
  readonly reason?: string;
  readonly force: boolean;
}

export const ejectCommand = defineCommand<EjectFlags, [string]>({
  brief: 'Take an endpoint out while others can serve',
  text: 'The endpoint gets no new requests as long as another one of its upstream can be\nchosen, for the time of --for, or until `candor restore`; it outlives reloads\nand restarts. The last one that is ready needs --force, and goes on getting\nrequests; `candor drain` takes it out in any case. Ends with 9 where there is\nno such endpoint, and with 10 where --force is needed.',
  examples: ['candor eject 10.0.0.5:3000 --for 10m --reason "disk is slow"'],
  flags: {
    ...askFlags,
    for: valueFlag(
      '<duration> that it is out for',
      durationBetween(1000, 7 * 86_400_000, 'an endpoint is ejected for 1s to 168h'),
    ),
    reason: valueFlag('<text> that says why'),
    force: switchFlag('Also the last one that is ready'),
  },
  positional: words(endpointArgument),
  aliases: configAlias,
  run: (context, flags, endpoint) => {
    const body = { endpoint, seconds: secondsOf(flags.for), reason: flags.reason, force: flags.force };
    return change({ kind: 'eject', body }, flags, context);
  },
});

export const weightCommand = defineCommand<AskFlags, [string, number]>({
  brief: 'Change the share of requests that an endpoint gets',
  text: `An endpoint gets new requests in proportion to its weight, 0 to 1000; each has\nweight 1 otherwise. With 0 it gets none while another endpoint can be chosen.\n${outlives}`,
  examples: ['candor weight 10.0.0.5:3000 0', 'candor weight api/10.0.0.5:3000 10'],
  flags: askFlags,
  positional: words(
    endpointArgument,
    argument('weight', '0 to 1000', integerBetween(0, 1000, 'a weight is a whole number from 0 to 1000')),
  ),
  aliases: configAlias,
  run: (context, flags, endpoint, weight) => change({ kind: 'weight', body: { endpoint, weight } }, flags, context),
});

interface RestoreFlags extends AskFlags {
  readonly all: boolean;
}

export const restoreCommand = defineCommand<RestoreFlags, [string?]>({
  brief: 'Undo what operators have changed at run time',
  text: 'Clears one entry of the overlay, all of a kind (such as drain), or all that name\na route, upstream or endpoint; with --all or without an argument, all of them.\nAn endpoint that was ejected because of its requests is put on probation.\nThe configuration file decides again. `candor status` lists the entries.',
  examples: ['candor restore --all', 'candor restore drain', 'candor restore drain:api/10.0.0.5:3000'],
  flags: { ...askFlags, all: switchFlag('Every entry, as without an argument') },
  positional: words(optionalArgument('what', 'An entry, a kind, or what entries name')),
  aliases: configAlias,
  run: async (context, flags, what) => {
    if (flags.all && what !== undefined)
      throw new CommandFailure('usage', `--all clears every entry, and ${what} names some: give one of them.`);
    await change({ kind: 'restore', body: { what } }, flags, context);
  },
});

async function change(...[operation, flags, context]: Parameters<typeof changeOverlay>): Promise<void> {
  const { changeOverlay: changed } = await import('./change-overlay.ts');
  await changed(operation, flags, context);
}

const secondsOf = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.ceil(ms / 1000));
