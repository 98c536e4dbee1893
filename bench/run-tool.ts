import { refuseStarts, stopAll } from './processes.ts';

/**
 * Runs a command that starts programs. However it ends, by itself, by an error, by Ctrl-C or SIGTERM, every program that it
 * started has ended before. The exit code is that of `main`; 1 if it rejects, with the message; 130 after a signal. `cleanUp` runs last.
 */
export async function runTool(main: () => Promise<number>, cleanUp: () => void = () => {}): Promise<void> {
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = true;
      refuseStarts();
      void stopAll().then(() => {
        cleanUp();
        process.exit(130);
      });
    });
  }
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!interrupted) console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  } finally {
    await stopAll();
    if (!interrupted) cleanUp();
  }
}
