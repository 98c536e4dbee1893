import { buildCommand } from '@stricli/core';
import { type ParserContext, describe } from './parser-context.ts';
import { jsonFlag, optionalText } from './flags.ts';
import { parseGatewayUrl, parseListenAddress, parseNames, parseSeconds } from './torture-flags.ts';
import type { TortureFlags } from './torture.ts';

/** The parser leaves out an argument that may be missing, and this one may only where nothing is tried. */
export const tortureUsages = ['<gateway-url>', '--setup'] as const;

export const tortureCommand = buildCommand<TortureFlags, [URL?], ParserContext>({
  docs: {
    brief: 'See what any gateway makes of an origin that fails',
    customUsage: tortureUsages,
    fullDescription: describe(
      'Starts an origin that misbehaves in more than a hundred ways, asks for each\nthrough the gateway, and judges what it tells its clients. Ends with 1 where an\nanswer misleads or worse, with 8 where the gateway cannot be reached or does\nnot send its requests there.',
      'candor torture --setup',
      'candor torture http://localhost:8080',
      'candor torture http://localhost:8080 --only chunk,refused --html torture.html',
    ),
  },
  parameters: {
    flags: {
      originListen: {
        kind: 'parsed',
        parse: parseListenAddress,
        brief: '<host:port> of it; 127.0.0.1:9400',
        placeholder: 'host:port',
        optional: true,
      },
      only: {
        kind: 'parsed',
        parse: parseNames,
        brief: '<names> of cases, or parts of them',
        placeholder: 'names',
        optional: true,
      },
      timeout: {
        kind: 'parsed',
        parse: parseSeconds,
        brief: '<seconds> for one exchange',
        placeholder: 'seconds',
        default: '10',
      },
      json: jsonFlag,
      html: optionalText('<file> for the matrix as a page', 'file'),
      caFile: optionalText('<file> for its authority; tries TLS', 'file'),
      setup: { kind: 'boolean', brief: 'Only say what to configure', default: false, withNegated: false },
      insecure: { kind: 'boolean', brief: 'Take any certificate of the gateway', default: false, withNegated: false },
    },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'Of the gateway, with a path where it has one',
          parse: parseGatewayUrl,
          placeholder: 'gateway-url',
          optional: true,
        },
      ],
    },
  },
  async func(flags, url) {
    const { tortureGateway } = await import('./torture.ts');
    this.process.exitCode = await tortureGateway(flags, url ?? null, this.processContext);
  },
});
