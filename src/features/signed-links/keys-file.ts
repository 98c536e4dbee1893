import { basename } from 'node:path';
import { quoted } from '../../schema/error-detail.ts';
import type { Findings, Path } from '../../schema/findings.ts';
import { contentLines } from '../content-lines.ts';

/** A key that can be guessed signs for anybody. */
const charactersMin = 32;
/** Each is tried for each request. */
const keysMax = 8;

/** One key in each line, the one that signs first; empty lines and those that begin with `#` do not count. */
export function linkKeysIn(text: string): ReturnType<typeof contentLines> {
  return contentLines(text.replace(/^\uFEFF/, ''));
}

export function reviewLinkKeys(path: string): (text: string, at: Path, findings: Findings) => void {
  const [name, make] = [quoted(basename(path)), `openssl rand -hex 32 >> ${path}`];
  return (text, at, findings) => {
    const keys = linkKeysIn(text);
    if (keys.length === 0) findings.errorAtValue(at, `${name} has no key: no link would be valid`, make);
    if (keys.length > keysMax)
      findings.errorAtValue(
        at,
        `${name} has ${keys.length} keys, and ${keysMax} is the most`,
        'remove those whose links have expired',
      );
    for (const { line, content: key } of keys.slice(0, keysMax))
      if (key.length < charactersMin)
        findings.errorAtValue(
          at,
          `the key in line ${line} of ${name} has ${key.length} characters, and ${charactersMin} is the least`,
          make,
        );
    const seen = new Map<string, number>();
    for (const { line, content: key } of keys) {
      const before = seen.get(key);
      if (before !== undefined)
        findings.warnAtValue(at, `line ${line} of ${name} has the key of line ${before}`, 'remove one of them');
      seen.set(key, line);
    }
  };
}
