import { excerpt } from './characters.ts';

const LF = 10;
const COLON = 58;

/**
 * The name of the longest header line in a head that may not have come to its end; '' where there is none yet. It is
 * what a person looks for when a head is too large. Never a value, which may be a secret.
 */
export function longestHeaderName(head: Uint8Array): string {
  let longest = 0;
  let name = '';
  for (let start = head.indexOf(LF) + 1; start > 0 && start < head.length; ) {
    const lineEnd = head.indexOf(LF, start);
    const end = lineEnd === -1 ? head.length : lineEnd;
    const colon = head.indexOf(COLON, start);
    if (end - start > longest && colon > start && colon < end) {
      longest = end - start;
      name = excerpt(head, start, colon);
    }
    start = end + 1;
  }
  return name;
}
