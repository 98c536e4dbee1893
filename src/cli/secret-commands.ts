import { buildRouteMap } from '@stricli/core';
import {
  argument,
  askFlags,
  configAlias,
  defineCommand,
  describe,
  optionalArgument,
  valueFlag,
  words,
} from './flags.ts';
import type { AskFlags, ParserContext } from './flags.ts';
import type { SecretFlags } from './secrets.ts';

const flags = { ...askFlags, application: valueFlag('<name> that it is of, and no other') };
const aliases = { ...configAlias, a: 'application' } as const;
const name = argument('name', 'Its name, such as DATABASE_URL');

const setCommand = defineCommand<SecretFlags, [string, string?]>({
  brief: 'Give a secret its value, from standard input',
  text: 'Reads the value from standard input, or asks for it without showing it. Of each\napplication that uses the secret, new instances take the place of the old ones.\nThe end of a value of one line is not kept. Works on the state folder itself\nwhere no gateway runs.',
  examples: [
    'candor secret set DATABASE_URL --application shop',
    'candor secret set TLS_KEY < key.pem',
    'openssl rand -hex 32 | candor secret set SESSION_KEY',
  ],
  usages: ['[--application <name>] <name>'],
  flags,
  aliases,
  positional: words(name, optionalArgument('value', 'Refused: arguments are seen by all users')),
  run: async (context, given, secret, value) =>
    (await import('./secrets.ts')).setSecret(given, secret, value !== undefined, context),
});

const listCommand = defineCommand<SecretFlags>({
  brief: 'List secrets, who changed them, and who uses them',
  text: 'Names alone: no command ever prints a value. Exits with 1 if an application\nneeds a secret that has no value.',
  examples: ['candor secret list', 'candor secret list --json'],
  flags,
  aliases,
  run: async (context, given) => (await import('./secrets.ts')).listSecrets(given, context),
});

const removeCommand = defineCommand<SecretFlags, [string]>({
  brief: 'Remove a secret',
  text: 'An application that uses it cannot start its programs any more: remove it from\n`secrets` there first. Exits with 9 if there is no such secret.',
  examples: ['candor secret remove STRIPE_KEY --application shop'],
  flags,
  aliases,
  positional: words(name),
  run: async (context, given, secret) => (await import('./secrets.ts')).removeSecret(given, secret, context),
});

const importCommand = defineCommand<SecretFlags, [string]>({
  brief: 'Set secrets from a .env file',
  text: 'Reads NAME=value lines with `export`, comments, quotes and values of several\nlines, and sets all of them at once. Says which lines it did not read, and exits\nwith 1 then. `-` reads standard input.',
  examples: ['candor secret import .env.production --application shop'],
  flags,
  aliases,
  positional: words(argument('file', 'The file, or -')),
  run: async (context, given, file) => (await import('./secrets.ts')).importSecrets(given, file, context),
});

const rotateCommand = defineCommand<AskFlags>({
  brief: 'Encrypt all secrets with a new key',
  text: 'The values stay, and nothing is started again. The old key, and copies of\nsecrets.json that are encrypted with it, are of no use to the gateway then.',
  examples: ['candor secret rotate-key'],
  flags: askFlags,
  aliases: configAlias,
  run: async (context, given) => (await import('./secrets.ts')).rotateKey(given, context),
});

export const secretCommands = buildRouteMap<'set' | 'list' | 'remove' | 'import' | 'rotateKey', ParserContext>({
  routes: {
    set: setCommand,
    list: listCommand,
    remove: removeCommand,
    import: importCommand,
    rotateKey: rotateCommand,
  },
  docs: {
    brief: 'Keep passwords and keys of applications',
    fullDescription: describe(
      'Passwords and keys that programs of applications get as variables or files.\nThey are encrypted in the state folder, and no command prints them.',
      'candor secret set DATABASE_URL --application shop',
    ),
  },
});
