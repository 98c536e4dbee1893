import { buildCommand } from '@stricli/core';
import {
  type ParserContext,
  describe,
  jsonFlag,
  optionalText,
  parseGatewayUrl,
  parseListenAddress,
  parseNames,
  parseSeconds,
} from './flags.ts';
import type { TortureFlags } from './torture.ts';

/** The parser treats the argument as optional, because `--setup` and `--list` need no gateway. */
export const tortureUsages = ['<gateway-url>', '--setup'] as const;

export const tortureCommand = buildCommand<TortureFlags, [URL?], ParserContext>({
  docs: {
    brief: 'Test how a gateway handles a failing origin',
    customUsage: tortureUsages,
    fullDescription: describe(
      'Starts an origin that fails in more than a hundred ways, sends requests for\neach failure through the gateway, and judges the responses. Exits with 1 if a\nresponse is misleading or worse, 8 if the gateway cannot be reached or does not\nforward to this origin.',
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
        brief: '<host:port> (127.0.0.1:9400)',
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
      html: optionalText('<file> for an HTML report', 'file'),
      caFile: optionalText('<file> for its CA; tests TLS too', 'file'),
      setup: { kind: 'boolean', brief: 'Only print what to configure', default: false, withNegated: false },
      insecure: { kind: 'boolean', brief: 'Accept any certificate', default: false, withNegated: false },
    },
    positional: {
      kind: 'tuple',
      parameters: [
        {
          brief: 'The gateway, with its path if any',
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
