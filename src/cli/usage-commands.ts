import { askFlags, configAlias, defineCommand, switchFlag, valueFlag } from './flags.ts';
import type { CostFlags } from './show-cost.ts';
import type { TopFlags } from './show-top.ts';

export const topCommand = defineCommand<TopFlags>({
  brief: 'Show what applications use now: CPU, memory, requests',
  text: 'Shows applications, their instances, workers and jobs: CPU time as a share of a\ncore, memory, restarts of the last day, requests and errors per second, and how\nlong requests take. On a terminal it refreshes until q; s sorts by the next\ncolumn. Elsewhere, and with --once, it prints the table once.',
  examples: ['candor top', 'candor top --once', 'candor top --json'],
  flags: { ...askFlags, once: switchFlag('Print once, also on a terminal') },
  aliases: configAlias,
  run: async (context, flags) => (await import('./show-top.ts')).showTop(flags, context),
});

export const costCommand = defineCommand<CostFlags>({
  brief: 'Show what applications have used, and its cost',
  text: 'Shows what each application has used since the beginning of the month, in UTC:\nCPU time, memory, storage, bytes to clients, requests; what that costs by\n`prices` of the configuration; and what the month will cost, with a low and a\nhigh figure and what they rest on. Without prices it shows quantities.',
  examples: ['candor cost', 'candor cost --since 7d', 'candor cost --month --json'],
  flags: {
    ...askFlags,
    month: switchFlag('Since the month began: the default'),
    since: valueFlag('<time> ago, such as 7d, or when'),
  },
  aliases: configAlias,
  run: async (context, flags) => (await import('./show-cost.ts')).showCost(flags, context),
});
