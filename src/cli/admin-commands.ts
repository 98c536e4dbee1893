import { buildCommand } from '@stricli/core';
import type { StatusFlags } from './ask-commands.ts';
import type { EventFlags } from './events-command.ts';
import { adminRoles } from '../core/admin-roles.ts';
import {
  type ParserContext,
  describe,
  askFlags,
  jsonFlag,
  optionalText,
  parseStopSeconds,
  parseUpgradeSeconds,
} from './flags.ts';
import type { ReloadFlags } from './reload-command.ts';
import type { StopFlags } from './stop-command.ts';
import type { TokenFlags } from './token.ts';
import type { UpgradeFlags } from './upgrade/upgrade-command.ts';

export const statusCommand = buildCommand<StatusFlags, [], ParserContext>({
  docs: {
    brief: 'Show what serves, what does not, and why',
    fullDescription: describe(
      'Reads the status of a running gateway from its admin socket. Exits with 8 if\nno gateway answers. Rates, errors and times cover the last minute. --watch\nrepeats it each second until Ctrl-C; with --json it prints a line each time.',
      'candor status',
      'candor status --watch',
      'candor status -c /etc/candor/candor.yaml --json',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      watch: { kind: 'boolean', brief: 'Refresh each second, in place', default: false, withNegated: false },
    },
    aliases: { c: 'config', w: 'watch' },
  },
  async func(flags) {
    const { status } = await import('./ask-commands.ts');
    await status(flags, this.processContext);
  },
});

export const reloadCommand = buildCommand<ReloadFlags, [], ParserContext>({
  docs: {
    brief: 'Reload the configuration',
    fullDescription: describe(
      'Applies the whole configuration or nothing: if it has errors, prints them and\nexits with 4. Old instances of a changed application serve until new ones are\nready. --wait waits for that; exits with 5 if one fails, 7 after --timeout.',
      'candor reload',
      'candor reload --wait --timeout 30',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      wait: {
        kind: 'boolean',
        brief: 'Wait until new instances serve or fail',
        default: false,
        withNegated: false,
      },
      timeout: {
        kind: 'parsed',
        parse: parseStopSeconds,
        brief: '<seconds> to wait',
        placeholder: 'seconds',
        default: '60',
      },
    },
    aliases: { c: 'config' },
  },
  async func(flags) {
    const { reload } = await import('./reload-command.ts');
    await reload(flags, this.processContext);
  },
});

export const upgradeCommand = buildCommand<UpgradeFlags, [], ParserContext>({
  docs: {
    brief: 'Replace the running gateway with the installed version',
    fullDescription: describe(
      'A new process takes over ports and applications, and the old one finishes its\nrequests, so that no request fails. If the new process fails, nothing changes;\nexits with 4 (configuration), 7 (timeout), 10 (not now) or 1.',
      'candor upgrade',
      'candor upgrade -c /etc/candor/candor.yaml --timeout 20',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      timeout: {
        kind: 'parsed',
        parse: parseUpgradeSeconds,
        brief: '<seconds> for the new process to serve',
        placeholder: 'seconds',
        default: '60',
      },
    },
    aliases: { c: 'config' },
  },
  async func(flags) {
    const { upgrade } = await import('./upgrade/upgrade-command.ts');
    await upgrade(flags, this.processContext);
  },
});

export const stopCommand = buildCommand<StopFlags, [], ParserContext>({
  docs: {
    brief: 'Stop the running gateway after requests in flight',
    fullDescription: describe(
      'The gateway finishes its requests and stops its applications. This command\nwaits for its end and prints what is left. Exits with 0 also if no gateway runs,\nand with 7 if --timeout is over first: the gateway then continues to stop.\nWith a candor.yaml in this folder, only its gateway is stopped.',
      'candor stop',
      'candor stop --now',
      'candor stop -c /etc/candor/candor.yaml --timeout 30 --json',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      now: { kind: 'boolean', brief: 'Force close requests in flight', default: false, withNegated: false },
      timeout: {
        kind: 'parsed',
        parse: parseStopSeconds,
        brief: '<seconds> to wait',
        placeholder: 'seconds',
        optional: true,
      },
    },
    aliases: { c: 'config' },
  },
  async func(flags) {
    const { stop } = await import('./stop-command.ts');
    await stop(flags, this.processContext);
  },
});

export const eventsCommand = buildCommand<EventFlags, [], ParserContext>({
  docs: {
    brief: 'List events of the gateway and its applications',
    fullDescription: describe(
      'Starts, exits, reloads, and changes of health. --since and --until list those of\na time, also of earlier runs if the configuration has a `store`.',
      'candor events --follow',
      'candor events --since 2h --until 08:30',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      follow: { kind: 'boolean', brief: 'Print new events as they happen', default: false, withNegated: false },
      full: { kind: 'boolean', brief: 'Print last output with exits', default: false, withNegated: false },
      since: optionalText('<time> ago, such as 1h, or when', 'time'),
      until: optionalText('<time> ago, or when', 'time'),
    },
    aliases: { c: 'config', f: 'follow' },
  },
  async func(flags) {
    const { events } = await import('./events-command.ts');
    await events(flags, this.processContext);
  },
});

export const tokenCommand = buildCommand<TokenFlags, [string], ParserContext>({
  docs: {
    brief: 'Create a token for the admin API over TCP',
    fullDescription: describe(
      'Prints the token once, with the hash for the configuration, and writes nothing.\nCommands read the token from CANDOR_TOKEN or --token-file, not from a flag,\nbecause every user of a machine can see the arguments of processes.',
      'candor token deploy',
      'candor token watch --role read',
    ),
  },
  parameters: {
    flags: {
      role: { kind: 'enum', values: adminRoles, brief: '<role> of its user', default: 'operate' },
      json: jsonFlag,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Name of its user, shown in events', parse: String, placeholder: 'name' }],
    },
  },
  async func(flags, name) {
    const { token } = await import('./token.ts');
    token(flags, name, this.processContext);
  },
});
