import { type Dialect, dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { type GoError, readGoError } from '../go-errors.ts';
import { isoTimeMs, jsonLine, jsonText, parseLogfmt } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { findingOf, fixOf, harmlessVerdict, type Verdict } from '../verdict.ts';

const format = 'cloudflared log';

/** What only cloudflared writes. Its lines have the form that zerolog gives those of many programs. */
const ownWords =
  /originService=|"originService"|\bconnIndex=|"connIndex"|reach the origin service|\bfrom cloudflared\b/;
const form = /^(?:\{|(?:\d{4}-\d\d-\d\dT[\d:]{8}(?:Z|[+-]\d\d:?\d\d) )?(?:DBG|INF|WRN|ERR|FTL) )/;

interface CloudflaredLine {
  readonly atMs: number | null;
  readonly error: string;
  readonly origin: string | null;
}

function parse(line: string): CloudflaredLine | null {
  if (!form.test(line) || !ownWords.test(line)) return null;
  const fields = jsonLine(line);
  if (fields !== null) {
    if (!('originService' in fields || 'connIndex' in fields || 'error' in fields)) return null;
    const error = jsonText(fields['error']) ?? '';
    return { atMs: isoTimeMs(fields['time']), error, origin: jsonText(fields['originService']) };
  }
  if (line.startsWith('{')) return null;
  const pairs = parseLogfmt(line);
  const [time] = /^\d{4}-\S{1,30}/.exec(line) ?? [];
  return { atMs: isoTimeMs(time), error: pairs.get('error') ?? '', origin: pairs.get('originService') ?? null };
}

function read(text: string): Finding | null {
  const line = parse(judgedText(text));
  if (line === null) return null;
  const { atMs, error, origin } = line;
  const isOfRequest =
    /origin service|[Ii]ncoming request|stream \d+ canceled|^Request failed/.test(error) || origin !== null;
  const facts = { gateway: 'cloudflared', format, atMs, upstream: origin } as const;
  if (error === '' || !isOfRequest) return findingOf({ ...facts, kind: 'event' }, harmlessVerdict);
  return findingOf({ ...facts, kind: 'error', evidence: [error.slice(0, 240)] }, judge(readGoError(error)));
}

function judge(known: GoError | null): Verdict {
  if (known === null) return unknownFailure;
  const { shape, type, stage, born, whose, sentence } = known;
  return { shape, type, stage, born, whose, sentence, fix: shape === 'client_abort' ? null : address };
}

const address = fixOf(
  'Start the application, or correct `service` of that ingress rule: its scheme, address and port, as cloudflared reaches them (in a container, `localhost` is the container itself)',
  'ingress:\n  - hostname: app.example.com\n    service: http://app:8080',
);

const unknownFailure: Verdict = {
  ...harmlessVerdict,
  shape: 'unknown',
  born: 'reverse-proxy',
  sentence: 'cloudflared could not pass a request on, for a reason that Candor does not know.',
  fix: address,
};

/** The log of Cloudflare's tunnel, on the console and in JSON. */
export const cloudflaredDialects: readonly Dialect[] = [
  dialect('cloudflared', format, (line) => (parse(line) === null ? 0 : 2), read),
];
