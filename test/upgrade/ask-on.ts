import type { GatewayProgram } from './gateway-program.ts';

interface Asking {
  /** Resolves when the last request has been answered. `failed`: statuses other than 200, and errors by their codes. */
  end(): Promise<{ readonly answered: number; readonly failed: readonly string[] }>;
}

/** `clients` of a gateway send one request after the other, each over a new connection, until they are stopped. */
export function askOn(through: GatewayProgram, clients = 1): Asking {
  const failed: string[] = [];
  let [answered, goesOn] = [0, true];
  const askAgain = async (): Promise<void> => {
    while (goesOn) {
      const answer = await through.get('/').catch((error: NodeJS.ErrnoException) => error.code ?? 'failed');
      if (typeof answer === 'object' && answer.status === 200) answered += 1;
      else failed.push(typeof answer === 'string' ? answer : `${answer.status}`);
    }
  };
  const asking = Promise.all(Array.from({ length: clients }, askAgain));
  return {
    async end() {
      goesOn = false;
      await asking;
      return { answered, failed };
    },
  };
}
