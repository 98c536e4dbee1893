import { setFlagsFromString } from 'node:v8';

// Loaded before each test file: the flag that `bin/candor` sets. Node's compile cache has one entry for each module, and V8 rejects an entry
// that was made under other flags. Without this, a gateway in the process of a test and one in a process of its own replace each
// other's entries, and each compiles nearly everything again.

setFlagsFromString('--no-maglev-destroy-on-background');
