import type { Filter, FilterPipeline } from '../core/filter.ts';

/** Null where there are no filters: then nothing is made for an exchange of the route. */
export function compileFilters(filters: readonly Filter[]): FilterPipeline | null {
  if (filters.length === 0) return null;
  return { filters, changesResponseBody: filters.some((filter) => filter.responseBody !== undefined) };
}
