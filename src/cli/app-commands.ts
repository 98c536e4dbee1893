import { buildRouteMap } from '@stricli/core';
import {
  argument,
  askFlags,
  type AskFlags,
  configAlias,
  configFlag,
  defineCommand,
  describe,
  integerBetween,
  type ParserContext,
  switchFlag,
  words,
} from './flags.ts';
import type { OutputFlags } from './app.ts';

/** Commands for the applications that a gateway runs, and for their workers. */

const name = argument('name', 'An application, or a worker such as shop.mail');

/** As many as the configuration may say; `core/overlay.ts` has the same for the gateway, and is not loaded for it. */
const instancesMax = 256;

const outlives = 'This outlives reloads and restarts, until `candor restore`.';

const listCommand = defineCommand<AskFlags>({
  brief: 'List applications and their workers',
  text: 'Each with its instances, how many of them are ready, its release, and what\noperators have changed.',
  examples: ['candor app list', 'candor app list --json'],
  flags: askFlags,
  aliases: configAlias,
  run: async (context, flags) => (await import('./app.ts')).listApplications(flags, context),
});

const scaleCommand = defineCommand<AskFlags, [string, number]>({
  brief: 'Change how many instances run',
  text: `Starts instances beside those that run, or drains and stops what is too many, in\nplace of the number in the configuration.\n${outlives}\nEnds with 9 where there is no such application.`,
  examples: ['candor app scale shop 4', 'candor app scale shop.mail 2'],
  flags: askFlags,
  positional: words(
    name,
    argument('instances', 'How many', integerBetween(1, instancesMax, `a whole number from 1 to ${instancesMax}`)),
  ),
  aliases: configAlias,
  run: async (context, flags, application, instances) =>
    (await import('./change-overlay.ts')).changeOverlay(
      { kind: 'scale', body: { application, instances } },
      flags,
      context,
    ),
});

const restartCommand = defineCommand<AskFlags, [string]>({
  brief: 'Replace all instances, one after the other',
  text: 'Starts new instances of the same program and release. Each old one is stopped\nwhen a new one is ready; of an application with a fixed port it ends first. The\nname of an application stands for its workers too.\nEnds with 9 where nothing of that name runs.',
  examples: ['candor app restart shop', 'candor app restart shop.mail'],
  flags: askFlags,
  positional: words(name),
  aliases: configAlias,
  run: async (context, flags, application) =>
    (await import('./app.ts')).restartApplication(flags, application, context),
});

const stopCommand = defineCommand<AskFlags, [string]>({
  brief: 'Stop an application, or a worker',
  text: `Its instances finish the requests that they have, and are stopped; requests that\ncome then get a 503. The name of an application stands for its workers too.\n${outlives}\n\`candor stop\` ends the gateway itself.`,
  examples: ['candor app stop shop.mail'],
  flags: askFlags,
  positional: words(name),
  aliases: configAlias,
  run: async (context, flags, application) =>
    (await import('./change-overlay.ts')).changeOverlay({ kind: 'stop', body: { application } }, flags, context),
});

const startCommand = defineCommand<AskFlags, [string]>({
  brief: 'Start what `candor app stop` has stopped',
  text: 'Clears the entry of the overlay, so that as many instances run as before.\nEnds with 9 where it is not stopped.',
  examples: ['candor app start shop.mail'],
  flags: askFlags,
  positional: words(name),
  aliases: configAlias,
  run: async (context, flags, application) => (await import('./app.ts')).startApplication(flags, application, context),
});

const shellCommand = defineCommand<{ readonly config: string }, string[]>({
  brief: 'Run a shell where an application runs',
  text: 'In the directory of its release, with its variables and secrets, its limits, as\nits user and isolated, where it has these. With further words these run in place\nof a shell, and their exit code is that of the command. Run it on the machine of\nthe gateway, as the user who runs the gateway.',
  examples: ['candor app shell shop', 'candor app shell shop -- bin/rails console'],
  flags: { config: configFlag },
  positional: {
    kind: 'array',
    minimum: 1,
    parameter: { brief: 'An application or a worker, then a command', parse: String, placeholder: 'name' },
  },
  aliases: configAlias,
  run: async (context, flags, application = '', ...command) =>
    (await import('./app-shell.ts')).appShell(flags, application, command, context),
});

const outputCommand = defineCommand<OutputFlags, [string]>({
  brief: 'Show what an application has printed',
  text: 'The last lines of its instances, and those of its workers. With --follow new\nlines as they come. `candor logs application:shop` searches older ones, where\nthe gateway has a store.',
  examples: ['candor app output shop', 'candor app output shop.mail --follow'],
  flags: { ...askFlags, follow: switchFlag('Print new lines as they come') },
  positional: words(name),
  aliases: configAlias,
  run: async (context, flags, application) => (await import('./app.ts')).showOutput(flags, application, context),
});

export const appCommands = buildRouteMap<
  'list' | 'scale' | 'restart' | 'stop' | 'start' | 'shell' | 'output',
  ParserContext
>({
  routes: {
    list: listCommand,
    scale: scaleCommand,
    restart: restartCommand,
    stop: stopCommand,
    start: startCommand,
    shell: shellCommand,
    output: outputCommand,
  },
  docs: {
    brief: 'Scale, restart, stop and look into applications',
    fullDescription: describe(
      'For the applications that the gateway runs, and for their workers, which are\nnamed with their application: shop.mail.',
      'candor app list',
    ),
  },
});
