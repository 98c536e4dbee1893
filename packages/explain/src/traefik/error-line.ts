import type { Finding, LineKind } from '../finding.ts';
import { type GoError, readGoError, readGoErrorInContent } from '../go-errors.ts';
import { clientLeftVerdict, unknownVerdict } from '../typed-verdict.ts';
import { findingOf, type Verdict, harmlessVerdict } from '../verdict.ts';
import { raiseLevel, traefikFixes } from './fixes.ts';

/** A line of Traefik's own log, of any version and in any format. */
export interface TraefikLine {
  readonly form: 'logfmt' | 'console' | 'JSON';
  readonly atMs: number | null;
  /** Whether its level is `error` or above. */
  readonly isError: boolean;
  readonly text: string;
  /** The fields that newer versions write beside the text; empty if there are none. */
  readonly error: string;
  readonly service: string | null;
}

/** Versions 1 and 2 write "'502 Bad Gateway' caused by: EOF", version 3 "502 Bad Gateway" with the cause in a field. */
const causedBy = /^'(\d{3}) [A-Za-z ]{2,40}' caused by: (.{1,4000})$/s;
const statusText = /^(\d{3}) [A-Z][A-Za-z ]{1,40}$/;

/** Texts for requests that failed, or for connections of TCP routers. */
const dialTexts = /^Error while (?:connecting to|dialing) backend|^Error while handling TCP connection/;
const copyTexts =
  /^(?:httputil: )?ReverseProxy read error during body copy|^reverseproxy: |^Error while copying response/i;

export function readTraefikLine(line: TraefikLine): Finding {
  const older = causedBy.exec(line.text);
  if (older !== null)
    return failed(line, { status: Number(older[1]), known: readGoError(older[2] ?? ''), text: line.text });
  const newer = line.error === '' ? null : statusText.exec(line.text);
  if (newer !== null) {
    const text = `${line.text} error="${line.error}"`;
    return failed(line, { status: Number(newer[1]), known: readGoError(line.error), text });
  }
  return withoutStatus(line);
}

function withoutStatus(line: TraefikLine): Finding {
  const whole = line.error === '' ? line.text : `${line.text}: ${line.error}`;
  if (copyTexts.test(line.text)) return failed(line, { status: null, known: readGoErrorInContent(whole), text: whole });
  const isClient = line.text.includes('http: TLS handshake error from');
  if (isClient || dialTexts.test(line.text))
    return failed(line, { status: null, known: readGoError(whole), text: whole });
  const passed = roundTrip.exec(line.text);
  if (passed !== null) return ofRoundTrip(line, Number(passed[2]), passed[1] ?? null, passed[0]);
  return findingOf({ ...factsOf(line, 'event'), ...healthWords(whole) }, harmlessVerdict);
}

/** Version 2 at level `debug`: "Round trip: URL, code: 504, Length: 15, duration: 30s", whoever wrote that status. */
const roundTrip = /\bRound trip: (\S{1,300}), code: (\d{3})\b/;

function ofRoundTrip(line: TraefikLine, status: number, upstream: string | null, words: string): Finding {
  const facts = { ...factsOf(line, 'access'), status, upstream };
  if (status === 499)
    return findingOf(
      { ...facts, evidence: [words] },
      clientLeftVerdict('The client left before Traefik had answered.'),
    );
  if (status < 500) return findingOf(facts, harmlessVerdict);
  const sentence = `The client got ${status}; this line does not say whether Traefik or the application wrote it.`;
  return findingOf({ ...facts, evidence: [words] }, unknownVerdict('reverse-proxy', sentence, raiseLevel));
}

function healthWords(text: string): { readonly evidence: readonly string[] } {
  return { evidence: /^Health ?check/i.test(text) ? [text.slice(0, 240)] : [] };
}

function factsOf(line: TraefikLine, kind: LineKind) {
  const gateway = 'traefik' as const;
  return { gateway, format: `Traefik log (${line.form})`, kind, atMs: line.atMs, upstream: line.service };
}

interface Failed {
  readonly status: number | null;
  readonly known: GoError | null;
  readonly text: string;
}

function failed(line: TraefikLine, { status, known, text }: Failed): Finding {
  const facts = { ...factsOf(line, 'error'), status, evidence: [text.slice(0, 280)] };
  if (known === null) return findingOf(facts, unknownFailure);
  const { shape, type, stage, born, whose, sentence, cause, endpoint } = known;
  const verdict: Verdict = { shape, type, stage, born, whose, sentence, fix: traefikFixes[cause] };
  return findingOf({ ...facts, upstream: endpoint ?? facts.upstream }, verdict);
}

const unknownFailure: Verdict = {
  ...harmlessVerdict,
  shape: 'unknown',
  born: 'reverse-proxy',
  sentence: 'Traefik could not answer a request, for a reason that Candor does not know.',
  fix: raiseLevel,
};
