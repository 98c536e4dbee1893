import { buildCommand } from '@stricli/core';
import { CommandFailure } from './command-failure.ts';
import { askFlags, optionalText, describe, type ParserContext, type AskFlags } from './flags.ts';
import type { IncidentsFlags } from './show-incidents.ts';

export const incidentsCommand = buildCommand<IncidentsFlags, [], ParserContext>({
  docs: {
    brief: 'List incidents: what fails, since when, why',
    fullDescription: describe(
      'Lists the incidents of a running gateway: failures that are more than usual,\ngrouped by upstream, with what has probably caused them. Those that go on come\nfirst. Exits with 1 while one goes on, 0 if none does.',
      'candor incidents',
      'candor incidents --since 7d',
      'candor incidents --json',
    ),
  },
  parameters: {
    flags: { ...askFlags, since: optionalText('<time> from which on, such as 2h', 'time') },
    aliases: { c: 'config' },
  },
  async func(flags) {
    const { showIncidents } = await import('./show-incidents.ts');
    this.process.exitCode = await showIncidents(flags, this.processContext);
  },
});

export const incidentCommand = buildCommand<AskFlags, [number], ParserContext>({
  docs: {
    brief: 'Show one incident, its evidence, and what to do',
    fullDescription: describe(
      'Shows an incident by its number: when, how much, which routes and endpoints,\nand what has probably caused it, the likeliest first, each with its evidence;\nand the next step. Exits with 9 if no incident has this number.',
      'candor incident 3',
    ),
  },
  parameters: {
    flags: askFlags,
    aliases: { c: 'config' },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'Its number, from `candor incidents`', parse: parseNumber, placeholder: 'number' }],
    },
  },
  async func(flags, id) {
    const { showIncident } = await import('./show-incidents.ts');
    await showIncident(flags, id, this.processContext);
  },
});

function parseNumber(input: string): number {
  if (/^\d{1,9}$/.test(input) && Number(input) > 0) return Number(input);
  throw new CommandFailure('usage', 'an incident has a number, such as 3: `candor incidents` lists them');
}
