import { buildCommand, buildRouteMap } from '@stricli/core';
import { type AskFlags, askFlags, describe, type ParserContext } from './flags.ts';
import { CommandFailure } from './command-failure.ts';

/** Of all commands here: which gateway is asked. */
const asked = { flags: askFlags, aliases: { c: 'config' } } as const;

const listCommand = buildCommand<AskFlags, [], ParserContext>({
  docs: {
    brief: 'List configurations that were applied or refused',
    fullDescription: describe(
      'Lists the configurations that the gateway has applied and refused, the newest\nfirst: when, by whom, and what changed, or the first error. Those of earlier\nprocesses are kept in the state folder.',
      'candor configuration list',
    ),
  },
  parameters: asked,
  async func(flags) {
    const { listConfigurations } = await import('./show-configurations.ts');
    await listConfigurations(flags, this.processContext);
  },
});

interface ShowFlags extends AskFlags {
  readonly effective: boolean;
}

const showCommand = buildCommand<ShowFlags, [number?], ParserContext>({
  docs: {
    brief: 'Show the text of the active configuration',
    fullDescription: describe(
      'Prints the text of the configuration that is active, or of another one by its\nnumber, without secrets. Standard error says when it was read, and by whom;\nfor a refused one also why. Exits with 9 if there is none with that number.',
      'candor configuration show',
      'candor configuration show 12',
      'candor configuration show --effective',
    ),
  },
  parameters: {
    ...asked,
    flags: {
      ...askFlags,
      effective: {
        kind: 'boolean',
        brief: 'What the gateway runs, with all defaults filled in',
        default: false,
        withNegated: false,
      },
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'Its number; the active one without', parse: parseNumber, placeholder: 'number', optional: true },
      ],
    },
  },
  async func(flags, id) {
    const { showConfiguration, showEffective } = await import('./show-configurations.ts');
    if (!flags.effective) return showConfiguration(flags, id ?? null, this.processContext);
    if (id !== undefined)
      throw new CommandFailure('usage', '--effective shows what the gateway runs: it takes no number');
    await showEffective(flags, this.processContext);
  },
});

const diffCommand = buildCommand<AskFlags, [number, number?], ParserContext>({
  docs: {
    brief: 'Show what changed between two configurations',
    fullDescription: describe(
      'Prints the difference of the texts of two configurations, without secrets, and\nthe keys of secrets and variables whose values differ. With one number it is the\ndifference to the active one. Exits with 1 if they differ, 0 if not, and 9 if\none is not there.',
      'candor configuration diff 11 12',
      'candor configuration diff 11',
    ),
  },
  parameters: {
    ...asked,
    positional: {
      kind: 'tuple',
      parameters: [
        { brief: 'The number of the earlier one', parse: parseNumber, placeholder: 'from' },
        { brief: 'Of the later; the active one without', parse: parseNumber, placeholder: 'to', optional: true },
      ],
    },
  },
  async func(flags, from, to) {
    const { diffConfigurations } = await import('./show-configurations.ts');
    this.process.exitCode = await diffConfigurations(flags, from, to ?? null, this.processContext);
  },
});

export const configurationCommands = buildRouteMap<'list' | 'show' | 'diff', ParserContext>({
  routes: { list: listCommand, show: showCommand, diff: diffCommand },
  docs: {
    brief: 'Show what the gateway runs, and ran, and diffs',
    fullDescription: describe(
      'Shows the configuration that a gateway runs, those it ran before, those it\nrefused and why, and what changed between them.',
      'candor configuration list',
    ),
  },
});

function parseNumber(input: string): number {
  if (/^\d{1,9}$/.test(input) && Number(input) > 0) return Number(input);
  throw new CommandFailure('usage', 'a configuration has a number, such as 3: `candor configuration list` shows them');
}
