import { failureTable } from '#failures/failure-table.ts';
import type { Cause } from '#failures/failure.ts';

export function causesOf(): Cause[] {
  return Object.keys(failureTable) as Cause[];
}
