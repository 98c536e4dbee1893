import { constants } from 'node:os';

/**
 * The first signal drains, and ends the process with the code of the drain where `exits`; a second one ends it at once. The function
 * returned gives signals back to Node.
 */
export function onSignals(
  names: readonly NodeJS.Signals[],
  exits: boolean,
  drain: (why: string) => Promise<number>,
  log: (line: string) => void,
): () => void {
  let hasCome = false;
  const receive = (name: NodeJS.Signals): void => {
    if (hasCome) {
      log(`a second signal (${name}): the process ends at once`);
      process.exit(128 + constants.signals[name]);
    }
    hasCome = true;
    void drain(name).then((code) => {
      if (exits) process.exit(code);
    });
  };
  for (const name of names) process.on(name, receive);
  return () => {
    for (const name of names) process.off(name, receive);
  };
}
