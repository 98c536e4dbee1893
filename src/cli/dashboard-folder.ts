import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The built files of the dashboard: in the package, else where a source checkout builds them. */
export function dashboardFolder(): string {
  const root = join(import.meta.dirname, '..', '..');
  const packaged = join(root, 'dist', 'dashboard');
  return existsSync(packaged) ? packaged : join(root, '.cache', 'dashboard');
}
