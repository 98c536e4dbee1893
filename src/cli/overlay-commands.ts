import { buildCommand } from '@stricli/core';
import type { AskFlags } from './ask-flags.ts';
import { askFlags } from './flags.ts';
import { describe, type ParserContext } from './parser-context.ts';
import { CommandFailure } from './command-failure.ts';

/** Commands that change at run time what the configuration file says, until `candor restore`. */

const outlives = 'This outlives reloads and restarts, until `candor restore`.';

const endpointPosition = { brief: 'Id, address or instance', parse: String, placeholder: 'endpoint' } as const;

export const drainCommand = buildCommand<AskFlags, [string], ParserContext>({
  docs: {
    brief: 'Send an endpoint no new requests',
    fullDescription: describe(
      `Requests in flight finish.\n${outlives}\nEnds with 9 where there is no such endpoint.`,
      'candor drain 10.0.0.5:3000',
      'candor drain api/10.0.0.5:3000 --json',
    ),
  },
  parameters: {
    flags: askFlags,
    positional: { kind: 'tuple', parameters: [endpointPosition] },
    aliases: { c: 'config' },
  },
  async func(flags, endpoint) {
    const { changeOverlay } = await import('./change-overlay.ts');
    await changeOverlay({ kind: 'drain', body: { endpoint } }, flags, this.processContext);
  },
});

export const weightCommand = buildCommand<AskFlags, [string, number], ParserContext>({
  docs: {
    brief: 'Change the share of requests that an endpoint gets',
    fullDescription: describe(
      `An endpoint gets new requests in proportion to its weight, 0 to 1000; each has\nweight 1 otherwise. With 0 it gets none while another endpoint can be chosen.\n${outlives}`,
      'candor weight 10.0.0.5:3000 0',
      'candor weight api/10.0.0.5:3000 10',
    ),
  },
  parameters: {
    flags: askFlags,
    positional: {
      kind: 'tuple',
      parameters: [endpointPosition, { brief: '0 to 1000', parse: parseWeight, placeholder: 'weight' }],
    },
    aliases: { c: 'config' },
  },
  async func(flags, endpoint, weight) {
    const { changeOverlay } = await import('./change-overlay.ts');
    await changeOverlay({ kind: 'weight', body: { endpoint, weight } }, flags, this.processContext);
  },
});

export const restoreCommand = buildCommand<AskFlags, [string?], ParserContext>({
  docs: {
    brief: 'Undo what operators have changed at run time',
    fullDescription: describe(
      'Clears one entry of the overlay, or all that name a route, upstream or endpoint;\nwithout an argument, all of them. The configuration file decides again.\n`candor status` lists the entries.',
      'candor restore',
      'candor restore drain:api/10.0.0.5:3000',
    ),
  },
  parameters: {
    flags: askFlags,
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'An entry, or what it names', parse: String, placeholder: 'what', optional: true }],
    },
    aliases: { c: 'config' },
  },
  async func(flags, what) {
    const { changeOverlay } = await import('./change-overlay.ts');
    await changeOverlay({ kind: 'restore', body: { what } }, flags, this.processContext);
  },
});

function parseWeight(input: string): number {
  const weight = Number(input);
  if (/^\d{1,4}$/.test(input) && weight <= 1000) return weight;
  throw new CommandFailure('usage', 'a weight is a whole number from 0 to 1000');
}
