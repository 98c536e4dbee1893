import {
  defineCommand,
  switchFlag,
  valueFlag,
  defaultFlag,
  argument,
  optionalArgument,
  words,
  jsonFlag,
  parseListenAddress,
  parseGatewayUrl,
  parseSeconds,
  parseNames,
  integerBetween,
} from './flags.ts';
import type { ProbeFlags } from './probe/probe-command.ts';
import { hostPort } from '../core/endpoint.ts';
import { CommandFailure } from './command-failure.ts';
import type { TortureFlags } from './torture.ts';

export const probeCommand = defineCommand<ProbeFlags, [URL]>({
  brief: 'Request a URL directly and through a gateway',
  text: 'The bypass test: looks up the name, connects to every address, reads the\ncertificate, sends GET and HEAD, and says which layer fails. With --via the same\nthrough a gateway, side by side. Follows no redirect and sends no credentials.\nExits with 0 if all works, 1 if a layer fails.',
  examples: ['candor probe localhost:3000/health', 'candor probe http://10.0.0.5:3000/ --via https://shop.example.org'],
  flags: {
    via: valueFlag('<url> of the gateway', parseProbeUrl),
    host: valueFlag('<name> for Host and TLS, both ways', parseHost),
    requests: defaultFlag(
      '<n> GETs on each way',
      integerBetween(1, 1000, 'a number of requests is from 1 to 1000'),
      '10',
    ),
    timeout: defaultFlag('<seconds> for each step', parseSeconds, '5'),
    write: switchFlag('Also POST, a large header, a WebSocket'),
    http2: switchFlag('Speak HTTP/2'),
    nameServer: valueFlag('<address> to ask for names', parseNameServer),
    caFile: valueFlag('<file> with authorities, in PEM'),
    insecure: switchFlag('Accept any certificate'),
    json: jsonFlag,
  },
  positional: words(argument('url', 'A URL of the application', parseProbeUrl)),
  run: async (context, flags, target) => (await import('./probe/probe-command.ts')).probeTarget(flags, target, context),
});

/** Completes what people type: '3000', 'localhost:3000/health', 'example.org'. */
function parseProbeUrl(input: string): URL {
  const written = /^\d{1,5}(?=\/|$)/.test(input) ? `127.0.0.1:${input}` : input;
  const url = URL.parse(/^https?:\/\//i.test(written) ? written : `http://${written}`);
  if (url === null || url.hostname === '' || /^[a-z][a-z\d+.-]*:\/\//i.test(input) !== /^https?:\/\//i.test(input))
    throw new CommandFailure('usage', 'the URL must look like http://localhost:3000/health');
  // A probe sends no credentials, and prints none.
  url.username = '';
  url.password = '';
  url.hash = '';
  return url;
}

function parseHost(input: string): string {
  if (/^(?:[\w.-]{1,253}|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/.test(input)) return input;
  throw new CommandFailure('usage', 'a host is a name or an address, such as shop.example.org or 10.0.0.5:3000');
}

/** An address, with a port if it is not 53. */
function parseNameServer(input: string): string {
  const { isIP } = process.getBuiltinModule('node:net');
  const [, host = '', port] = /^(?:\[(?=.*\]))?([^\]]*?)\]?(?::(\d{1,5}))?$/.exec(input) ?? [];
  if (isIP(input) !== 0) return input;
  if (isIP(host) !== 0 && port !== undefined) return hostPort(host, Number(port));
  throw new CommandFailure('usage', 'a name server is an address, such as 1.1.1.1 or 127.0.0.1:5353');
}

/** The parser treats the argument as optional, because `--setup` and `--list` need no gateway. */
export const tortureUsages = ['<gateway-url>', '--setup'] as const;

export const tortureCommand = defineCommand<TortureFlags, [URL?]>({
  brief: 'Test how a gateway handles a failing origin',
  usages: tortureUsages,
  text: 'Starts an origin that fails in more than a hundred ways, sends requests for\neach failure through the gateway, and judges the responses. Exits with 1 if a\nresponse is misleading or worse, 8 if the gateway cannot be reached or does not\nforward to this origin.',
  examples: [
    'candor torture --setup',
    'candor torture http://localhost:8080',
    'candor torture http://localhost:8080 --only chunk,refused --html torture.html',
  ],
  flags: {
    originListen: valueFlag('<host:port> (127.0.0.1:9400)', parseListenAddress),
    only: valueFlag('<names> of cases, or parts of them', parseNames),
    timeout: defaultFlag('<seconds> for one exchange', parseSeconds, '10'),
    json: jsonFlag,
    html: valueFlag('<file> for an HTML report'),
    caFile: valueFlag('<file> for its CA; tests TLS too'),
    setup: switchFlag('Only print what to configure'),
    insecure: switchFlag('Accept any certificate'),
  },
  positional: words(optionalArgument('gateway-url', 'The gateway, with its path if any', parseGatewayUrl)),
  run: async (context, flags, url) => (await import('./torture.ts')).tortureGateway(flags, url ?? null, context),
});
