import { readFileSync, writeFileSync } from 'node:fs';

// Loaded before each test file: writes how much processor time the process took, when it ends.

/** The file for the milliseconds. */
export const cpuFileVariable = 'CANDOR_TEST_CPU_FILE';

const path = process.env[cpuFileVariable];
if (path !== undefined) {
  // Programs that the tests start write nothing.
  delete process.env[cpuFileVariable];
  process.on('exit', () => writeFileSync(path, String(ownMs() + childrenMs())));
}

function ownMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
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
