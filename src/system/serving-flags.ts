import { setFlagsFromString } from 'node:v8';

const servingFlags: readonly string[] = [
  // V8 compiles hot functions on helper threads, and also frees there what the compilation used, if a helper thread comes to it: by then it is
  // spread over the memory of several threads, which return it late or never. Freed where the code is installed, it is 13 to 16 MB less.
  '--no-maglev-destroy-on-background',
  // V8 allocates what a literal makes in the old generation, for ever, if once nearly all that it made was alive at a collection. After some
  // starts that is so of the first hundred requests: from then on what each request makes waits for a full collection (ADR 4).
  '--no-allocation-site-pretenuring',
];

/**
 * For all threads of a process that serves. Set once these have loaded their modules: code that was compiled under other flags is not used, so that
 * before this each start would compile the modules of Node itself, instead of taking them from Node's program. They are no options of Node: a V8 that no longer
 * has a flag then prints a line, where Node would not start.
 */
export function setServingFlags(): void {
  for (const flag of servingFlags) setFlagsFromString(flag);
}
