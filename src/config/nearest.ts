import { nearest } from '../core/nearest.ts';
import { orList, quoted } from '../schema/error-detail.ts';

export function suggestNearest(written: string, names: Iterable<string>, most = 3): string | null {
  const near = nearest(written, names, most);
  return near.length === 0 ? null : `did you mean ${orList(near.map(quoted))}?`;
}

/** Whether a word in braces was meant to be the port of an application, such as `prot`, `PORT` and `http_port`. */
export function isPort(word: string): boolean {
  return /(?:^|[_.-])port$|[a-z]Port$/.test(word) || nearest(word, ['port'], 1).length > 0;
}
