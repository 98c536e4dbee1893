import { buildCommand } from '@stricli/core';
import { type ParserContext, describe, askFlags, jsonFlag, optionalText, parseSeconds } from './flags.ts';
import type { ExplainAnythingFlags } from './explain-log/explain-anything.ts';
import type { WhoseFlags } from './whose/whose-command.ts';

/** Several files are one log. The parser's own placeholder would name only the first argument. */
const explainUsages = ['<file>... | -', "'<line of a log>'", '<request-id>'];

export const explainCommand = buildCommand<ExplainAnythingFlags, string[], ParserContext>({
  docs: {
    brief: "Say why requests failed, from any gateway's log",
    customUsage: explainUsages,
    fullDescription: describe(
      'Reads logs of nginx, Apache, HAProxy, Envoy, Caddy, Traefik, AWS, Heroku and\nothers, also compressed, or one line of such a log, and prints what failed, who\ncaused it, and what to change. Exits with 1 if the log has gateway failures, 0\nif not, 3 if no line was recognised.\nLooks for a request id in the running gateway and its log files, rotated ones\ntoo. Exits with 9 if it is unknown.',
      'candor explain /var/log/nginx/error.log /var/log/nginx/access.log*',
      'kubectl logs deploy/ingress | candor explain -',
      'candor explain -f access.log --log-format "$(cat log_format.txt)"',
      'candor explain 0197f3a0-5b1c-7000-8000-2f6a1c9d4e10',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      log: optionalText('<path> of the log with the id', 'path'),
      lines: { kind: 'boolean', brief: 'Print one line for each failure', default: false, withNegated: false },
      follow: { kind: 'boolean', brief: 'Continue as the log grows', default: false, withNegated: false },
      html: optionalText('<file> for an HTML summary', 'file'),
      logFormat: optionalText('<text> of its log_format, or the like', 'text'),
    },
    aliases: { c: 'config', f: 'follow' },
    positional: {
      kind: 'array',
      parameter: { brief: 'A log, a line of a log, or an id', parse: String, placeholder: 'log-or-request-id' },
      minimum: 1,
    },
  },
  async func(flags, ...given) {
    const { explainAnything } = await import('./explain-log/explain-anything.ts');
    this.process.exitCode = await explainAnything(flags, given, this.processContext);
  },
});

export const whoseCommand = buildCommand<WhoseFlags, [string], ParserContext>({
  docs: {
    brief: 'Say which layer of a chain wrote a response',
    fullDescription: describe(
      'Requests a URL once, or reads a saved response: output of `curl -i` or\n`curl -v`, a HAR, JSON lines of {status, headers, body}, or an error page.',
      'candor whose https://example.org/',
      'curl -si https://example.org/ | candor whose -',
    ),
  },
  parameters: {
    flags: {
      timeout: {
        kind: 'parsed',
        parse: parseSeconds,
        brief: '<seconds> for the response',
        placeholder: 'seconds',
        default: '10',
      },
      insecure: { kind: 'boolean', brief: 'Accept any certificate', default: false, withNegated: false },
      json: jsonFlag,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'A URL, a file, or - for stdin', parse: String, placeholder: 'url-or-file' }],
    },
  },
  async func(flags, given) {
    const { showWhose: sayWhose } = await import('./whose/whose-command.ts');
    this.process.exitCode = await sayWhose(flags, given, this.processContext);
  },
});
