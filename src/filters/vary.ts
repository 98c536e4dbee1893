import type { FilterResponseHead } from '../core/filter.ts';

/** Says to caches that the response depends on the request's header `name`. */
export function addVary(head: Pick<FilterResponseHead, 'get' | 'add'>, name: string): void {
  const names = head.get('vary')?.toLowerCase().split(',') ?? [];
  if (!names.some((one) => one.trim() === name.toLowerCase() || one.trim() === '*')) head.add('Vary', name);
}
