import type { ParsedAnswer } from './answer.ts';
import { type AuthorVerdict, authorVerdict } from './verdict.ts';

/** What Traefik writes, and nothing else: the reason phrase of the status, without a line's end. */
const phrases: Readonly<Record<number, string>> = {
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/**
 * An answer of nothing but its reason phrase. Traefik writes such; so do Express (with an entity tag), and programs in Go
 * (with a line's end and `nosniff`). A 500 of this kind could be anybody's.
 */
export function readBarePhrase(answer: ParsedAnswer): AuthorVerdict | null {
  const phrase = phrases[answer.status];
  if (phrase === undefined || answer.body !== phrase) return null;
  for (const name of ['server', 'etag', 'x-content-type-options', 'x-powered-by', 'keep-alive', 'vary'])
    if (answer.field(name) !== null && !isOfAnEdge(answer, name)) return null;
  return authorVerdict(
    'traefik',
    'likely',
    'the reason phrase alone, without a line of its own, is what it writes',
    phrase,
  );
}

/** An edge in front writes its own name over every other, which says nothing of what is behind it. */
function isOfAnEdge(answer: ParsedAnswer, name: string): boolean {
  return name === 'server' && /^(?:cloudflare|fly\/|vercel|railway)/i.test(answer.field(name) ?? '');
}
