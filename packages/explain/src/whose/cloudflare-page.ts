import type { ParsedAnswer } from './answer.ts';
import { productOfServer } from './products.ts';
import { type AuthorVerdict, authorVerdict } from './verdict.ts';

const branded = /id="cf-error-details"|class="cf-error-|id="cf-wrapper"|\/cdn-cgi\/styles\/|utm_source=errorcode_\d{3}/;
/** Cloudflare's challenge page. Its scripts alone prove nothing, since Cloudflare inserts them into pages of origins as well. */
const challenge = /\b_cf_chl_opt\b|<title>Just a moment\.\.\.<\/title>/;
/** Sent instead of the page if the client asked for no HTML; 1xxx are Cloudflare's own codes. */
const plain = /^error code: (\d{3,4})\s*$/;

/**
 * Cloudflare's pages. It replaces a 502 or 504 of the origin with a page that has its brand. Its own 502 or 504 is a
 * plain page with its name, like nginx's. 520 to 530 are its findings about the origin, and it makes those responses.
 */
export function readCloudflarePage(answer: ParsedAnswer): AuthorVerdict | null {
  const { body, status } = answer;
  const words = plain.exec(body);
  if (words !== null) return readPlain(answer, Number(words[1]), words[0]);
  const page = branded.exec(body.slice(0, 16_384));
  if (page !== null && comesThroughCloudflare(answer)) {
    if (status === 502 || status === 504)
      return authorVerdict(
        'application',
        'likely',
        `Cloudflare shows its branded page in place of a ${status} that the origin sent`,
        page[0],
      );
    return authorVerdict('cloudflare', 'certain', 'the page is its own', page[0]);
  }
  const challenged = challenge.exec(body);
  if (challenged !== null && comesThroughCloudflare(answer) && status >= 400)
    return authorVerdict('cloudflare', 'certain', 'it is its challenge for browsers', challenged[0]);
  return null;
}

function readPlain(answer: ParsedAnswer, code: number, words: string): AuthorVerdict | null {
  if (!comesThroughCloudflare(answer)) return authorVerdict('cloudflare', 'likely', 'the words are its own', words);
  if (code === 502 || code === 504)
    return authorVerdict(
      'cloudflare',
      'likely',
      `it wrote the words, though it may have put them in place of a ${code} that the origin sent`,
      words,
    );
  return authorVerdict('cloudflare', 'certain', 'the words are its own', words);
}

function comesThroughCloudflare(answer: ParsedAnswer): boolean {
  return (
    !answer.hasHead ||
    answer.field('cf-ray') !== null ||
    answer.lines('server').some((line) => productOfServer(line)?.layer === 'cloudflare')
  );
}
