import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

// Loaded before each test file: the flags that `bin/candor` sets. Node's compile cache has one entry for each module, and V8 rejects an entry
// that was made under other flags. Without this, a gateway in the process of a test and one in a process of its own replace each
// other's entries, and each compiles nearly everything again.

const program = readFileSync(join(import.meta.dirname, '..', 'bin', 'candor'), 'utf8');
const flags = [...program.matchAll(/setFlag\('(--[a-z-]+)'\)/g)].map(([, flag = '']) => flag);
if (flags.length === 0) throw new Error('bin/candor sets no flags of V8 by `setFlag`');
for (const flag of flags) setFlagsFromString(flag);
