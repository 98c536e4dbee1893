import {
  argument,
  configAlias,
  configFlag,
  defineCommand,
  jsonFlag,
  parseDurationFlag,
  switchFlag,
  valueFlag,
  words,
} from './flags.ts';
import type { SignFlags } from './sign.ts';

export const signCommand = defineCommand<SignFlags, [string]>({
  brief: 'Sign a link for a route with signed_links',
  text: 'Prints the URL with the time at which it expires, and with a signature by the\nfirst key of the route that takes it (`signed_links`). It is valid for an hour,\nor for as long as --for says. Asks no gateway, and writes nothing.\nWith --folder, what stands behind "?" is valid for every path in the folder.',
  examples: [
    'candor sign https://shop.example.org/files/a.pdf',
    'candor sign https://shop.example.org/files/a.pdf --for 10m --address 192.0.2.7',
    'candor sign https://shop.example.org/files/album/ --folder --for 1h',
  ],
  flags: {
    config: configFlag,
    for: valueFlag('<time> it is valid, such as 10m', parseDurationFlag),
    folder: switchFlag('Sign all paths in the folder'),
    address: valueFlag('<address> that may use it'),
    json: jsonFlag,
  },
  aliases: configAlias,
  positional: words(argument('url', 'The URL to sign')),
  run: async (context, flags, url) => (await import('./sign.ts')).sign(flags, url, context),
});
