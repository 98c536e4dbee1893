export interface TestPlan {
  /** Files that need no program of others, in the order in which they are begun: while such are fetched still. */
  readonly early: readonly string[];
  /** Files that need a processor most of the time, in the order in which they are begun. */
  readonly working: readonly string[];
  /** Files that mostly wait, in the order in which they are begun. */
  readonly waiting: readonly string[];
}

/** They compile, check and install for a minute, on all processors, and have no timings of their own. */
export const withoutPeers: readonly string[] = ['test/packaging/tarball.test.ts', 'test/checks.test.ts'];

/** They are begun before others, so that the end of a run is not one long file beside an idle processor. */
export const longest: readonly string[] = [
  'test/upgrade/upgrade.test.ts',
  'test/upgrade/kill-sweep.test.ts',
  'test/cli/read-only-folder.test.ts',
  'test/cli/bad-start.test.ts',
  'test/cli/serving.test.ts',
  'test/upgrade/passed-sockets.test.ts',
  'test/gateway/several-workers.test.ts',
  'test/gateway/succession.test.ts',
  'test/gateway/applications.test.ts',
];

/**
 * Each needs a processor for less than half of its time, most for less than a third: they wait for timeouts of a
 * gateway, which are what they are about. The longest first.
 */
export const mostlyWaiting: readonly string[] = [
  'test/torture/torture.test.ts',
  'test/faults/faults.test.ts',
  'test/gateway/not-ready.test.ts',
  'test/soak/soak-mixed.test.ts',
  'test/gateway/curl.test.ts',
  'test/soak/soak.test.ts',
  'test/gateway/tunnel.test.ts',
  'test/soak/soak-changes.test.ts',
  'test/dns/names.test.ts',
  'test/gateway/descriptors.test.ts',
  'test/attacks/admin.test.ts',
  'test/gateway/early-response.test.ts',
  'test/dns/families.test.ts',
  'test/torture/command.test.ts',
  'test/gateway/routes.test.ts',
  'test/gateway/forwarding.test.ts',
  'test/attacks/client-that-never-reads.test.ts',
  'test/scripts/run-test-files.test.ts',
  'test/attacks/admin-browser.test.ts',
  'src/cli/upgrade/upgrades.test.ts',
  'src/transport/resolve.test.ts',
  'src/testing/fault-origin.test.ts',
  'test/faults/clients.test.ts',
  'test/attacks/slow-clients.test.ts',
  'src/testing/torture/cases.test.ts',
];

/** Which files run when. Those that are in no list keep their order. */
export function planTestFiles(files: readonly string[]): TestPlan {
  const given = new Set(files);
  const take = (list: readonly string[]): string[] => list.filter((file) => given.delete(file));
  const [early, waiting, first] = [take(withoutPeers), take(mostlyWaiting), take(longest)];
  return { early, working: [...first, ...given], waiting };
}
