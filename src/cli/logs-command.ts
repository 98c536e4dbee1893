import { buildCommand } from '@stricli/core';
import { CommandFailure } from './command-failure.ts';
import { askFlags, optionalText, describe, type ParserContext } from './flags.ts';
import type { LogsFlags } from './show-logs.ts';

export const logsCommand = buildCommand<LogsFlags, string[], ParserContext>({
  docs: {
    brief: 'Search stored exchanges and output',
    fullDescription: describe(
      'Prints exchanges and lines of applications that the running gateway has stored,\nthe newest at the end.\nA query has conditions and words, and all of them must hold:\n  status:502 status:5xx  duration:>2s  since:1h until:08:30\n  route: upstream: endpoint: client: host: path: method: id: trace:\n  cause: shape: whose: stage: type: end: member: grpc:14\n  kind:output kind:exchange application: instance: stream:\n  a * at the end stands for any rest\n  -cause:x excludes; other words stand anywhere in the record.\nNeeds `store` in the configuration.',
      'candor logs status:5xx route:api since:1h',
      'candor logs --follow cause:connect_timeout',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      follow: { kind: 'boolean', brief: 'Print new exchanges as they end', default: false, withNegated: false },
      limit: {
        kind: 'parsed',
        parse: parseLimit,
        brief: '<number> of exchanges at most',
        placeholder: 'number',
        default: '50',
      },
      since: optionalText('<time> ago, such as 1h, or when', 'time'),
    },
    aliases: { c: 'config', f: 'follow', n: 'limit' },
    positional: {
      kind: 'array',
      parameter: { brief: 'Conditions and words', parse: String, placeholder: 'query' },
    },
  },
  async func(flags, ...words) {
    const { showLogs } = await import('./show-logs.ts');
    await showLogs(flags, words, this.processContext);
  },
});

function parseLimit(input: string): number {
  const limit = Number(input);
  if (/^\d{1,6}$/.test(input) && limit > 0) return limit;
  throw new CommandFailure('usage', 'a limit is a number from 1 to 999999');
}
