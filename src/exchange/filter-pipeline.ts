import { type Filter, type FilterPipeline, filterStages } from '../core/filter.ts';

/** Null where there are no filters: then nothing is made for an exchange of the route. Those of one stage stay in the given order. */
export function compileFilters(filters: readonly Filter[]): FilterPipeline | null {
  if (filters.length === 0) return null;
  const ordered = filters.toSorted((one, other) => indexOf(one) - indexOf(other));
  const replacing = ordered.filter((filter) => filter.replaceResponse !== undefined).reverse();
  return {
    filters: ordered,
    replacing: replacing.length === 0 ? null : replacing,
    changesResponseBody: filters.some((filter) => filter.responseBody !== undefined),
  };
}

function indexOf({ stage = 'action' }: Filter): number {
  return filterStages.indexOf(stage);
}
