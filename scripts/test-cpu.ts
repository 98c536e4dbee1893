import { readFileSync, writeFileSync } from 'node:fs';

// Loaded before each test file: writes how much processor time the process took, when it ends.

/** The file for the milliseconds, as JSON: `CpuTimes`. */
export const cpuFileVariable = 'CANDOR_TEST_CPU_FILE';

/** Milliseconds of processor time of a process and the programs that it started, and what each file of a group took of it. */
export interface CpuTimes {
  readonly ms: number;
  readonly files: Readonly<Record<string, number>>;
}

const files: Record<string, number> = {};
const path = process.env[cpuFileVariable];
if (path !== undefined) {
  // Programs that the tests start write nothing.
  delete process.env[cpuFileVariable];
  process.on('exit', () => writeFileSync(path, JSON.stringify({ ms: cpuMs(), files } satisfies CpuTimes)));
}

/** Notes what a file of a group took. */
export function noteFileCpu(file: string, ms: number): void {
  files[file] = ms;
}

/** Of this process, its threads, and the programs that it started and that have ended. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 + childrenMs();
}

/** Of ended children, and of ended children of these; Linux counts in hundredths of a second. (proc(5), /proc/pid/stat) */
function childrenMs(): number {
  try {
    const afterName = readFileSync('/proc/self/stat', 'latin1').replace(/^.*\) /s, '');
    const [user, system] = afterName.split(' ').slice(13, 15);
    return (Number(user) + Number(system)) * 10;
  } catch {
    return 0; // There is no /proc here.
  }
}
