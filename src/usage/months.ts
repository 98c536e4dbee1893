export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** The calendar month in UTC that has a time: all in milliseconds since the Unix epoch. */
export function monthOf(at: number): { readonly start: number; readonly end: number } {
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) };
}

export function hoursOfMonth(at: number): number {
  const { start, end } = monthOf(at);
  return (end - start) / hourMs;
}
