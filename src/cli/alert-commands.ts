import { buildCommand, buildRouteMap } from '@stricli/core';
import { type AskFlags, askFlags, describe, type ParserContext } from './flags.ts';

const listCommand = buildCommand<AskFlags, [], ParserContext>({
  docs: {
    brief: 'List targets of alerts, and what waits for them',
    fullDescription: describe(
      'Lists who is told of incidents, expiring certificates, full disks and missed\nobjectives (`alerts` of the configuration): what was sent, what waits, and why\na target fails. Exits with 1 if one fails.',
      'candor alert list',
    ),
  },
  parameters: { flags: askFlags, aliases: { c: 'config' } },
  async func(flags) {
    const { listAlerts } = await import('./show-alerts.ts');
    this.process.exitCode = await listAlerts(flags, this.processContext);
  },
});

const testCommand = buildCommand<AskFlags, [string?], ParserContext>({
  docs: {
    brief: 'Send a test to one target of alerts, or to all',
    fullDescription: describe(
      'Sends a test message through the running gateway, and shows what was sent,\nwhat came back, and what to do if it was not accepted. Exits with 1 if a target\ndid not accept it, with 9 if there is no such target.',
      'candor alert test',
      'candor alert test oncall --json',
    ),
  },
  parameters: {
    flags: askFlags,
    aliases: { c: 'config' },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'Name of a target; default: all',
          parse: (input: string) => input,
          placeholder: 'target',
          optional: true,
        },
      ],
    },
  },
  async func(flags, target) {
    const { testAlerts } = await import('./show-alerts.ts');
    this.process.exitCode = await testAlerts(flags, target ?? null, this.processContext);
  },
});

export const alertCommands = buildRouteMap<'list' | 'test', ParserContext>({
  routes: { list: listCommand, test: testCommand },
  docs: {
    brief: 'Show and test who is told of incidents',
    fullDescription: describe('Shows who is told of incidents and the like, and tests it.', 'candor alert test'),
  },
});
