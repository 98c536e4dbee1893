import { buildCommand } from '@stricli/core';
import { type ParserContext, describe } from './parser-context.ts';
import type { ExplainAnythingFlags } from './explain-log/explain-anything.ts';
import { askFlags, jsonFlag, optionalText } from './flags.ts';
import { parseSeconds } from './torture-flags.ts';
import type { WhoseFlags } from './whose/whose-command.ts';

/** The parser would name the first argument only, and several files are one log. */
const explainUsages = ['<file>... | -', "'<line of a log>'", '<request-id>'];

export const explainCommand = buildCommand<ExplainAnythingFlags, string[], ParserContext>({
  docs: {
    brief: "Say why requests failed, from any gateway's log",
    customUsage: explainUsages,
    fullDescription: describe(
      'Reads logs of nginx, Apache, HAProxy, Envoy, Caddy, Traefik, AWS, Heroku and\nothers, compressed ones too, or one line of such a log: what failed, whose it\nwas, and what to change. Ends with 1 where a gateway failed, with 0 where\nnothing did, with 3 where nothing was recognised.\nA request id is looked up at the running gateway and in its log, rotated ones\ntoo, and ends with 9 where nobody knows it.',
      'candor explain /var/log/nginx/error.log /var/log/nginx/access.log*',
      'kubectl logs deploy/ingress | candor explain -',
      'candor explain -f access.log --log-format "$(cat log_format.txt)"',
      'candor explain 0197f3a0-5b1c-7000-8000-2f6a1c9d4e10',
    ),
  },
  parameters: {
    flags: {
      ...askFlags,
      log: optionalText('<path> where to look for the id', 'path'),
      lines: { kind: 'boolean', brief: 'One line for each failure', default: false, withNegated: false },
      follow: { kind: 'boolean', brief: 'Go on as the log grows', default: false, withNegated: false },
      html: optionalText('<file> for the summary as a page', 'file'),
      logFormat: optionalText("<text> of nginx's log_format", 'text'),
    },
    aliases: { c: 'config', f: 'follow' },
    positional: {
      kind: 'array',
      parameter: { brief: 'A log, a line of one, or an id', parse: String, placeholder: 'log-or-request-id' },
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
      'Asks a URL once, or reads what was saved: what `curl -i` or `curl -v` prints, a\nHAR, JSON lines of {status, headers, body}, or an error page alone.',
      'candor whose https://example.org/',
      'curl -si https://example.org/ | candor whose -',
    ),
  },
  parameters: {
    flags: {
      timeout: {
        kind: 'parsed',
        parse: parseSeconds,
        brief: '<seconds> for the answer',
        placeholder: 'seconds',
        default: '10',
      },
      insecure: { kind: 'boolean', brief: 'Take any certificate', default: false, withNegated: false },
      json: jsonFlag,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ brief: 'A URL, a file, or - for what comes in', parse: String, placeholder: 'url-or-file' }],
    },
  },
  async func(flags, given) {
    const { showWhose: sayWhose } = await import('./whose/whose-command.ts');
    this.process.exitCode = await sayWhose(flags, given, this.processContext);
  },
});
