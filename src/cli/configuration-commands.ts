import { buildCommand } from '@stricli/core';
import type { CheckFlags } from './check.ts';
import type { TrustFlags } from './trust.ts';
import { type ParserContext, describe, configFlag, jsonFlag } from './flags.ts';

export const checkCommand = buildCommand<CheckFlags, [], ParserContext>({
  docs: {
    brief: 'Validate a configuration',
    fullDescription: describe(
      'Prints all errors at once, and changes nothing. Exits with 4 if the\nconfiguration has errors.',
      'candor check -c candor.yaml',
      'candor check --strict',
    ),
  },
  parameters: {
    flags: {
      config: configFlag,
      json: jsonFlag,
      strict: {
        kind: 'boolean',
        brief: 'Ask the gateway which timeouts fit',
        default: false,
        withNegated: false,
      },
    },
    aliases: { c: 'config' },
  },
  async func(flags) {
    const { check } = await import('./check.ts');
    this.process.exitCode = await check(flags, this.processContext);
  },
});

export const schemaCommand = buildCommand({
  docs: {
    brief: 'Print the JSON Schema of the configuration',
    fullDescription: describe('For editors that complete and validate.', 'candor schema > candor.schema.json'),
  },
  parameters: {},
  async func(this: ParserContext) {
    const { printSchema } = await import('./print-schema.ts');
    printSchema(this.processContext);
  },
});

export const trustCommand = buildCommand<TrustFlags, [], ParserContext>({
  docs: {
    brief: 'Show how to trust the local CA of a gateway',
    fullDescription: describe(
      'For listeners with `tls: internal`. Prints where the certificate of the CA is\nand the commands that make clients trust it, and changes nothing.',
      'candor trust -c candor.yaml',
    ),
  },
  parameters: { flags: { config: configFlag, json: jsonFlag }, aliases: { c: 'config' } },
  async func(flags) {
    const { trust } = await import('./trust.ts');
    await trust(flags, this.processContext);
  },
});
