import type { ParsedAnswer } from './answer.ts';
import { type AuthorVerdict, authorVerdict } from './verdict.ts';

/** The whole body of Traefik's errors: the reason phrase of the status, without a line end. */
const phrases: Readonly<Record<number, string>> = {
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/**
 * A response whose body is only its reason phrase. Traefik writes such responses. So do Express (with an entity tag) and
 * programs in Go (with a line end and `nosniff`). A 500 of this kind may come from any program.
 */
export function readBarePhrase(answer: ParsedAnswer): AuthorVerdict | null {
  const phrase = phrases[answer.status];
  if (phrase === undefined || answer.body !== phrase) return null;
  for (const name of ['server', 'etag', 'x-content-type-options', 'x-powered-by', 'keep-alive', 'vary'])
    if (answer.field(name) !== null && !isOfAnEdge(answer, name)) return null;
  return authorVerdict('traefik', 'likely', 'its errors have only the reason phrase, without a line end', phrase);
}

/** An edge in front overwrites every other name, so its name does not show what is behind it. */
function isOfAnEdge(answer: ParsedAnswer, name: string): boolean {
  return name === 'server' && /^(?:cloudflare|fly\/|vercel|railway)/i.test(answer.field(name) ?? '');
}
