import type { Result } from '#failures/result.ts';
import { succeed } from '#failures/result.ts';
import type { ErrorDetail } from '../../schema/error-detail.ts';
import { quoted, reject } from '../../schema/error-detail.ts';
import { variablesIn } from '../../core/template.ts';
import { foreignInUrl } from '../../schema/format/foreign-in-url.ts';
import { parsePathPrefix } from './path-prefix.ts';

/** What replaces a path, or its beginning; it may have variables, which `review-rewrites.ts` judges. A `{query}` at its end says what happens anyway. */
export function parseRewritePath(written: string): Result<string, ErrorDetail> {
  const text = written.replace(/\{query\}$/, '');
  const foreign = foreignInUrl(text);
  if (foreign !== null) return { ok: false, failure: foreign };
  const [, group] = /\$([a-z_]\w*)/i.exec(text) ?? [];
  if (group !== undefined)
    return reject(
      `"$${group}" is no variable`,
      `write {capture.${group}} for what the group "${group}" of "path" has found`,
    );
  if (/\?/.test(text) || variablesIn(text).includes('query'))
    return reject(
      'the query of the request stays as it is',
      `write ${quoted(text.replace(/\?.*|\{query\}/g, ''))}, and what changes in the query as "query: { set: … }" beside it`,
    );
  if (/[/\\]\{path\}/.test(text))
    return reject('{path} begins with "/"', `write ${quoted(text.replace(/[/\\]+\{path\}/, '{path}'))}`);
  const plain = parsePathPrefix(text.replaceAll('{path}', '/p').replace(/\{[a-z_][\w.>-]*\}/gi, 'x'));
  // A slash at the end of a whole path counts.
  return plain.ok ? succeed(text) : plain;
}
