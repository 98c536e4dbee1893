import { startGatewayUnderTest, type Target, type TestTimeouts } from '../faults/gateway-under-test.ts';
import type { TortureStage } from '../../src/testing/torture/stage.ts';

/** Short, so that the whole suite takes seconds; longer than what the lawful slow answers take. */
export const timeouts: TestTimeouts = { connectMs: 300, responseHeadMs: 500, idleMs: 250 };

/** The gateway of this repository with a route to every part of the torture origin that listens at an address. */
export function startCandorBefore(stage: TortureStage): ReturnType<typeof startGatewayUnderTest> {
  const targets = stage.groups
    .filter(({ missing }) => missing === null)
    .map(({ name, path, url }): Target => {
      const { hostname, port } = new URL(url);
      return { name, prefixes: [path], to: { host: hostname, port: Number(port === '' ? 80 : port) } };
    });
  return startGatewayUnderTest(targets, timeouts);
}
