import { nearest } from '../core/nearest.ts';
import { orList, quoted } from '../schema/error-detail.ts';

export function suggestNearest(written: string, names: Iterable<string>, most = 3): string | null {
  const near = nearest(written, names, most);
  return near.length === 0 ? null : `did you mean ${orList(near.map(quoted))}?`;
}
