/** What a table is sorted by: shown at the head of that column. */
export interface SortOrder {
  /** The name of the column; null: the order of the rows as they are given. */
  readonly column: string | null;
  readonly isDescending: boolean;
}

type SortValue = number | string | null;

export interface SortedColumn<R> {
  readonly name: string;
  readonly isNumber?: boolean;
  /** Absent: rows cannot be sorted by it. */
  readonly sortBy?: (row: R) => SortValue;
}

/** Rows with the same value keep the order in which they are given; those without one come last. */
export function sortedRows<R>(
  rows: readonly R[],
  columns: readonly SortedColumn<R>[],
  { column, isDescending }: SortOrder,
): readonly R[] {
  const sortBy = columns.find(({ name }) => name === column)?.sortBy;
  if (sortBy === undefined) return rows;
  const sign = isDescending ? -1 : 1;
  return rows.toSorted((one, other) => {
    const [a, b] = [sortBy(one), sortBy(other)];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * (typeof a === 'string' || typeof b === 'string' ? String(a).localeCompare(String(b)) : a - b);
  });
}

/** What a click at the head of a column makes of the order: figures are looked at from the largest, names from the first. */
export function nextOrder<R>(order: SortOrder, { name, isNumber = false }: SortedColumn<R>): SortOrder {
  return { column: name, isDescending: order.column === name ? !order.isDescending : isNumber };
}
