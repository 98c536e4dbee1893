import { buildRouteMap } from '@stricli/core';
import type { KeyFlags, PasswordFlags } from './credentials.ts';
import { argument, defineCommand, describe, jsonFlag, valueFlag, words } from './flags.ts';
import type { ParserContext } from './flags.ts';

export const passwordCommand = defineCommand<PasswordFlags, [string]>({
  brief: 'Make a line for a file of users and passwords',
  text: 'Asks for the password twice without showing it, or reads it from standard input,\nand prints the line `name:hash` for the file that `users_file` of\n`authentication` names. Writes nothing. A reload reads the file again.',
  examples: [
    'candor password ada >> users',
    'candor password bob --groups admin,staff >> users',
    'printf %s "$PASSWORD" | candor password ada --hash scrypt',
  ],
  flags: {
    hash: { kind: 'enum', values: ['argon2id', 'scrypt'], brief: '<hash> (argon2id by default)', optional: true },
    groups: valueFlag('<groups> of the user, separated by commas'),
    json: jsonFlag,
  },
  positional: words(argument('name', 'The name that the user logs in with')),
  run: async (context, flags, name) => (await import('./credentials.ts')).password(flags, name, context),
});

const newCommand = defineCommand<KeyFlags, [string]>({
  brief: 'Make an API key and its line',
  text: 'Prints the key once on standard error, and on standard output the line\n`name:hash` for the file that `keys_file` of `authentication` names. Writes\nnothing. A reload reads the file again.',
  examples: ['candor key new ci >> api-keys', 'candor key new ci --groups deploy,read --json'],
  flags: { groups: valueFlag('<groups> of the program, separated by commas'), json: jsonFlag },
  positional: words(argument('name', 'Whose key it is, shown in logs')),
  run: async (context, flags, name) => (await import('./credentials.ts')).newKey(flags, name, context),
});

export const keyCommands = buildRouteMap<'new', ParserContext>({
  routes: { new: newCommand },
  docs: {
    brief: 'Make API keys of programs',
    fullDescription: describe(
      'Keys by which programs authenticate (`api_keys` of `authentication`). The\ngateway knows their hashes alone.',
      'candor key new ci >> api-keys',
    ),
  },
});
