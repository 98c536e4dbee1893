import { buildCommand } from '@stricli/core';
import { askFlags, describe, type ParserContext } from './flags.ts';
import type { RouteFlags } from './show-route.ts';

export const routeUsage = '[<method>] <url>';

export const routeCommand = buildCommand<RouteFlags, string[], ParserContext>({
  docs: {
    brief: 'Say which route a request would take, and why',
    customUsage: [routeUsage],
    fullDescription: describe(
      'Asks the running gateway which route a request would take: what matched, why\nthe routes before it did not, and the timeouts, retries and limits in effect.\nNothing is sent to an application. With -c it asks a configuration file instead,\nand no gateway. Exits with 9 if no route matches.',
      'candor route https://shop.example.org/api/orders',
      "candor route POST https://shop.example.org/api -H 'X-Beta: 1' -c next.yaml",
    ),
  },
  parameters: {
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
    },
    aliases: { c: 'config' },
    positional: {
      kind: 'array',
      parameter: { brief: 'Its method, GET if absent, and its URL', parse: String, placeholder: 'method-and-url' },
      minimum: 1,
      maximum: 2,
    },
  },
  async func(flags, ...given) {
    const { showRoute } = await import('./show-route.ts');
    this.process.exitCode = await showRoute(flags, given, this.processContext);
  },
});
