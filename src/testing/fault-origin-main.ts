import { startFaultOrigin } from './fault-origin.ts';
import { faults } from './all-faults.ts';

/**
 * The fault origin as a program: `PORT=3000 HOST=127.0.0.1 node fault-origin-main.ts`. Without PORT the system
 * chooses. Ends on SIGTERM and SIGINT with code 0, and with 1 when it cannot listen.
 */
try {
  const port = Number(process.env['PORT'] ?? 0);
  const origin = await startFaultOrigin({ port, host: process.env['HOST'] ?? '127.0.0.1' });
  console.log(
    `The fault origin listens on ${origin.url} and knows ${faults.length} ways to answer: try /ok, /fault/silent.`,
  );
  const stop = (): void => void origin.close();
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
} catch (error) {
  console.error(`The fault origin cannot listen: ${(error as NodeJS.ErrnoException).code ?? 'it does not say why'}.`);
  process.exitCode = 1;
}
