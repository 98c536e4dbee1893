import { buildCommand } from '@stricli/core';
import type { DashboardFlags } from './dashboard.ts';
import { askFlags, parsePort, describe, type ParserContext } from './flags.ts';

export const dashboardCommand = buildCommand<DashboardFlags, [], ParserContext>({
  docs: {
    brief: 'Open the dashboard of the gateway in a browser',
    fullDescription: describe(
      'Makes a link that logs a browser in once, within a minute, and opens it. If the\ngateway answers over TCP with TLS, the link leads there. Otherwise this command\nlistens on a port of this machine and passes requests on to the admin socket,\nuntil Ctrl-C.',
      'candor dashboard',
      'candor dashboard --no-open --port 9902',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      open: { kind: 'boolean', brief: 'Open a browser', default: true },
      port: {
        kind: 'parsed',
        parse: parsePort,
        brief: '<port> to listen on; 0: any',
        placeholder: 'port',
        default: '0',
      },
    },
    aliases: { c: 'config' },
  },
  async func(flags) {
    const { dashboard } = await import('./dashboard.ts');
    await dashboard(flags, this.processContext);
  },
});
