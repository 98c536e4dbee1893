import type { FilterAnswer, FilterContext } from '../core/filter.ts';
import { plainText, textAnswer } from './plain-answer.ts';

/**
 * Leads to the path of the request with a slash at its end: relative links of the page of a folder need it. The path is the plain one: two slashes
 * at its beginning would be another host. 308 for every method, since a POST that becomes a GET loses its body.
 */
export function toFolder({ path, request }: FilterContext): FilterAnswer {
  const mark = request.target.indexOf('?');
  const query = mark < 0 ? '' : request.target.slice(mark);
  const safe = (text: string, unsafe: RegExp): string =>
    text.replace(unsafe, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
  const location = `${safe(path, /[^\w\-.~!$&'()*+,;=:@%/]/g)}/${safe(query, /[^\x21-\x7e]|[#"<>\\`{}]/g)}`;
  return textAnswer(308, plainText, `See ${location}\n`, [['Location', location]]);
}
