import { bundled } from '../program.ts';

// What starts a gateway in the process of a test.

export const { startGateway, ListenFailure } =
  await bundled<typeof import('../../src/gateway/gateway.ts')>('gateway/gateway');
export const { loadConfiguration } = await bundled<typeof import('../../src/config/load.ts')>('config/load');
export const { thisHost } = await bundled<typeof import('../../src/config/host.ts')>('config/host');
export const { shownOf } =
  await bundled<typeof import('../../src/cli/read-configuration.ts')>('cli/read-configuration');
