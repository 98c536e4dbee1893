import { escapeInvisible } from '#failures/invisible-characters.ts';
import {
  defineCommand,
  switchFlag,
  argument,
  optionalArgument,
  words,
  jsonFlag,
  configFlag,
  askFlags,
  configAlias,
  describe,
  type ParserContext,
  type AskFlags,
  integerBetween,
  valueFlag,
} from './flags.ts';
import { buildRouteMap } from '@stricli/core';
import type { CheckFlags } from './check.ts';
import type { AdaptFlags } from './adapt.ts';
import type { TrustFlags } from './trust.ts';
import { CommandFailure } from './command-failure.ts';

export const checkCommand = defineCommand<CheckFlags>({
  brief: 'Validate a configuration',
  text: 'Prints all errors at once, and changes nothing. Exits with 4 if the\nconfiguration has errors.',
  examples: ['candor check -c candor.yaml', 'candor check --strict'],
  flags: {
    config: configFlag,
    json: jsonFlag,
    strict: switchFlag('Ask the gateway which timeouts fit'),
  },
  aliases: configAlias,
  run: async (context, flags) => (await import('./check.ts')).check(flags, context),
});

export const schemaCommand = defineCommand<object>({
  brief: 'Print the JSON Schema of the configuration',
  text: 'For editors that complete and validate.',
  examples: ['candor schema > candor.schema.json'],
  run: async ({ stdout }) => {
    const { jsonSchema } = await import('../config/json-schema.ts');
    // Its keywords are JSON Schema's, so they keep their case.
    stdout.write(`${escapeInvisible(JSON.stringify(jsonSchema(), null, 2))}\n`);
  },
});

export const trustCommand = defineCommand<TrustFlags>({
  brief: 'Show how to trust the local CA of a gateway',
  text: 'For listeners with `tls: internal`. Prints where the certificate of the CA is\nand the commands that make clients trust it, and changes nothing.',
  examples: ['candor trust -c candor.yaml'],
  flags: { config: configFlag, json: jsonFlag },
  aliases: configAlias,
  run: async (context, flags) => (await import('./trust.ts')).trust(flags, context),
});

const adaptKinds = ['procfile', 'compose', 'pm2', 'systemd'] as const;

function parseAdaptKind(input: string): (typeof adaptKinds)[number] {
  const found = adaptKinds.find((kind) => kind === input.toLowerCase());
  if (found !== undefined) return found;
  throw new CommandFailure('usage', `a kind is one of ${adaptKinds.join(', ')}`);
}

export const adaptCommand = defineCommand<AdaptFlags, [(typeof adaptKinds)[number], string]>({
  brief: 'Convert a Procfile, compose file, pm2 file or unit',
  text: 'Prints a configuration for the applications, workers and jobs of a file of\nanother program: procfile, compose (Docker, Podman), pm2 or systemd. The file is\nread and never run. What cannot be converted is a comment in the result and a\nline on standard error. Secrets are not copied: each is named with the command\nthat sets it. Exits with 4 if nothing of the file can be converted.',
  examples: [
    'candor adapt procfile Procfile -o candor.yaml',
    'candor adapt compose compose.yaml',
    'candor adapt pm2 ecosystem.config.js --json',
    'candor adapt systemd /etc/systemd/system/shop.service',
  ],
  flags: { output: valueFlag('<file> to write, which must not exist'), json: jsonFlag },
  aliases: { o: 'output' },
  positional: words(
    argument('kind', 'procfile, compose, pm2 or systemd', parseAdaptKind),
    argument('file', 'The file, or - for standard input'),
  ),
  run: async (context, flags, kind, file) => (await import('./adapt.ts')).adapt(kind, file, flags, context),
});

const numberOfOne = integerBetween(
  1,
  999_999_999,
  'a configuration has a number, such as 3: `candor configuration list` shows them',
);

const listConfigurationsCommand = defineCommand<AskFlags>({
  brief: 'List configurations that were applied or refused',
  text: 'Lists the configurations that the gateway has applied and refused, the newest\nfirst: when, by whom, and what changed, or the first error. Those of earlier\nprocesses are kept in the state folder.',
  examples: ['candor configuration list'],

  flags: askFlags,
  aliases: configAlias,
  run: async (context, flags) => (await import('./show-configurations.ts')).listConfigurations(flags, context),
});

interface ShowFlags extends AskFlags {
  readonly effective: boolean;
}

const showConfigurationCommand = defineCommand<ShowFlags, [number?]>({
  brief: 'Show the text of the active configuration',
  text: 'Prints the text of the configuration that is active, or of another one by its\nnumber, without secrets. Standard error says when it was read, and by whom;\nfor a refused one also why. Exits with 9 if there is none with that number.',
  examples: ['candor configuration show', 'candor configuration show 12', 'candor configuration show --effective'],
  aliases: configAlias,
  flags: {
    ...askFlags,
    effective: switchFlag('What the gateway runs, with all defaults filled in'),
  },
  positional: words(optionalArgument('number', 'Its number; the active one without', numberOfOne)),
  run: async (context, flags, id) => {
    const { showConfiguration, showEffective } = await import('./show-configurations.ts');
    if (!flags.effective) return showConfiguration(flags, id ?? null, context);
    if (id !== undefined)
      throw new CommandFailure('usage', '--effective shows what the gateway runs: it takes no number');
    return showEffective(flags, context);
  },
});

const diffConfigurationsCommand = defineCommand<AskFlags, [number, number?]>({
  brief: 'Show what changed between two configurations',
  text: 'Prints the difference of the texts of two configurations, without secrets, and\nthe keys of secrets and variables whose values differ. With one number it is the\ndifference to the active one. Exits with 1 if they differ, 0 if not, and 9 if\none is not there.',
  examples: ['candor configuration diff 11 12', 'candor configuration diff 11'],
  flags: askFlags,
  aliases: configAlias,
  positional: words(
    argument('from', 'The number of the earlier one', numberOfOne),
    optionalArgument('to', 'Of the later; the active one without', numberOfOne),
  ),
  run: async (context, flags, from, to) =>
    (await import('./show-configurations.ts')).diffConfigurations(flags, from, to ?? null, context),
});

const restoreConfigurationCommand = defineCommand<AskFlags, [number]>({
  brief: 'Go back to an earlier configuration',
  text: "Writes an earlier configuration into the file, and reloads. The newest 20 that\nwere applied are kept for this. The file that was there stays beside it as\n.replaced, and comes back if the gateway refuses the other one. Run it on the\ngateway's machine, as its user or root. Exits with 9 if there is none with that\nnumber, and with 10 if it cannot be restored.",
  examples: ['candor configuration restore 11'],
  flags: askFlags,
  aliases: configAlias,
  positional: words(argument('number', 'Its number', numberOfOne)),
  run: async (context, flags, id) =>
    (await import('./restore-configuration.ts')).restoreConfiguration(flags, id, context),
});

export const configurationCommands = buildRouteMap<'list' | 'show' | 'diff' | 'restore', ParserContext>({
  routes: {
    list: listConfigurationsCommand,
    show: showConfigurationCommand,
    diff: diffConfigurationsCommand,
    restore: restoreConfigurationCommand,
  },
  docs: {
    brief: 'Show what the gateway runs, and ran, and go back',
    fullDescription: describe(
      'Shows the configuration that a gateway runs, those it ran before, those it\nrefused and why, and what changed between them, and goes back to one.',
      'candor configuration list',
    ),
  },
});
