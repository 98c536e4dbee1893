import { failureTable } from '../../src/core/failure-table.ts';
import type { Cause } from '../../src/core/failure.ts';

export function causesOf(): Cause[] {
  return Object.keys(failureTable) as Cause[];
}
