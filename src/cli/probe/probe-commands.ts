import { buildCommand } from '@stricli/core';
import { jsonFlag, optionalText, describe, type ParserContext, parseSeconds } from '../flags.ts';
import { parseHost, parseNameServer, parseProbeUrl, parseRequests, type ProbeFlags } from './probe-flags.ts';

export const probeCommand = buildCommand<ProbeFlags, [URL], ParserContext>({
  docs: {
    brief: 'Request a URL directly and through a gateway',
    fullDescription: describe(
      'The bypass test: looks up the name, connects to every address, reads the\ncertificate, sends GET and HEAD, and says which layer fails. With --via the same\nthrough a gateway, side by side. Follows no redirect and sends no credentials.\nExits with 0 if all works, 1 if a layer fails.',
      'candor probe localhost:3000/health',
      'candor probe http://10.0.0.5:3000/ --via https://shop.example.org',
    ),
  },
  parameters: {
    flags: {
      via: { kind: 'parsed', parse: parseProbeUrl, brief: '<url> of the gateway', placeholder: 'url', optional: true },
      host: {
        kind: 'parsed',
        parse: parseHost,
        brief: '<name> for Host and TLS, both ways',
        placeholder: 'name',
        optional: true,
      },
      requests: {
        kind: 'parsed',
        parse: parseRequests,
        brief: '<n> GETs on each way',
        placeholder: 'n',
        default: '10',
      },
      timeout: {
        kind: 'parsed',
        parse: parseSeconds,
        brief: '<seconds> for each step',
        placeholder: 'seconds',
        default: '5',
      },
      write: {
        kind: 'boolean',
        brief: 'Also POST, a large header, a WebSocket',
        default: false,
        withNegated: false,
      },
      http2: { kind: 'boolean', brief: 'Speak HTTP/2', default: false, withNegated: false },
      nameServer: {
        kind: 'parsed',
        parse: parseNameServer,
        brief: '<address> to ask for names',
        placeholder: 'address',
        optional: true,
      },
      caFile: optionalText('<file> with authorities, in PEM', 'file'),
      insecure: { kind: 'boolean', brief: 'Accept any certificate', default: false, withNegated: false },
      json: jsonFlag,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'A URL of the application', parse: parseProbeUrl, placeholder: 'url' }],
    },
  },
  async func(flags, target) {
    const { probeTarget } = await import('./probe-command.ts');
    this.process.exitCode = await probeTarget(flags, target, this.processContext);
  },
});
