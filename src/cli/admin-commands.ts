import { buildCommand } from '@stricli/core';
import type { EventFlags, StatusFlags } from './ask-commands.ts';
import { type ParserContext, describe } from './parser-context.ts';
import { askFlags, jsonFlag } from './flags.ts';
import { parseStopSeconds } from './parse-stop-seconds.ts';
import type { ReloadFlags } from './reload-command.ts';
import type { StopFlags } from './stop-command.ts';
import type { TokenFlags } from './token.ts';
import { parseUpgradeSeconds } from './upgrade/parse-upgrade-seconds.ts';
import type { UpgradeFlags } from './upgrade/upgrade-command.ts';

export const statusCommand = buildCommand<StatusFlags, [], ParserContext>({
  docs: {
    brief: 'Show what serves, what does not, and why',
    fullDescription: describe(
      'Asks a running gateway over its admin socket. Ends with 8 when none answers.\nRates, errors and times are of the last minute. With --watch it asks again each\nsecond until Ctrl-C; with --json too, that is a line each time.',
      'candor status',
      'candor status --watch',
      'candor status -c /etc/candor/candor.yaml --json',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      watch: { kind: 'boolean', brief: 'Show it again each second, in place', default: false, withNegated: false },
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
    brief: 'Have the gateway read its configuration again',
    fullDescription: describe(
      'It is applied whole or not at all; then this ends with 4 and says what is wrong.\nInstances of a changed application serve on until new ones are ready. With\n--wait this ends when they are; with 5 when one fails, with 7 after --timeout.',
      'candor reload',
      'candor reload --wait --timeout 30',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      wait: {
        kind: 'boolean',
        brief: 'Wait until new instances serve, or fail',
        default: false,
        withNegated: false,
      },
      timeout: {
        kind: 'parsed',
        parse: parseStopSeconds,
        brief: '<seconds> to wait for that',
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
    brief: 'Replace the running gateway by what is installed now',
    fullDescription: describe(
      'A new process takes over ports and applications, and the old one ends what it\nhas begun: no request fails. Where the new one cannot, nothing changes, and\nthis ends with 4 (configuration), 7 (time), 10 (not now) or 1.',
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
    brief: 'Stop the running gateway, once requests in flight are done',
    fullDescription: describe(
      'Requests in flight finish, then applications are stopped; this waits until the\ngateway has ended, and says what for. Ends with 0 also where no gateway runs,\nand with 7 where it has not ended in time: the gateway then goes on ending.\nWhere candor.yaml is here, its gateway is meant and no other.',
      'candor stop',
      'candor stop --now',
      'candor stop -c /etc/candor/candor.yaml --timeout 30 --json',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      now: { kind: 'boolean', brief: 'Force close what is in flight', default: false, withNegated: false },
      timeout: {
        kind: 'parsed',
        parse: parseStopSeconds,
        brief: '<seconds> to wait for its end',
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
    brief: 'List what happened to the gateway and behind it',
    fullDescription: describe('Starts, exits, reloads, endpoints that fell ill or got well.', 'candor events --follow'),
  },
  parameters: {
    flags: {
      ...askFlags,
      follow: { kind: 'boolean', brief: 'Go on as things happen', default: false, withNegated: false },
    },
    aliases: { c: 'config', f: 'follow' },
  },
  async func(flags) {
    const { events } = await import('./ask-commands.ts');
    await events(flags, this.processContext);
  },
});

export const tokenCommand = buildCommand<TokenFlags, [string], ParserContext>({
  docs: {
    brief: 'Make a token for the admin API over TCP',
    fullDescription: describe(
      'Shows it once, with the hash that the configuration keeps. Nothing is written.\nCommands take a token from CANDOR_TOKEN or --token-file, never from a flag: who\nruns what with which arguments is no secret on a machine.',
      'candor token deploy',
    ),
  },
  parameters: {
    flags: { json: jsonFlag },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Who is to use it; the actor in events', parse: String, placeholder: 'name' }],
    },
  },
  async func(flags, name) {
    const { token } = await import('./token.ts');
    token(flags, name, this.processContext);
  },
});
